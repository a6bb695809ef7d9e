"""How good a linkage is, against labels: pairwise and B-cubed precision and recall, with intervals over entities."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 1000
"""How often the bootstrap draws."""


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
    """A percentile interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A share between 0 and 1 with its interval; `num` and `den` where it is the share of the one in the other."""

    value: float
    interval: Interval
    num: float | None = None
    den: float | None = None


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


def estimates(clusters: pl.DataFrame, *, draws: int = DRAWS, seed: int = 1, level: float = 0.95) -> dict[str, Estimate]:
    """pair_precision, pair_recall and pair_f1, and the same with b3_ for B-cubed, each with a percentile interval.

    The bootstrap draws whole entities with replacement. A pair put together wrongly counts half for each of its two
    entities, so that each draw's precision is a ratio of sums over the drawn entities. Columns as for `pairwise`.
    """
    shared, cluster_size = pl.col("shared").cast(pl.Float64), pl.col("cluster_size")
    by_entity = (
        _overlaps(clusters)
        .group_by("entity_id")
        .agg(
            true=(shared * (shared - 1)).sum() / 2,
            found=(shared * (cluster_size - 1)).sum() / 2,
            size=pl.col("entity_size").first().cast(pl.Float64),
            pure=(shared**2 / cluster_size).sum(),
            whole=(shared**2 / pl.col("entity_size")).sum(),
        )
        .with_columns(wanted=pl.col("size") * (pl.col("size") - 1) / 2)
        .sort("entity_id")
    )
    shares = {
        "pair_precision": ("true", "found"),
        "pair_recall": ("true", "wanted"),
        "b3_precision": ("pure", "size"),
        "b3_recall": ("whole", "size"),
    }
    found = _estimates(by_entity, shares, draws, seed, level)
    return {name: found[name] for name in sorted(found)}


def recall_by_group(
    clusters: pl.DataFrame, *, draws: int = DRAWS, seed: int = 1, level: float = 0.95
) -> dict[str, Estimate]:
    """Pairwise recall by `label_group`: of the true pairs with at least one record of the group. Other columns as for
    `pairwise`; a record may be of several groups, with semicolons between them. A group without true pairs is left out.
    """
    clusters = clusters.with_columns(pl.col("label_group").str.split(";").list.eval(pl.element().str.strip_chars()))
    found = {}
    for group in clusters["label_group"].explode().drop_nulls().unique().sort().to_list():
        is_of_group = pl.col("label_group").list.contains(group)
        own = clusters.filter(is_of_group.any().over("entity_id"))
        by_entity = (
            _pairs_of(own, is_of_group, "entity_id", "cluster_id")
            .group_by("entity_id")
            .agg(true=pl.col("pair_count").sum())
            .join(_pairs_of(own, is_of_group, "entity_id").rename({"pair_count": "wanted"}), on="entity_id")
            .sort("entity_id")
        )
        if by_entity["wanted"].sum() > 0:
            found[group] = _estimates(by_entity, {"pair_recall": ("true", "wanted")}, draws, seed, level)["pair_recall"]
    return found


def _pairs_of(records: pl.DataFrame, is_of_group: pl.Expr, *by: str) -> pl.DataFrame:
    """How many pairs within `by` have at least one record of the group: all pairs but those among the others."""
    count, others = pl.len().cast(pl.Float64), (~is_of_group.fill_null(value=False)).sum().cast(pl.Float64)
    return records.group_by(*by).agg(pair_count=count * (count - 1) / 2 - others * (others - 1) / 2)


def _estimates(
    by_entity: pl.DataFrame, shares: dict[str, tuple[str, str]], draws: int, seed: int, level: float
) -> dict[str, Estimate]:
    """Ratios of sums of columns over entities, and the F1 of each precision and recall, with percentile intervals."""
    columns = [column for column in by_entity.columns if column != "entity_id"]
    values = by_entity.select(pl.col(columns).cast(pl.Float64)).to_numpy()
    random = np.random.default_rng(seed)
    drawn = np.empty((draws, len(columns)))
    count = len(values)
    for draw in range(draws):
        weights = np.bincount(random.integers(0, count, count), minlength=count) if count else np.zeros(0)
        drawn[draw] = weights @ values
    totals = np.vstack([values.sum(axis=0), drawn])
    place = {column: index for index, column in enumerate(columns)}
    ratios = {name: _ratios(totals[:, place[part]], totals[:, place[of]]) for name, (part, of) in shares.items()}
    sums = {name: (float(totals[0, place[part]]), float(totals[0, place[of]])) for name, (part, of) in shares.items()}
    for kind in [name.removesuffix("_precision") for name in shares if name.endswith("_precision")]:
        precision, recall = ratios[f"{kind}_precision"], ratios[f"{kind}_recall"]
        total = precision + recall
        ratios[f"{kind}_f1"] = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    found = {}
    for name, ratio in ratios.items():
        low, high = np.quantile(ratio[1:], [(1 - level) / 2, (1 + level) / 2])
        num, den = sums.get(name, (None, None))
        found[name] = Estimate(float(ratio[0]), Interval(float(low), float(high)), num, den)
    return found


def _ratios(parts: Floats, wholes: Floats) -> Floats:
    return np.divide(parts, wholes, out=np.ones_like(wholes), where=wholes > 0)


def label_quality(records: pl.DataFrame, found_pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per entity, metric and segment: entity, metric, segment, value, num, den, ci_low, ci_high.

    `records`: the labelled ones, one row per entity and record, with entity, kind (of record), cluster_id, entity_id
    and label_group. `found_pairs`: one row per entity and entity_id: pair_count and found_pair_count, the true pairs
    and those of them that were compared at all. Where an entity has records of several kinds, each is a segment too.
    """
    rows: list[tuple[str, str, str, Estimate]] = []
    for (entity,), own in sorted(records.partition_by("entity", as_dict=True).items()):
        kinds = own["kind"].unique().sort().to_list()
        segments = {"all": own, **({kind: own.filter(pl.col("kind") == kind) for kind in kinds} if kinds[1:] else {})}
        for segment, part in segments.items():
            count = Estimate(float(part.height), Interval(float(part.height), float(part.height)))
            rows += [(entity, name, segment, one) for name, one in estimates(part).items()]
            rows.append((entity, "labelled_record_count", segment, count))
        rows += [(entity, "group_pair_recall", group, one) for group, one in recall_by_group(own).items()]
        compared = found_pairs.filter(pl.col("entity") == entity).drop("entity").sort("entity_id")
        shares = {"blocking_recall": ("found_pair_count", "pair_count")}
        rows += [(entity, name, "all", one) for name, one in _estimates(compared, shares, DRAWS, 1, 0.95).items()]
    names = ("value", "num", "den", "ci_low", "ci_high")
    return pl.DataFrame(
        [
            (
                *row,
                one.value,
                one.num,
                one.den,
                *((None, None) if row[1] == "labelled_record_count" else (one.interval.low, one.interval.high)),
            )
            for *row, one in rows
        ],
        schema={**dict.fromkeys(("entity", "metric", "segment"), pl.String), **dict.fromkeys(names, pl.Float64)},
        orient="row",
    )


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
