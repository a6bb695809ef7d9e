"""Identity beside plain Splink with sensible settings: quality on labelled sets, then speed on synthetic people.

python -m tests.bench_identity [--records 10000 100000 1000000] [--temp-directory DIR]
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from analytics.linkage import Resources, count_comparisons, rescore, train
from analytics.linkage_quality import Quality, b_cubed, estimates, pairwise
from tests.conftest import public_data
from tests.labelled import Labelled, cluster, decided_clusters, public_sets, synthetic_people, with_truth
from tests.public_sets import SETS

METRICS = ("pair_precision", "pair_recall", "pair_f1", "b3_precision", "b3_recall", "b3_f1")
THRESHOLD = 0.95
PLAIN_THRESHOLDS = (0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999)
NEW_SHARE = 100
"""One record in so many is new on the next day."""

STEPS = ("train", "score", "decide")
SIZES = (10_000, 100_000, 1_000_000)


@dataclass
class Measured:
    """One method on one size: seconds by step, the quality, and the process's peak memory in GiB."""

    pairs: Quality
    cubed: Quality
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak: float = 0.0
    blocks: pl.DataFrame = field(default_factory=pl.DataFrame)


class Clock:
    """Seconds of each step, and of all together those of the processors."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds = 0.0

    def __call__(self, step: str, work: Callable[[], Any]) -> Any:
        start, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.seconds[step] = time.perf_counter() - start
        self.cpu_seconds += time.process_time() - cpu
        return result


def measure(size: int, resources: Resources) -> Measured:
    """This project: train, score and decide all, then score and decide again with new records on the next day."""
    later, today = _days(size)
    clock = Clock()
    records = today.records
    model = clock("train", lambda: train(records, today.kind, resources=resources))
    known = clock("score", lambda: rescore(records, model, None, resources=resources))
    clusters = clock("decide", lambda: decided_clusters(today, known.pairs))
    cpu_seconds = clock.cpu_seconds
    new = clock("score next", lambda: rescore(later.records, model, known, resources=resources))
    clock("decide next", lambda: decided_clusters(later, new.pairs))
    peak = _peak()
    truth = with_truth(today, clusters)
    blocks = count_comparisons(records, today.kind, resources=resources)
    return Measured(pairwise(truth), b_cubed(truth), clock.seconds, cpu_seconds, peak, blocks)


def measure_plainly(size: int, resources: Resources) -> Measured:
    """Plain Splink on the same records; of several thresholds that with the best clusters, timed at one."""
    _, today = _days(size)
    clock = Clock()
    with _plain_linker(today, resources) as (linker, blocks_to_train, strict):
        clock("train", lambda: _train_plainly(linker, blocks_to_train, strict))
        predicted = clock(
            "score",
            lambda: linker.inference.predict(threshold_match_probability=0.06, warning_mode="never"),
        )

        def clusters(threshold: float) -> pl.DataFrame:
            found = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold)
            return with_truth(today, found.as_duckdbpyrelation().select("record_id, cluster_id").pl())

        clock("decide", lambda: clusters(THRESHOLD))
        peak = _peak()
        truth = max((clusters(threshold) for threshold in PLAIN_THRESHOLDS), key=lambda one: pairwise(one).f1)
    return Measured(pairwise(truth), b_cubed(truth), clock.seconds, clock.cpu_seconds, peak)


def _days(size: int) -> tuple[Labelled, Labelled]:
    """The people of the next day, and without the new ones: those of today."""
    later = synthetic_people(size + size // NEW_SHARE)
    records = later.records.head(size)
    return later, replace(later, records=records, entities=later.entities.join(records, on="record_id", how="semi"))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@contextmanager
def _plain_linker(labelled: Labelled, resources: Resources) -> Iterator[tuple[Linker, list[Any], list[Any]]]:
    """Splink by its library of comparisons, over the columns that the set has; with what it trains and starts by."""
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

    config: dict[str, Any] = {"threads": resources.threads, "memory_limit": resources.memory_limit}
    if resources.temp_directory:
        config["temp_directory"] = resources.temp_directory
    with duckdb.connect(":memory:", config=config) as database:
        database.execute("set enable_progress_bar = false")
        api = DuckDBAPI(connection=database)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name="record_id",
            comparisons=[comparison for name, comparison in comparisons.items() if name in have],
            blocking_rules_to_generate_predictions=usable(keys),
            retain_matching_columns=False,
        )
        linker = Linker(api.register(labelled.records.to_arrow()), settings, log_level=None, validate_settings=False)
        yield linker, usable(passes)[:2], usable(strict)


def _train_plainly(linker: Linker, passes: list[Any], strict: list[Any]) -> None:
    linker.training.estimate_probability_two_random_records_match(strict, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6 + 1, seed=1)
    for rule in passes:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)


def link_plainly(labelled: Labelled, resources: Resources) -> pl.DataFrame:
    """Clusters by plain Splink, which is flattered: it gets the threshold that the truth shows to be the best, and its
    pairs are never put together against a list free of duplicates.
    """
    with _plain_linker(labelled, resources) as (linker, passes, strict):
        _train_plainly(linker, passes, strict)
        predicted = linker.inference.predict(threshold_match_probability=0.06, warning_mode="never")
        pairs = predicted.as_duckdbpyrelation().pl()
    attempts = (
        with_truth(labelled, cluster(labelled, pairs.filter(pl.col("match_probability") >= threshold)))
        for threshold in PLAIN_THRESHOLDS
    )
    return max(attempts, key=lambda clusters: pairwise(clusters).f1)


def bench_quality(resources: Resources) -> None:
    """Print pairwise and B-cubed quality of a whole run of each public set; nothing where these aren't."""
    data = public_data()
    if not data.is_dir():
        print(f"Quality of identity: the public data sets are not in {data}.")
        return
    print("Quality of identity    by         P      R      F1    (95 % interval)    B3 P   B3 R   B3 F1")
    for public_set, labelled in zip(SETS, public_sets(data), strict=True):
        assert public_set.name == labelled.name
        with tempfile.TemporaryDirectory(dir=resources.temp_directory) as folder:
            run = public_set.run(data, Path(folder))
            told = public_set.quality(run.sql)
        _print_quality(labelled.name, "tenure", {metric: told[metric] for metric in METRICS})
        clusters = link_plainly(labelled, resources)
        found = estimates(clusters)
        _print_quality(
            labelled.name,
            "Splink",
            {metric: (found[metric].value, *astuple(found[metric].interval)) for metric in METRICS},
        )


