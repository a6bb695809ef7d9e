"""Every way in which a file can be wrong gives one sentence, or a quarantined row; the sound rest is loaded."""

import gzip
import json
import os
import tempfile
from pathlib import Path

import duckdb
import pytest

from ingestion.connectors.delimited import LONGEST_LINE_BYTES
from tests.ingestion.conftest import COLUMNS, HEADER, Deployment, RefusedFilesError

ROW = "A{0},1,C1,2026-01-0{0} 10:00:00,P1,1,2.50\n"
ROWS = HEADER + ROW.format(1) + ROW.format(2) + ROW.format(3)


def refusal(deployment: Deployment, **spec: object) -> str:
    with pytest.raises(RefusedFilesError) as caught:
        deployment.load(**spec)
    assert deployment.query("select count(*) from raw_files.order_lines") == [(0,)]
    assert deployment.query("select count(*) from ingestion.loads") == [(0,)]
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(deployment: Deployment, delimiter: str) -> None:
    deployment.write("a.csv", ROWS.replace(",", delimiter))
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count) == (3, 3)


def test_the_mapping_decides_the_delimiter_not_the_most_frequent_sign(deployment: Deployment) -> None:
    deployment.write("a.csv", 'o;"a,b,c,d,e,f";d;q;p\nA1;x,y;2026-01-01;1;2.5\n')
    deployment.columns = {"order_id": "o", "ordered_at": "d", "quantity": "q", "unit_price": "p", "currency": "'EUR'"}
    assert deployment.load()[0].loaded_count == 1


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\r").encode(),
        ROWS.replace("\n", "\r\n", 2).encode(),
        ROWS.strip().encode(),
        ROWS.replace("\n", "\n\n").encode(),
        ("\n" + ROWS).encode(),
        "\n".join(f"{line}," for line in ROWS.splitlines()).encode(),
    ],
    ids=["BOM", "CRLF", "CR", "mixed", "no end of line", "blank lines", "blank first", "trailing comma"],
)
def test_dialects(deployment: Deployment, content: bytes) -> None:
    deployment.write("a.csv", content)
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count) == (3, 3)
    assert [row[0] for row in deployment.current()] == ["A1", "A2", "A3"]


def test_quoted_values_hold_newlines_and_delimiters(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + 'A1,1,C1,2026-01-01,"P ""1"",\nsecond line",1,2.50\n' + ROW.format(2))
    deployment.load()
    assert deployment.current()[0][2] == 'P "1",\nsecond line'
    assert deployment.query("select _row_number from raw_files.order_lines order by order_id") == [(1,), (2,)]


def test_gzip_and_names_with_wildcards(deployment: Deployment) -> None:
    deployment.write("a[1].csv.gz", gzip.compress(ROWS.encode()))
    assert deployment.load(path="a*.csv.gz")[0].loaded_count == 3
    deployment.write("b.csv.gz", gzip.compress(ROWS.encode())[:-9])
    with pytest.raises(RefusedFilesError, match=r"b\.csv\.gz isn't a whole gzip file"):
        deployment.load(path="b.csv.gz")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"A9,1,C1\n", "has 3 values where the header has 7"),
        (b"A9,1,C1,2026-01-09,P1,1,2.50,and,more\n", "has 9 values where the header has 7"),
        (b'A9,1,C1,2026-01-09,"P1,1,2.50\n', "has a quote that isn't closed, or text after a closed one"),
        (b'A9,1,C1,2026-01-09,"P1"x,1,2.50\n', "has a quote that isn't closed, or text after a closed one"),
        (b"A9,1,C1,2026-01-09,P\xff1,1,2.50\n", "is not valid UTF-8"),
        (b"A9,1,C1,2026-01-09,P\x001,1,2.50\n", "contains a NUL character"),
    ],
    ids=["too few", "too many", "open quote", "text after quote", "not UTF-8", "NUL"],
)
def test_a_bad_line_goes_to_quarantine_alone(deployment: Deployment, bad: bytes, reason: str) -> None:
    good = ROW.format(3) + 'A4,1,C1,2026-01-04,"P\n4",1,2.50\n'
    deployment.write("a.csv", (HEADER + ROW.format(1)).encode() + bad + good.encode())
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count, load.quarantined_count) == (4, 3, 1)
    assert deployment.reasons() == [(2, reason)]
    assert deployment.query("select order_id, _row_number from raw_files.order_lines order by all") == [
        ("A1", 1),
        ("A3", 3),
        ("A4", 4),
    ]
    ((file, record),) = deployment.query("select file, record from quarantine.files__order_lines")
    assert file == "a.csv"
    assert record.startswith("A9,1,C1")


