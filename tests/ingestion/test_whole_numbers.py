"""A whole-number column takes whole numbers as they are, and nothing that would have to be rounded to become one."""

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.checks import source_name, typed
from ingestion.contracts import Column, ColumnMeta
from tests.ingestion.conftest import Deployment, RefusedFilesError

CENTS = [12_000 + 100 * number + (99 if number % 5 == 0 else 0) for number in range(40)]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("'5'", 5),
        ("' 12 '", 12),
        ("'-7'", -7),
        ("'+7'", 7),
        ("'007'", 7),
        ("'17712.0'", 17_712),
        ("'9007199254740993.00'", 9_007_199_254_740_993),
        ("'1.5'", None),
        ("'0.999'", None),
        ("'1e3'", None),
        ("'0x10'", None),
        ("'1_000'", None),
        ("'1,000'", None),
        ("'12.'", None),
        ("chr(65305)", None),
        ("'true'", None),
        ("'99999999999999999999'", None),
        ("7::utinyint", 7),
        ("2.0::double", 2),
        ("1.5::double", None),
        ("1e300::double", None),
        ("'nan'::double", None),
        ("'inf'::float", None),
        ("3.00::decimal(9, 2)", 3),
        ("2.50::decimal(9, 2)", None),
        ("true", None),
        ("date '2026-01-01'", None),
    ],
)
@pytest.mark.parametrize("data_type", ["bigint", "integer"])
def test_known_answers(value: str, number: int | None, data_type: str) -> None:
    column = Column(name="n", data_type=data_type, meta=ColumnMeta(data_class="none"))
    rows = duckdb.sql(f"select {value} as {source_name('n')}")
    found = rows.select(typed(column, str(rows.types[0]), is_trimmed=False)).fetchall()
    assert found == [(None if number is not None and data_type == "integer" and number > 2**31 else number,)]


def charges(amounts: list[object], month: int) -> pl.DataFrame:
    count = len(amounts)
    return pl.DataFrame(
        {
            "id": [f"ch_{number}" for number in range(count)],
            "customer_id": ["cus_1"] * count,
            "amount": amounts,
            "amount_refunded": [0] * count,
            "currency": ["eur"] * count,
            "status": ["succeeded"] * count,
            "created": ["2026-01-01T10:00:00Z"] * count,
            "updated": [f"2026-0{month}-01T10:00:00Z"] * count,
        }
    )


def write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".parquet":
            frame.write_parquet(path)
        case _:
            # As JavaScript writes numbers: a whole one has no point.
            rows = [{**row, "amount": f"{row['amount']:g}"} for row in frame.to_dicts()]
            lines = [json.dumps(row).replace(f'"{row["amount"]}"', row["amount"]) for row in rows]
            path.write_text("\n".join(lines))


def totals(deployment: Deployment) -> tuple[int, int]:
    (found,) = deployment.query("select sum(amount), count(*) from raw_stripe.charges where _superseded_by is null")
    return found[0], found[1]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_amounts_in_another_unit_refuse_the_table(deployment: Deployment, ending: str) -> None:
    """Most amounts are whole in euros too: as cents they would pass, a hundred times too small."""
    connected = {"stripe": {"exports": "stripe"}}
    folder = deployment.folder / "stripe"
    write(charges([*CENTS], 2), folder / f"charges_1.{'csv' if ending == 'csv' else 'parquet'}")
    deployment.load_all(connected)
    write(charges([amount / 100 for amount in CENTS], 3), folder / f"charges_2.{ending}")
    with pytest.raises(RefusedFilesError) as caught:
        deployment.load_all(connected)
    assert (
        f"charges_2.{ending} breaks the type of amount (whole numbers by contract, fractions now) in 20% of its rows"
        in str(caught.value)
    )
    assert totals(deployment) == (sum(CENTS), len(CENTS))
    assert deployment.query("select column_name, change from ingestion.schema_changes") == [("amount", "retyped")]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_single_fraction_is_quarantined_alone(deployment: Deployment, ending: str) -> None:
    amounts = [float(amount) for amount in CENTS]
    write(charges([*amounts[:-1], 0.5], 2), deployment.folder / "stripe" / f"charges.{ending}")
    deployment.load_all({"stripe": {"exports": "stripe"}})
    assert totals(deployment) == (sum(CENTS[:-1]), len(CENTS) - 1)
    assert deployment.query("select row_number, reason from quarantine.stripe__charges") == [
        (len(CENTS), "amount is not a whole number")
    ]


def test_whole_numbers_with_gaps_come_as_decimals(deployment: Deployment) -> None:
    deployment.table, deployment.path = "tickets", "*.csv"
    deployment.columns = {name: name for name in ("ticket_id", "created_at", "status", "reply_count")}
    rows = [f"T{number},2026-01-01,open,{'' if number % 3 == 0 else f'{number}.0'}" for number in range(30)]
    deployment.write("a.csv", "ticket_id,created_at,status,reply_count\n" + "\n".join(rows))
    (load,) = deployment.load()
    assert (load.loaded_count, load.quarantined_count) == (30, 0)
    assert deployment.query("select sum(reply_count), count(reply_count) from raw_files.tickets") == [(300, 20)]
