"""Labelled records for linkage: public sets, synthetic people, and the clustering by which linkages are compared."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.identity import KINDS, decided_edges
from analytics.linkage_specification import Kind
from tests.deciding import OVERRIDES, RULE_EDGES
from tests.identity import VARS

SYLLABLES = "an be cor da el fin gar hol in ja ka lu mar no ol per qui ro sen ta ul vi wes xa yo zel bru sto gre ith"

FEBRL_COLUMNS = {
    "record_id": pl.col("rec_id"),
    "first_name": pl.col("given_name"),
    "last_name": pl.col("surname"),
    "address": pl.concat_str("street_number", "address_1", separator=" ", ignore_nulls=True).replace("", None),
    "city": pl.col("suburb"),
    "postal_code": pl.col("postcode"),
    "region": pl.col("state"),
    "birth_date": pl.col("date_of_birth"),
    "national_id": pl.col("soc_sec_id"),
}


@dataclass(frozen=True)
class Labelled:
    """Records with the truth apart: `entities` has record_id and entity_id, one row per record."""

    name: str
    kind: Kind
    records: pl.DataFrame
    entities: pl.DataFrame


def febrl(data: Path, number: int) -> Labelled:
    raw = _read(data / "febrl" / f"dataset{number}.csv")
    records = raw.select(**FEBRL_COLUMNS)
    entities = raw.select(record_id="rec_id", entity_id=pl.col("rec_id").str.extract(r"rec-(\d+)"))
    return Labelled(f"FEBRL {number}", "people", records, entities)


def fake_1000(data: Path) -> Labelled:
    raw = _read(data / "fake_1000" / "fake_1000.csv")
    records = raw.select(
        "city",
        "email",
        "first_name",
        record_id="unique_id",
        last_name="surname",
        birth_date="dob",
    )
    return Labelled("fake_1000", "people", records, raw.select(record_id="unique_id", entity_id="cluster"))


def fodors_zagats(data: Path) -> Labelled:
    folder = data / "fodors_zagats"
    guides = ("fodors", "zagats")
    raw = pl.concat(
        _read(folder / f"{guide}.csv").with_columns(duplicate_free_list=pl.lit(guide), record_id=guide + pl.col("id"))
        for guide in guides
    )
    records = raw.select(
        "record_id",
        "duplicate_free_list",
        "name",
        "city",
        address="addr",
        phone="+1" + pl.col("phone").str.replace_all(r"\D", ""),
    )
    matches = _read(folder / "match_fodors_zagats_more_attrs.csv").filter(pl.col("gold") == "1")
    same = dict(
        zip(("zagats" + matches["zagats_id"]).to_list(), ("fodors" + matches["fodors_id"]).to_list(), strict=True)
    )
    entities = raw.select("record_id", entity_id=pl.col("record_id").replace(same))
    return Labelled("Fodors-Zagats", "companies", records, entities)


def public_sets(data: Path) -> list[Labelled]:
    return [*(febrl(data, number) for number in (1, 2, 3)), fake_1000(data), fodors_zagats(data)]


def _read(path: Path) -> pl.DataFrame:
    raw = pl.read_csv(path, infer_schema=False)
    return raw.rename({name: name.strip() for name in raw.columns}).with_columns(
        pl.all().str.strip_chars().str.to_lowercase().replace("", None)
    )


def decided_clusters(labelled: Labelled, pairs: pl.DataFrame) -> pl.DataFrame:
    """record_id, cluster_id: what a run makes of the linkage model's pairs where no rule adds any, by its defaults."""
    entity = next(entity for entity, kind in KINDS.items() if kind == labelled.kind)
    records = labelled.records
    if "duplicate_free_list" not in records.columns:
        records = records.with_columns(duplicate_free_list=pl.lit(None, pl.String))
    if "national_id" not in records.columns:
        records = records.with_columns(national_id=pl.lit(None, pl.String))
    edges = decided_edges(
        entity,
        rule_edges=pl.DataFrame(schema=RULE_EDGES),
        pairs=pairs,
        records=records.select("record_id", "duplicate_free_list"),
        overrides=pl.DataFrame(schema=OVERRIDES),
        exclusive=records.select("record_id", value="national_id " + pl.col("national_id")).drop_nulls(),
        link_probability=VARS["link_probability"],
        strong_probability=VARS["strong_link_probability"],
        review_probability=VARS["review_probability"],
        max_records=VARS[f"max_{entity}_records"],
    )
    return cluster(labelled, edges.filter("is_kept"))