def _print_quality(name: str, by: str, quality: dict[str, tuple[float, float | None, float | None]]) -> None:
    pair, cubed = ([f"{quality[metric][0]:.4f}" for metric in METRICS[part]] for part in (slice(3), slice(3, 6)))
    _, low, high = quality["pair_f1"]
    print(f"  {name:20} {by:8} {' '.join(pair)} ({low:.4f} to {high:.4f})  {' '.join(cubed)}", flush=True)


def bench_speed(sizes: tuple[int, ...], resources: Resources) -> None:
    """Print seconds, quality and memory by number of synthetic people; each in a process of its own, for its peak."""
    print("Identity of people  by        train s  score s decide s    all s    cpu s  GiB   P      R      F1     B3 F1")
    for size in sizes:
        found = {}
        for by, method in (("tenure", measure), ("Splink", measure_plainly)):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                found[by] = alone.submit(method, size, resources).result()
            _print_measured(size, by, found[by])
        _print_ratios(size, found["tenure"], found["Splink"])


def _print_measured(size: int, by: str, one: Measured) -> None:
    steps = [one.seconds[step] for step in STEPS]
    spent = " ".join(f"{seconds:8.1f}" for seconds in (*steps, sum(steps), one.cpu_seconds))
    shares = (one.pairs.precision, one.pairs.recall, one.pairs.f1, one.cubed.f1)
    quality = " ".join(f"{share:.4f}" for share in shares)
    print(f"  {size:<17,} {by:8} {spent} {one.peak:4.1f}   {quality}", flush=True)


def _print_ratios(size: int, tenure: Measured, plain: Measured) -> None:
    whole, plainly = (sum(one.seconds[step] for step in STEPS) for one in (tenure, plain))
    next_day = tenure.seconds["score next"] + tenure.seconds["decide next"]
    again = tenure.seconds["score"] + tenure.seconds["decide"]
    comparisons = int(tenure.blocks["comparison_count"].sum())
    reduction = 1 - comparisons / (size * (size - 1) / 2)
    cpu = tenure.cpu_seconds / plain.cpu_seconds
    print(f"    {whole / plainly:.2f} of plain Splink's time, {cpu:.2f} of its cpu time")
    shares = f"{next_day / whole:.3f} of the whole, {next_day / again:.3f} of scoring and deciding everything"
    print(f"    next day, 1 % more: {next_day:.1f} s (score {tenure.seconds['score next']:.1f} s), {shares}")
    print(f"    {comparisons:,} comparisons, reduction ratio {reduction:.6f}")
    for rule, pairs, left_out in tenure.blocks.select("rule", "comparison_count", "left_out_record_count").iter_rows():
        print(f"      {rule:36} {pairs:12,} pairs, {left_out:9,} records left out", flush=True)


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
