"""How long it takes until first value, by clock, criterion and group, for `rpt_time_to_first_value`."""

import polars as pl

from analytics.survival import kaplan_meier

SCHEMA = {
    "clock": pl.String,
    "criterion": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    **dict.fromkeys(("start_count", "reached_count", "due_count", "missed_count"), pl.Int64),
    **dict.fromkeys(("p25_days", "median_days", "median_ci_low", "median_ci_high", "p75_days", "p90_days"), pl.Float64),
    **dict.fromkeys(("due_share", "due_ci_low", "due_ci_high"), pl.Float64),
}
GROUP = ("clock", "criterion", "dimension", "segment")
_ROUNDING = 1e-12


def times(spells: pl.DataFrame, segments: pl.DataFrame, due_days: float) -> pl.DataFrame:
    """One row per clock, criterion, dimension and segment, of the columns of `SCHEMA`.

    `spells`: clock, criterion, customer_id (null where none is known), days (until it was reached, or else until the
    last day known), watched_days (until that day in any case) and is_reached. `segments`: customer_id, dimension,
    segment; the dimension all is of everybody, known or not. Quantiles are of Kaplan-Meier curves, so who is not there
    yet counts as far as they were watched; one that the curve does not come down to is null. The median's 95 % interval
    is where the curve's (log-log) holds one half (Brookmeyer & Crowley 1982). `due_share` is the curve's share there by
    `due_days`, null where nobody was watched so long; `due_count` of the group were, and `missed_count` of these were
    not there in time.
    """
    if spells.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    known = segments.drop_nulls("segment").filter(pl.col("dimension") != "all")
    grouped = pl.concat(
        [
            spells.with_columns(dimension=pl.lit("all"), segment=pl.lit("all")),
            spells.join(known, on="customer_id").select(*spells.columns, "dimension", "segment"),
        ]
    ).with_columns(group=pl.struct(GROUP).rank("dense").cast(pl.String))
    is_due = pl.col("watched_days") >= due_days
    counted = grouped.group_by("group").agg(
        pl.col(*GROUP).first(),
        start_count=pl.len(),
        reached_count=pl.col("is_reached").sum(),
        due_count=is_due.sum(),
        missed_count=(is_due & ((pl.col("days") > due_days) | ~pl.col("is_reached"))).sum(),
    )
    curve = kaplan_meier(grouped.select("group", exit="days", event="is_reached"))
    share, low, high = pl.col("survival"), pl.col("ci_low"), pl.col("ci_high")
    by_then = pl.col("time") <= due_days
    is_known = (pl.col("time").max() >= due_days) | (share.min() <= _ROUNDING)
    summed = curve.sort("group", "time").group_by("group").agg(
        **{name: _first(share <= 1 - part + _ROUNDING) for name, part in
           (("p25_days", 0.25), ("median_days", 0.5), ("p75_days", 0.75), ("p90_days", 0.9))},
        median_ci_low=_first((low <= 0.5) | (share <= _ROUNDING)),
        median_ci_high=_first(high <= 0.5),
        due_share=pl.when(is_known).then(1 - share.filter(by_then).last()),
        due_ci_low=pl.when(is_known).then(1 - high.filter(by_then).last()),
        due_ci_high=pl.when(is_known).then(1 - low.filter(by_then).last()),
    )  # fmt: skip
    return (
        counted.join(summed, on="group").select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort(*GROUP)
    )


def _first(condition: pl.Expr) -> pl.Expr:
    return pl.col("time").filter(condition).min()
