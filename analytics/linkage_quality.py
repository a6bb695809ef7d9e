"""How good a linkage is, against labels: pairwise and B-cubed precision and recall, with intervals over entities."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """Shares between 0 and 1; where nothing was linked, precision is 1, and where nothing was to be linked, recall."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Interval:
    """A percentile interval of F1."""

    low: float
    high: float


def _overlaps(clusters: pl.DataFrame) -> pl.DataFrame:
    """One row per (cluster_id, entity_id) that share records, with the size of each and of what they share."""
    return (
        clusters.group_by("cluster_id", "entity_id")
        .agg(shared=pl.len())
        .with_columns(
            cluster_size=pl.col("shared").sum().over("cluster_id"),
            entity_size=pl.col("shared").sum().over("entity_id"),
        )
        .sort("entity_id", "cluster_id")
    )


def pairwise(clusters: pl.DataFrame) -> Quality:
    """Precision and recall over pairs of records: of the pairs put together, how many belong together, and the reverse.

    `clusters` has one row per record, with cluster_id (the linkage's) and entity_id (the truth's).
    """
    overlaps = _overlaps(clusters)
    true_pairs = _pairs(overlaps["shared"])
    return Quality(
        _share(true_pairs, _pairs(overlaps.unique("cluster_id")["cluster_size"])),
        _share(true_pairs, _pairs(overlaps.unique("entity_id")["entity_size"])),
    )


def b_cubed(clusters: pl.DataFrame) -> Quality:
    """B-cubed precision and recall (Bagga & Baldwin 1998): the mean over records of the share of its cluster that is
    of its entity, and of its entity that is in its cluster. Columns as for `pairwise`.
    """
    overlaps = _overlaps(clusters)
    squares = overlaps["shared"].cast(pl.Float64) ** 2
    records = float(overlaps["shared"].sum())
    return Quality(
        _share(float((squares / overlaps["cluster_size"]).sum()), records),
        _share(float((squares / overlaps["entity_size"]).sum()), records),
    )


def bootstrap_f1(clusters: pl.DataFrame, *, draws: int = 1000, seed: int = 1, level: float = 0.95) -> Interval:
    """Percentile interval of the pairwise F1, drawing whole entities with replacement.

    A pair put together wrongly counts half for each of its two entities, so that each draw's precision is a ratio of
    sums over the drawn entities. Columns as for `pairwise`.
    """
    by_entity = (
        _overlaps(clusters)
        .group_by("entity_id")
        .agg(
            true=(pl.col("shared") * (pl.col("shared") - 1)).sum() / 2,
            found=(pl.col("shared") * (pl.col("cluster_size") - 1)).sum() / 2,
            size=pl.col("entity_size").first(),
        )
        .sort("entity_id")
    )
    true, found = by_entity["true"].to_numpy(), by_entity["found"].to_numpy()
    wanted = (by_entity["size"] * (by_entity["size"] - 1)).to_numpy() / 2
    random = np.random.default_rng(seed)
    f1 = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(random.integers(0, len(true), len(true)), minlength=len(true)) if len(true) else true
        f1[draw] = Quality(
            _share(float(weights @ true), float(weights @ found)),
            _share(float(weights @ true), float(weights @ wanted)),
        ).f1
    low, high = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def blocking_recall(pairs: Iterable[tuple[str, str]], entities: pl.DataFrame) -> float:
    """The share of true pairs that are among the candidate `pairs`; what blocking loses, no scoring can find.

    `entities` has one row per record, with record_id and entity_id; each pair is given once, in either order.
    """
    entity = dict(entities.select("record_id", "entity_id").iter_rows())
    found = sum(entity[left] == entity[right] for left, right in pairs)
    return _share(float(found), _pairs(entities.group_by("entity_id").len()["len"]))


def _pairs(sizes: pl.Series) -> float:
    counts = sizes.cast(pl.Float64)
    return float((counts * (counts - 1)).sum()) / 2


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