def cluster(labelled: Labelled, pairs: pl.DataFrame) -> pl.DataFrame:
    """Join the pairs from the strongest down, never two records of one duplicate-free list: record_id, cluster_id."""
    parent = {record: record for record in labelled.records["record_id"].to_list()}
    lists: dict[str, set[str]] = {record: set() for record in parent}
    if "duplicate_free_list" in labelled.records.columns:
        for record, duplicate_free_list in labelled.records.select("record_id", "duplicate_free_list").iter_rows():
            lists[record].add(duplicate_free_list)

    def root(record: str) -> str:
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    ordered = pairs.sort("match_weight", "record_id_l", "record_id_r", descending=[True, False, False])
    for left, right in ordered.select("record_id_l", "record_id_r").iter_rows():
        kept, joined = root(left), root(right)
        if kept != joined and not lists[kept] & lists[joined]:
            parent[joined] = kept
            lists[kept] |= lists[joined]
    return pl.DataFrame({"record_id": list(parent), "cluster_id": [root(record) for record in parent]})


def with_truth(labelled: Labelled, clusters: pl.DataFrame) -> pl.DataFrame:
    return labelled.entities.join(clusters, on="record_id", validate="1:1")


def synthetic_people(record_count: int, seed: int = 1) -> Labelled:
    """People as four systems know them: three in ten records are duplicates, and three in ten people share a home.

    Damage: typing errors, missing values, short names, swapped names, day and month exchanged, and e-mails, phones and
    addresses that have changed since.
    """
    random = np.random.default_rng(seed)
    entity_count = int(record_count * 0.7)
    people = _people(entity_count, random)
    again = random.integers(0, entity_count, record_count - entity_count)
    entity = np.concatenate([np.arange(entity_count), again])
    records = people[entity].with_columns(
        record_id=pl.Series([f"r{number:08}" for number in random.permutation(record_count)]),
    )
    entities = records.select("record_id", entity_id=pl.Series(entity).cast(pl.String))
    damaged = np.arange(record_count) >= entity_count
    for column, slip, gone in (
        ("first_name", 0.12, 0.03),
        ("last_name", 0.10, 0.02),
        ("email", 0.05, 0.25),
        ("phone", 0.04, 0.40),
        ("birth_date", 0.06, 0.35),
        ("national_id", 0.04, 0.85),
        ("address", 0.12, 0.35),
        ("city", 0.06, 0.15),
        ("postal_code", 0.04, 0.25),
    ):
        values = records[column].to_list()
        for index in np.flatnonzero(damaged & (random.random(record_count) < slip)):
            values[index] = _slip(values[index], random)
        for index in np.flatnonzero(random.random(record_count) < gone):
            values[index] = None
        records = records.with_columns(pl.Series(column, values, dtype=pl.String))
    records = _changed(records, damaged, random)
    return Labelled(f"synthetic {record_count:,}", "people", records, entities)


def _words(count: int, random: np.random.Generator, syllables: int) -> NDArray[np.object_]:
    parts = np.array(SYLLABLES.split())
    found: dict[str, None] = {}
    while len(found) < count:
        for row in parts[random.integers(0, len(parts), (count, syllables))]:
            found["".join(row)] = None
    return np.array(list(found)[:count], dtype=object)


def _pick(values: NDArray[np.object_], count: int, random: np.random.Generator, skew: float) -> NDArray[np.object_]:
    """Values with Zipf-like frequencies, as names and cities have."""
    weights = 1.0 / np.arange(1, len(values) + 1) ** skew
    return np.asarray(values[random.choice(len(values), count, p=weights / weights.sum())], dtype=object)