def test_a_line_of_100_mb(deployment: Deployment) -> None:
    path = deployment.write("a.csv", HEADER + ROW.format(1))
    with path.open("ab") as handle:
        handle.write(b"A9,1,C1,2026-01-09,")
        for _ in range(100):
            handle.write(b"x" * 1_000_000)
        handle.write(b",1,2.50\n" + ROW.format(3).encode())
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count) == (3, 2)
    ((row, reason),) = deployment.reasons()
    assert row == 2
    assert reason == f"is a line of 100,000,027 characters, longer than {LONGEST_LINE_BYTES:,}"
    assert deployment.query("select max(length(record)) < 20000 from quarantine.files__order_lines") == [(True,)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",1,C1,2026-01-01,P1,1,2.50", "order_id is missing"),
        ("A9,1,C1,31/31/2020,P1,1,2.50", "ordered_at is not a timestamp"),
        ("A9,1,C1,2026-02-30,P1,1,2.50", "ordered_at is not a timestamp"),
        (
            "A9,1,C1,infinity,P1,1,2.50",
            "ordered_at is not a timestamp; ordered_at is in the future",
        ),
        ("A9,1,C1,2031-01-01,P1,1,2.50", "ordered_at is in the future"),
        ("A9,1,C1,1889-01-01,P1,1,2.50", "ordered_at is before 1990-01-01"),
        ("A9,1,C1,2026-01-01,P1,two,2.50", "quantity is not a number"),
        ("A9,1,C1,2026-01-01,P1,1e30,2.50", "quantity does not fit decimal(18,4)"),
        ("A9,1,C1,2026-01-01,P1,nan,2.50", "quantity is not a number"),
        ("A9,1,C1,2026-01-01,P1,1,-2.50", "unit_price is below 0"),
        ("A9,1,C1,2026-01-01,P1,20000000,2.50", "quantity is above 10000000"),
        ("A9,1,C1,2026-01-01,P1,1,", "neither unit_price nor line_amount has a value"),
        ("A9,,,2026-01-01,,1,", "neither unit_price nor line_amount has a value"),
        ("A9,1,C1,2026-01-01,P1,,abc", "quantity is missing; unit_price is not a number"),
    ],
)
def test_a_row_that_breaks_the_contract(deployment: Deployment, line: str, reason: str) -> None:
    deployment.write("a.csv", HEADER + ROW.format(1) + line + "\n" + ROW.format(3))
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count, load.quarantined_count) == (3, 2, 1)
    assert deployment.reasons() == [(2, reason)]
    ((record,),) = deployment.query("select record from quarantine.files__order_lines")
    assert json.loads(record)["line"] == (line.split(",")[1] or None)


def test_a_reason_never_quotes_the_value(deployment: Deployment) -> None:
    deployment.columns["currency"] = "sku"
    deployment.write("a.csv", HEADER + f"A1,1,C1,2026-01-01,{'e' * 500},1,2.50\n")
    deployment.load()
    assert deployment.reasons() == [(1, "currency is not of the form [A-Z]{3}")]


def test_blanks_are_trimmed_and_empty_is_missing(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + " A1 ,  ,C1, 2026-01-01 ,P1 ,1,2.50\n")
    deployment.load()
    assert deployment.current() == [("A1", None, "P1", 1.0, 2.5)]


