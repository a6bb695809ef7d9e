"""Survival curves of paying customers by group and month, for `rpt_survival`."""

from datetime import date

import polars as pl

from analytics.survival import cumulative_incidence, ever_at_risk, kaplan_meier, lifetimes

CAUSES = ("voluntary", "involuntary", "suspended", "unknown")
MONTH_DAYS = 30
HORIZON_DAYS = 24 * MONTH_DAYS
SCHEMA = {
    "dimension": pl.String,
    "segment": pl.String,
    "age": pl.Int32,
    "customer_count": pl.Int64,
    "at_risk": pl.Int64,
    **dict.fromkeys(("survival", "standard_error", "ci_low", "ci_high"), pl.Float64),
    **{f"{cause}_{part}": pl.Float64 for cause in CAUSES for part in ("incidence", "ci_low", "ci_high")},
    "is_complete": pl.Boolean,
    **dict.fromkeys(("median_days", "rmst_days", "rmst_ci_low", "rmst_ci_high"), pl.Float64),
    "horizon_days": pl.Int32,
}
GROUP = ("dimension", "segment")


def curves(presences: pl.DataFrame, segments: pl.DataFrame, as_of: date | None, horizon: int) -> pl.DataFrame:
    """One row per dimension, segment and age in times 30 days, of the columns of `SCHEMA`.

    `presences`: each customer's first span of paid days, with customer_id, from_date, watched_from_date (a later entry:
    the others of then who had left before are not known), to_date (null where it lasts) and end_cause. `segments`:
    customer_id, dimension, segment (null where it is not known). Who is still there on the day `as_of` is censored at
    the end of that day. A curve goes up to the longest that anybody of its group was watched; it is complete as far as
    nobody has been there for less. Who had left before they were watched are in none.
    """
    known = segments.drop_nulls("segment")
    if as_of is None or presences.is_empty() or known.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    spells = (
        watched_spells(presences, as_of)
        .rename({"end_cause": "cause"})
        .join(known, on="customer_id")
        .with_columns(group=pl.struct(GROUP).rank("dense").cast(pl.String))
    )
    if spells.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    groups = spells.group_by("group").agg(
        pl.col(*GROUP).first(),
        first_censored=pl.col("exit").filter(~pl.col("event")).min(),
        customer_count=pl.len().cast(pl.Int64),
        longest=pl.col("exit").max(),
    )
    survival = kaplan_meier(spells.select("entry", "exit", "group", "event"))
    frame = (
        groups.with_columns(age=pl.int_ranges(0, pl.col("longest") // MONTH_DAYS + 1, dtype=pl.Int32))
        .explode("age")
        .with_columns(time=(pl.col("age") * MONTH_DAYS).cast(pl.Float64))
        .sort("time")
    )
    # A curve holds from one exit to the next.
    frame = _joined(frame, survival, "survival", "standard_error", "ci_low", "ci_high")
    # At risk at an age is whoever has no exit before it, and is watched by then.
    late = spells.filter(pl.col("entry") > 0)
    for name, column, rows in (("remaining", "exit", spells), ("unwatched", "entry", late)):
        counts = rows.group_by("group", time=pl.col(column).cast(pl.Float64)).len(name).sort("time")
        counts = counts.with_columns(pl.col(name).cum_sum(reverse=True).over("group"))
        frame = frame.join_asof(counts, on="time", by="group", strategy="forward", check_sortedness=False)
    frame = frame.with_columns(at_risk=pl.col("remaining") - pl.col("unwatched").fill_null(0))
    incidence = cumulative_incidence(spells.select("entry", "exit", "group", "cause"), CAUSES)
    for cause in CAUSES:
        parts = {part: f"{cause}_{part}" for part in ("incidence", "ci_low", "ci_high")}
        of_cause = incidence.filter(pl.col("cause") == cause).select("group", "time", *parts).rename(parts)
        frame = _joined(frame, of_cause, *parts.values())
    means = lifetimes(survival, float(horizon)).select(
        "group", median_days="median", rmst_days="rmst", rmst_ci_low="rmst_ci_low", rmst_ci_high="rmst_ci_high"
    )
    return (
        frame.join(means, on="group", how="left")
        .with_columns(
            horizon_days=pl.lit(horizon),
            is_complete=(pl.col("time") <= pl.col("first_censored")).fill_null(value=True),
        )
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .sort(*GROUP, "age")
    )


def watched_spells(presences: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """`presences`, as of `curves`, with entry and exit in days from from_date and event: whether they have left."""
    stays = pl.col("to_date").is_null()
    return ever_at_risk(
        presences.with_columns(
            entry=(pl.col("watched_from_date") - pl.col("from_date")).dt.total_days(),
            exit=(pl.col("to_date").fill_null(as_of) - pl.col("from_date")).dt.total_days() + stays.cast(pl.Int64),
            event=~stays,
        )
    )


def _joined(frame: pl.DataFrame, curve: pl.DataFrame, *columns: str) -> pl.DataFrame:
    narrow = curve.select("group", pl.col("time").cast(pl.Float64), *columns).sort("time")
    return frame.join_asof(narrow, on="time", by="group", check_sortedness=False)
