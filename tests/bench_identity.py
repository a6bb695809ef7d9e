"""Linkage beside plain Splink with sensible settings: quality on labelled sets, then time on synthetic people.

python -m tests.bench_identity [--records 10000 100000 1000000] [--temp-directory DIR]
"""

import argparse
import resource
import tempfile
import time
from typing import Any

import duckdb
import polars as pl
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from analytics.linkage import Resources, count_comparisons, score, train
from analytics.linkage_quality import b_cubed, bootstrap_f1, pairwise
from tests.conftest import public_data
from tests.labelled import Labelled, cluster, public_sets, synthetic_people, with_truth

THRESHOLD = 0.95
PLAIN_THRESHOLDS = (0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
SIZES = (10_000, 100_000)


def link(labelled: Labelled, resources: Resources) -> tuple[pl.DataFrame, dict[str, float]]:
    """Clusters of a set by this project's defaults, and the seconds of each step."""
    start = time.perf_counter()
    model = train(labelled.records, labelled.kind, duplicate_free=labelled.duplicate_free, resources=resources)
    trained = time.perf_counter()
    pairs = score(labelled.records, model, duplicate_free=labelled.duplicate_free, resources=resources)
    scored = time.perf_counter()
    return _clusters(labelled, pairs, THRESHOLD), {
        "train": trained - start,
        "score": scored - trained,
        "pairs": pairs.height,
    }


def link_plainly(labelled: Labelled, resources: Resources) -> tuple[pl.DataFrame, dict[str, float]]:
    """The same by Splink's library of comparisons, over the columns that the set has.

    It's flattered: of several thresholds it gets the one that the truth shows to be the best.
    """
    have = {name for name in labelled.records.columns if labelled.records[name].null_count() < labelled.records.height}
    comparisons: dict[str, Any] = {
        "name": cl.JaroWinklerAtThresholds("name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        "first_name": cl.NameComparison("first_name").configure(term_frequency_adjustments=True),
        "last_name": cl.NameComparison("last_name").configure(term_frequency_adjustments=True),
        "email": cl.EmailComparison("email"),
        "phone": cl.LevenshteinAtThresholds("phone", [1]),
        "birth_date": cl.DamerauLevenshteinAtThresholds("birth_date", [1, 2]),
        "national_id": cl.LevenshteinAtThresholds("national_id", [1]),
        "address": cl.JaroWinklerAtThresholds("address", [0.92, 0.8]),
        "city": cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        "postal_code": cl.LevenshteinAtThresholds("postal_code", [1]),
    }
    keys = [("email",), ("phone",), ("national_id",), ("first_name", "last_name"), ("last_name", "birth_date"),
            ("first_name", "birth_date"), ("last_name", "city"), ("address",), ("name",)]  # fmt: skip
    passes = [("first_name", "last_name"), ("birth_date",), ("name",), ("address",)]
    strict = [("national_id",), ("email", "first_name"), ("first_name", "last_name", "birth_date"), ("name", "address")]

    def usable(rules: list[tuple[str, ...]]) -> list[Any]:
        return [block_on(*rule) for rule in rules if set(rule) <= have]

    start = time.perf_counter()
    config: dict[str, Any] = {"threads": resources.threads, "memory_limit": resources.memory_limit}
    if resources.temp_directory:
        config["temp_directory"] = resources.temp_directory
    with duckdb.connect(":memory:", config=config) as database:
        api = DuckDBAPI(connection=database)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name="record_id",
            comparisons=[comparison for name, comparison in comparisons.items() if name in have],
            blocking_rules_to_generate_predictions=usable(keys),
            retain_matching_columns=False,
        )
        linker = Linker(api.register(labelled.records.to_arrow()), settings, log_level=None, validate_settings=False)
        linker.training.estimate_probability_two_random_records_match(usable(strict), recall=0.6)
        linker.training.estimate_u_using_random_sampling(max_pairs=2e6 + 1, seed=1)
        for rule in usable(passes)[:2]:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        trained = time.perf_counter()
        predicted = linker.inference.predict(threshold_match_probability=0.06, warning_mode="never")
        pairs = predicted.as_duckdbpyrelation().pl()
        scored = time.perf_counter()
    spent = {"train": trained - start, "score": scored - trained, "pairs": pairs.height}
    attempts = (_clusters(labelled, pairs, threshold) for threshold in PLAIN_THRESHOLDS)
    return max(attempts, key=lambda clusters: pairwise(clusters).f1), spent


def _clusters(labelled: Labelled, pairs: pl.DataFrame, threshold: float) -> pl.DataFrame:
    return with_truth(labelled, cluster(labelled, pairs.filter(pl.col("match_probability") >= threshold)))


def bench_quality(resources: Resources) -> None:
    """Print pairwise and B-cubed quality on the public sets; nothing where these aren't."""
    data = public_data()
    if not data.is_dir():
        print(f"Quality of linkage: the public data sets are not in {data}.")
        return
    print("Quality of linkage     by         P      R      F1    (95 % interval)    B3 P   B3 R   B3 F1")
    for labelled in public_sets(data):
        for by, method in (("tenure", link), ("Splink", link_plainly)):
            clusters, _ = method(labelled, resources)
            pairs, cubed, interval = pairwise(clusters), b_cubed(clusters), bootstrap_f1(clusters)
            print(
                f"  {labelled.name:20} {by:8} {pairs.precision:.4f} {pairs.recall:.4f} {pairs.f1:.4f} "
                f"({interval.low:.4f} to {interval.high:.4f})  {cubed.precision:.4f} {cubed.recall:.4f} {cubed.f1:.4f}"
            )


def bench_speed(sizes: tuple[int, ...], resources: Resources) -> None:
    """Print comparisons, reduction ratio, seconds and quality by number of synthetic people."""
    print("Linkage of people      by         train s  score s  pairs kept  F1      (comparisons, reduction ratio)")
    for size in sizes:
        labelled = synthetic_people(size)
        counts = count_comparisons(labelled.records, labelled.kind, resources=resources)
        comparisons = int(counts["comparison_count"].sum())
        reduction = 1 - comparisons / (size * (size - 1) / 2)
        for by, method in (("tenure", link), ("Splink", link_plainly)):
            clusters, spent = method(labelled, resources)
            note = f"({comparisons:,}, {reduction:.6f})" if method is link else ""
            print(
                f"  {size:<20,} {by:8} {spent['train']:9.1f} {spent['score']:8.1f} {spent['pairs']:11,} "
                f"{pairwise(clusters).f1:.4f}  {note}",
                flush=True,
            )
        for rule, pairs, left_out in counts.select("rule", "comparison_count", "left_out_record_count").iter_rows():
            print(f"    {rule:36} {pairs:12,} pairs, {left_out:9,} records left out")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  peak memory {peak:.1f} GiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="*", default=SIZES)
    parser.add_argument("--temp-directory")
    parser.add_argument("--memory-limit", default="8GB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.temp_directory) as spill:
        allowed = Resources(memory_limit=given.memory_limit, temp_directory=spill)
        bench_quality(allowed)
        bench_speed(tuple(given.records), allowed)