def test_an_offset_is_taken_to_utc(deployment: Deployment) -> None:
    lines = ("2026-01-01T12:00:00+02:00", "2026-01-01T12:00:00Z", "2026-01-01 12:00:00", "2026-01-01")
    deployment.write("a.csv", HEADER + "".join(f"A{n},1,C,{at},P,1,1\n" for n, at in enumerate(lines)))
    deployment.load()
    found = deployment.query("select strftime(ordered_at, '%H') from raw_files.order_lines order by order_id")
    assert [hour for (hour,) in found] == ["10", "12", "12", "00"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"\n\n", "a.csv is empty"),
        ("a.csv", HEADER.encode(), "a.csv holds no rows, only column names"),
        (
            "a.csv",
            ROWS.replace("placed", "date").encode(),
            "a.csv has no column 'placed' (for ordered_at); it has order, line, customer, date",
        ),
        ("a.csv", ROWS.replace(",", "~").encode(), "a.csv has a single column, and not the one"),
        ("a.csv", ROWS.encode("utf-16"), "doesn't begin with a line of UTF-8 text"),
        ("a.parquet", b"PAR", "a.parquet isn't a Parquet file"),
        ("a.parquet", ROWS.encode(), "a.parquet isn't a Parquet file"),
        ("a.parquet", b"PAR1" + b"x" * 99, "a.parquet is a damaged Parquet file"),
        ("a.parquet", b"PAR1" + b"x" * 99 + b"PAR1", "a.parquet is a damaged Parquet file"),
        ("a.xlsx", b"PK", "a.xlsx has the ending .xlsx, not one of .csv"),
        ("a", ROWS.encode(), "a has the ending none"),
        ("a.jsonl", b"\n", "a.jsonl is empty"),
    ],
)
def test_a_file_that_is_refused(deployment: Deployment, name: str, content: bytes, sentence: str) -> None:
    deployment.write(name, content)
    told = refusal(deployment, path=name)
    assert told.startswith(f"order_lines: {name}")
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_nothing_matches(deployment: Deployment) -> None:
    assert "no file matches" in refusal(deployment, path="*.csv")
    assert "no file matches" in refusal(deployment, path="missing/deep/x.csv")
    (deployment.folder / "sub").mkdir()
    assert "is a folder: write" in refusal(deployment, path="sub")


def test_what_the_file_has_is_listed(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS)
    deployment.columns["product_id"] = "SKU code"
    told = refusal(deployment)
    assert "a.csv has no column 'SKU code' (for product_id); it has order, line, customer" in told


def test_a_file_without_header_shows_none_of_its_data(deployment: Deployment) -> None:
    deployment.write("a.csv", "A1,1,jane@canary.example,2026-01-01,P1,1,2.50\n")
    told = refusal(deployment)
    assert "its first line looks like data" in told
    assert "canary" not in told


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("price +", "the expression for unit_price has a mistake (syntax error at or near"),
        ("nope(price)", "the expression for unit_price has a mistake (Scalar Function with name nope does not exist"),
        ("pric * 2", "no column 'pric' (for unit_price) (did you mean 'price'?)"),
        (
            "sum(price::double)",
            "a.csv: the expression for unit_price takes many rows together, as max, sum and count do",
        ),
        ("max(price) || qty", "a.csv: the expression for unit_price takes many rows together"),
        ("1); drop table raw_files.order_lines; select (1", "has a mistake"),
        ("unnest([1, 2])", "an expression in sources.yml must give exactly one value a row"),
    ],
)
def test_an_expression_with_a_mistake(deployment: Deployment, expression: str, sentence: str) -> None:
    deployment.write("a.csv", ROWS)
    deployment.columns["unit_price"] = expression
    told = refusal(deployment)
    assert sentence in told
    assert "GROUP BY" not in told