def _people(count: int, random: np.random.Generator) -> pl.DataFrame:
    first = _pick(_words(800, random, 2), count, random, 0.7)
    last = _pick(_words(20_000, random, 3), count, random, 0.7)
    cities = _words(2000, random, 3)
    city_index = random.choice(len(cities), count, p=(w := 1.0 / np.arange(1, len(cities) + 1) ** 0.8) / w.sum())
    street = _pick(_words(15_000, random, 3), count, random, 0.4)
    number = random.integers(1, 200, count)
    postal = np.array([f"{index * 7 % 90 + 10}{index % 100:02}{district}" for index, district in
                       zip(city_index, random.integers(0, 10, count), strict=True)], dtype=object)  # fmt: skip
    born = np.datetime64("1940-01-01") + random.integers(0, 24_000, count).astype("timedelta64[D]")
    digits = random.integers(1, 1000, count)
    mail = _pick(_words(400, random, 2), count, random, 1.2)
    frame = pl.DataFrame(
        {
            "first_name": first,
            "last_name": last,
            "birth_date": born.astype(str),
            "national_id": [f"{value:010}" for value in random.integers(0, 10**10, count)],
            "phone": [f"+4479{value:08}" for value in random.integers(0, 10**8, count)],
            "address": [f"{n} {s} street" for n, s in zip(number, street, strict=True)],
            "city": cities[city_index],
            "postal_code": postal,
            "email": [f"{f}.{s}{d}@{m}.com" for f, s, d, m in zip(first, last, digits, mail, strict=True)],
        }
    )
    shares_home = random.random(count) < 0.3
    shares_home[0] = False
    home = np.where(shares_home, np.arange(count) - 1, np.arange(count))
    at_home = frame[home].select("last_name", "address", "city", "postal_code")
    return frame.drop(at_home.columns).hstack(at_home)


def _slip(value: str, random: np.random.Generator) -> str:
    """One typing error: a letter or digit changed, left out, doubled or exchanged with the next."""
    at = int(random.integers(0, len(value)))
    kind = int(random.integers(0, 4))
    if kind == 0:
        other = str(random.integers(0, 10)) if value[at].isdigit() else chr(97 + int(random.integers(0, 26)))
        return value[:at] + other + value[at + 1 :]
    if kind == 1 and len(value) > 2:
        return value[:at] + value[at + 1 :]
    if kind == 2:
        return value[:at] + value[at] + value[at:]
    return value[:at] + value[at : at + 2][::-1] + value[at + 2 :]


def _changed(records: pl.DataFrame, damaged: NDArray[np.bool_], random: np.random.Generator) -> pl.DataFrame:
    """Values that are right but other ones: a new e-mail, phone or home, a short name, names or dates the wrong way."""
    count = records.height

    def some(share: float) -> pl.Series:
        return pl.Series(damaged & (random.random(count) < share))

    swapped, moved, shortened = some(0.03), some(0.10), some(0.06)
    elsewhere = records[random.permutation(count)].select(pl.col("address", "city", "postal_code").name.prefix("new_"))
    return (
        records.hstack(elsewhere)
        .with_columns(
            first_name=pl.when(swapped).then("last_name").otherwise("first_name"),
            last_name=pl.when(swapped).then("first_name").otherwise("last_name"),
            address=pl.when(moved).then("new_address").otherwise("address"),
            city=pl.when(moved).then("new_city").otherwise("city"),
            postal_code=pl.when(moved).then("new_postal_code").otherwise("postal_code"),
            email=pl.when(some(0.15))
            .then(pl.col("first_name").str.slice(0, 1) + pl.col("last_name") + pl.lit("@work") + pl.col("postal_code"))
            .otherwise("email"),
            phone=pl.when(some(0.15))
            .then(pl.lit("+4478") + pl.col("phone").str.slice(5).str.reverse())
            .otherwise("phone"),
            birth_date=pl.when(some(0.03) & (pl.col("birth_date").str.len_chars() == 10))
            .then(
                pl.col("birth_date").str.slice(0, 5)
                + pl.col("birth_date").str.slice(8, 2)
                + "-"
                + pl.col("birth_date").str.slice(5, 2)
            )
            .otherwise("birth_date"),
        )
        .with_columns(first_name=pl.when(shortened).then(pl.col("first_name").str.slice(0, 3)).otherwise("first_name"))
        .drop(elsewhere.columns)
        .sort("record_id")
    )