def test_an_expression_may_end_in_a_comment_and_use_the_row_number(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS)
    deployment.columns["line_id"] = "_row + 100 -- the system numbers no lines"
    deployment.load()
    assert [row[1] for row in deployment.current()] == ["101", "102", "103"]


def test_an_expression_that_fails_on_a_value(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS.replace("P1", "jane@canary.example"))
    deployment.columns["customer_id"] = "cast(sku as bigint)"
    told = refusal(deployment)
    assert "the expression for customer_id fails on a value of a.csv: use try_cast" in told
    assert "canary" not in told


def test_a_mapping_with_mistakes(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS)
    deployment.columns = {"order_id": "order", "orderd_at": "placed", "quantity": "qty", "currency": "'EUR'"}
    told = refusal(deployment)
    assert "orderd_at is no column of order_lines (did you mean 'ordered_at'?)" in told
    assert "ordered_at isn't mapped, and every row needs it" in told
    deployment.table = "order_line"
    assert "files.order_line, which is no table (did you mean 'files.order_lines'?)" in refusal(deployment)


def test_an_unreadable_folder_and_file(deployment: Deployment) -> None:
    # Outside of pytest's own folder, which other users may not enter: the test takes off the superuser's rights.
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        deployment.folder, deployment.con = Path(folder), con
        deployment.folder.chmod(0o777)
        inner = deployment.folder / "inner"
        inner.mkdir()
        deployment.write("inner/a.csv", ROWS)
        deployment.write("b.csv", ROWS).chmod(0)
        inner.chmod(0)
        is_superuser = os.geteuid() == 0
        if is_superuser:
            os.seteuid(65534)
        try:
            told = refusal(deployment, path=["inner/*.csv", "b.csv"])
        finally:
            if is_superuser:
                os.seteuid(0)
            inner.chmod(0o700)
    assert "inner can't be read: Permission denied" in told
    assert "b.csv can't be read: Permission denied" in told


def test_one_refused_file_leaves_the_others(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS)
    deployment.write("b.csv", "")
    deployment.write("c.csv", ROWS.replace("A", "B"))
    with pytest.raises(RefusedFilesError) as caught:
        deployment.load()
    assert str(caught.value) == "order_lines: b.csv is empty: export it again."
    assert [load.file for load in caught.value.loads] == ["a.csv", "c.csv"]
    assert len(deployment.current()) == 6


def test_json_lines(deployment: Deployment) -> None:
    lines = [
        '{"order": "A1", "placed": "2026-01-01T10:00:00Z", "qty": 2, "price": 1.5, "sku": "P1", "customer": 7}',
        "{not json",
        "[1]",
        "",
        '{"order": "A2", "line": 3, "placed": "2026-01-02", "qty": 1, "price": "0.5", "sku": "\\u00e9", "x": [1]}',
        '{"order": "A3", "placed": "2026-01-02", "qty": 1, "price": null, "sku": "P"}',
    ]
    deployment.write("a.jsonl", "\n".join(lines))
    (load,) = deployment.load(path="a.jsonl")
    assert (load.received_count, load.loaded_count) == (5, 2)
    assert deployment.current() == [("A1", None, "P1", 2.0, 1.5), ("A2", "3", "é", 1.0, 0.5)]
    assert deployment.reasons() == [
        (2, "is not valid JSON"),
        (3, "is not a JSON object"),
        (5, "neither unit_price nor line_amount has a value"),
    ]


def test_json_lines_with_bad_bytes(deployment: Deployment) -> None:
    row = b'{"order": "A%d", "line": 1, "customer": 7, "placed": "2026-01-01", "qty": 2, "price": 1.5, "sku": "%s"}\n'
    deployment.write("a.ndjson", row % (1, b"P") + row % (2, b"\xff") + row % (3, b"\\u0000"))
    deployment.load(path="a.ndjson")
    assert deployment.reasons() == [
        (2, "is not valid UTF-8"),
        (3, "product_id contains a NUL character"),
    ]


def test_json_without_a_mapped_key(deployment: Deployment) -> None:
    deployment.write("a.jsonl", '{"order": "A1", "sku": 1}\n')
    assert "a.jsonl has no column 'customer' (for customer_id), 'line' (for line_id)" in refusal(
        deployment, path="a.jsonl"
    )
    deployment.write("a.jsonl", "no\n")
    assert "a.jsonl has no line that is a JSON object" in refusal(deployment, path="a.jsonl")


def test_parquet_keeps_its_types(deployment: Deployment) -> None:
    path = deployment.folder / "a.parquet"
    duckdb.sql(f"""copy (
        select 'A' || i as "order", null::varchar as line, 13085.0::double + i as customer,
            timestamptz '2026-01-01 12:00:00+02' as placed, i::smallint as sku, 1.5::float as qty,
            if(i = 2, 'nan'::double, 2.25) as price
        from range(1, 4) t(i)
    ) to '{path}' (format parquet)""")
    deployment.load(path="*.parquet")
    assert deployment.current() == [("A1", None, "1", 1.5, 2.25), ("A3", None, "3", 1.5, 2.25)]
    assert deployment.query("select customer_id, hour(ordered_at) from raw_files.order_lines order by all") == [
        ("13086", 10),
        ("13088", 10),
    ]
    assert deployment.reasons() == [(2, "unit_price is not a number")]
    ((record,),) = deployment.query("select record from quarantine.files__order_lines")
    assert json.loads(record)["price"] == "nan"


def test_a_parquet_without_rows(deployment: Deployment) -> None:
    names = ", ".join(f"'x' as \"{name}\"" for name in ("order", "line", "customer", "placed", "sku", "qty", "price"))
    duckdb.sql(f"copy (select {names} limit 0) to '{deployment.folder / 'a.parquet'}' (format parquet)")
    assert "holds no rows" in refusal(deployment, path="a.parquet")


def test_a_truncated_parquet(deployment: Deployment) -> None:
    path = deployment.folder / "a.parquet"
    names = ", ".join(
        f'i::varchar as "{name}"' for name in ("order", "line", "customer", "placed", "sku", "qty", "price")
    )
    duckdb.sql(f"copy (select {names} from range(50000) t(i)) to '{path}' (format parquet)")
    content = path.read_bytes()
    path.write_bytes(content[:1000] + b"\0" * 3000 + content[4000:])
    assert "a.parquet" in refusal(deployment, path="a.parquet")


def test_a_column_named_like_the_row_number(deployment: Deployment) -> None:
    deployment.write("a.csv", ROWS.replace("sku", "_row"))
    deployment.columns["product_id"] = "_row"
    assert "has a column _row" in refusal(deployment)


def test_columns_without_or_with_the_same_name(deployment: Deployment) -> None:
    deployment.write("a.csv", "order,Order,,qty,price,placed\nA1,x,y,1,2,2026-01-01\n")
    deployment.columns = {name: value for name, value in COLUMNS.items() if value not in ("line", "customer", "sku")}
    deployment.load()
    assert deployment.current() == [("A1", None, None, 1.0, 2.0)]


def test_no_personal_value_in_reasons_and_log(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    deployment.table = "customers"
    deployment.columns = {"customer_id": "id", "email": "mail", "signed_up_at": "at"}
    deployment.write("a.csv", "id,mail,at\nC1,canary@x.example,bad\n,canary@x.example,2026-01-01\nC2,b@x.example,\n")
    (load,) = deployment.load()
    assert (load.loaded_count, load.quarantined_count) == (1, 2)
    assert "1 loaded, 2 quarantined" in caplog.text
    assert "canary" not in caplog.text + str(deployment.reasons())


def test_personal_values_are_never_shown(tmp_path: Path, deployment: Deployment) -> None:
    deployment.write("a.csv", (HEADER + "A1,1,can\\0ary,2026-01-01,P1,1,1\n").replace("\\0", "\0"))
    deployment.load()
    assert deployment.reasons() == [(1, "contains a NUL character")]
