"""How long customers stay: Kaplan-Meier curves, incidence by cause, restricted means and the log-rank test.

The functions take `spells`, one row per subject: exit, the time at which it was last seen; entry, the time from which
it was watched (0 where the column is absent: watched from the start); and group, where curves are to be told apart
("all" where the column is absent). Times count from the subject's own start, in any unit; results are in the same.

A subject is at risk at time t where entry < t <= exit (Klein & Moeschberger 2003, section 4.6); one watched from the
start is at risk at 0, too. So an exit at 0 counts, and a later entry that is also the exit was never at risk and adds
nothing. Where exits and events are tied, those who are censored at t are still at risk at t. Before a group's first
entry nothing is known of it: its curve is of those who reach that time. Where nobody is at risk for a while, the curve
stays level until somebody is again; where all at risk leave at once, it stays at 0, however many enter later, so that a
curve whose first risk sets are of one or two tells nothing.

Raises ValueError, wherever `spells` is taken, where a time is missing, not finite or negative, where an exit comes
before its entry, and where a group is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import NormalDist

import numpy as np
import polars as pl
from scipy.special import chdtrc

LEVEL = 0.95
"""The level of all intervals."""

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_BEFORE_START = -1.0
_BLOCK = 1 << 14
_INCIDENCE_COLUMNS = (
    *("group", "cause", "time", "at_risk", "events"),
    *("incidence", "standard_error", "ci_low", "ci_high", "survival"),
)
# Far above what rounding does to a product of a million factors, far below what a subject more or less does.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class LogRank:
    """The test's statistic, its degrees of freedom, and how likely one as large is where the groups leave alike."""

    chi_square: float
    degrees_of_freedom: int
    p_value: float


def kaplan_meier(spells: pl.DataFrame) -> pl.DataFrame:
    """The share of each group that is still there after a time (Kaplan & Meier 1958), with right-censored subjects,
    late entries and ties.

    `spells` also has event: true where the subject left at its exit, false where it was there when last seen. One row
    per group and time, for 0 and each exit: group, time, at_risk, events, censored, survival, standard_error
    (Greenwood 1926), and the 95 % interval ci_low, ci_high on the scale of log(-log(survival)) (Kalbfleisch & Prentice
    1980). standard_error is null where survival is 0, the interval where it is 0 or 1: they are not defined there.

    Raises ValueError as the module says, and where an event is missing.
    """
    checked = _checked(spells, "event")
    table = _risk_table(checked, {"events": pl.col("event").cast(pl.Boolean)})
    survival, relative_error = pl.col("survival"), pl.col("_greenwood").sqrt()
    return _survival(table).select(
        "group",
        "time",
        "at_risk",
        "events",
        censored=pl.col("left") - pl.col("events"),
        survival=survival,
        standard_error=pl.when(survival > 0).then(survival * relative_error),
        **_log_log_interval(survival, relative_error * survival),
    )


def cumulative_incidence(spells: pl.DataFrame, causes: Sequence[str]) -> pl.DataFrame:
    """The share of each group that has left for a cause by a time, where other causes compete (Aalen & Johansen 1978).

    `spells` also has cause: one of `causes`, or null where the subject was there when last seen. One row per group,
    cause and time, for 0 and each exit: group, cause, time, at_risk, events (of the cause), incidence, standard_error,
    ci_low, ci_high, and survival, that of all causes; survival and the incidences of all causes add up to 1. The
    variance is that of Marubini & Valsecchi (1995), by the delta method from Greenwood's: for one cause
    it is Greenwood's, and without censoring the binomial one. The 95 % interval is on the scale of log(-log(incidence))
    (Choudhury 2002), and null where the incidence is 0 or 1.

    Raises ValueError as the module says, and for a cause that is not among `causes`.
    """
    unknown = spells["cause"].drop_nulls().cast(pl.String).unique().sort().to_list()
    unknown = [cause for cause in unknown if cause not in causes]
    if unknown:
        raise ValueError(f"A spell has the cause {unknown[0]}; the causes are {', '.join(causes)}.")
    of_cause = {_of(cause): pl.col("cause").cast(pl.String).eq_missing(pl.lit(cause)) for cause in causes}
    table = _survival(_risk_table(_checked(spells), {"events": pl.col("cause").is_not_null(), **of_cause}))
    table = table.with_columns(_before=pl.col("survival").shift(1).over("group").fill_null(1.0))
    return pl.concat([_incidence(table, cause) for cause in causes]).sort("group", "cause", "time")


def lifetimes(curves: pl.DataFrame, horizon: float) -> pl.DataFrame:
    """The median and the restricted mean time of each of the curves that `kaplan_meier` gave, one row per group.

    Columns: group; median, the first time at which no more than half are left, null where more are left at the end;
    rmst, the mean time up to `horizon` (the area under the curve), in the curves' unit; rmst_standard_error (Klein &
    Moeschberger 2003, section 4.5) and the normal 95 % interval rmst_ci_low, rmst_ci_high, kept within 0 and the
    horizon. The four are null where the group was not watched up to the horizon and some were left: the rest of the
    area is not known.

    Raises ValueError where the horizon is not a finite time after 0.
    """
    if not (isfinite(horizon) and horizon > 0):
        raise ValueError(f"The horizon of a restricted mean is {horizon}; it has to be a finite time after 0.")
    area = pl.col("survival") * (pl.col("time").shift(-1).over("group").fill_null(horizon) - pl.col("time"))
    restricted = (
        curves.filter(pl.col("time") <= horizon)
        .with_columns(_area=area)
        .with_columns(_area_after=pl.col("_area").cum_sum(reverse=True).over("group"))
        .group_by("group")
        .agg(
            rmst=pl.col("_area").sum(),
            rmst_standard_error=(pl.col("_area_after") ** 2 * _greenwood_term()).sum().sqrt(),
        )
    )
    is_known = (pl.col("_last_time") >= horizon) | (pl.col("_last_survival") == 0)
    rmst, error = pl.col("rmst"), pl.col("rmst_standard_error")
    return (
        curves.group_by("group")
        .agg(
            median=pl.col("time").filter(pl.col("survival") <= 0.5 + _ROUNDING).min(),
            _last_time=pl.col("time").max(),
            _last_survival=pl.col("survival").min(),
        )
        .join(restricted, on="group", nulls_equal=True)
        .with_columns(pl.when(is_known).then(pl.col("rmst", "rmst_standard_error")))
        .select(
            "group",
            "median",
            "rmst",
            "rmst_standard_error",
            rmst_ci_low=(rmst - _Z * error).clip(lower_bound=0),
            rmst_ci_high=(rmst + _Z * error).clip(upper_bound=horizon),
        )
        .sort("group")
    )


def log_rank(spells: pl.DataFrame) -> LogRank:
    """Whether two or more groups leave alike (Mantel 1966; Peto & Peto 1972), with the hypergeometric variance.

    `spells` as for `kaplan_meier`. A group that is never at risk together with another when somebody leaves can't be
    compared and takes no degree of freedom; where none can, chi_square is 0 and p_value 1.

    Raises ValueError as the module says, where an event is missing, and where there are less than two groups.
    """
    checked = ever_at_risk(_checked(spells, "event"))
    codes = (checked["group"].rank("dense") - 1).to_numpy().astype(np.int64)
    groups = int(codes.max(initial=-1)) + 1
    if groups < 2:
        raise ValueError(f"A log-rank test compares two or more groups that were at risk; there are {groups}.")
    exits, is_event = checked["exit"].to_numpy(), checked["event"].cast(pl.Boolean).to_numpy()
    times, event_places = np.unique(exits[is_event], return_inverse=True)
    all_events = np.bincount(event_places, minlength=times.size).astype(np.float64)
    observed = np.bincount(codes[is_event], minlength=groups).astype(np.float64)

    # By how much a group's risk set changes just before which of the times.
    changed = np.concatenate([_entries_to_count(checked).to_numpy(), exits])
    places = np.searchsorted(times, changed, side="right")
    order = np.argsort(places, kind="stable")
    places, codes, change = places[order], np.tile(codes, 2)[order], np.repeat([1.0, -1.0], exits.size)[order]

    expected, covariance, at_risk_before = np.zeros(groups), np.zeros((groups, groups)), np.zeros(groups)
    for start in range(0, times.size, _BLOCK):
        events = all_events[start : start + _BLOCK]
        part = slice(*np.searchsorted(places, (start, start + events.size)))
        cells = (places[part] - start) * groups + codes[part]
        changes = np.bincount(cells, change[part], minlength=events.size * groups).reshape(-1, groups)
        at_risk = at_risk_before + changes.cumsum(axis=0)
        at_risk_before, all_at_risk = at_risk[-1], at_risk.sum(axis=1)
        shares = at_risk / all_at_risk[:, None]
        spread = events * (all_at_risk - events) / np.maximum(all_at_risk - 1, 1)
        expected += events @ shares
        covariance += np.diag(spread @ shares) - shares.T @ (spread[:, None] * shares)
    surplus = observed - expected
    variances, directions = np.linalg.eigh(covariance)
    is_comparable = variances > _ROUNDING * variances.max()
    chi_square = float(((directions.T @ surplus)[is_comparable] ** 2 / variances[is_comparable]).sum())
    degrees = int(is_comparable.sum())
    return LogRank(chi_square, degrees, float(chdtrc(degrees, chi_square)) if degrees else 1.0)


def _checked(spells: pl.DataFrame, *complete: str) -> pl.DataFrame:
    """`spells` with all columns of the module's description; ValueError where one can't be of a subject."""
    defaults = {"entry": pl.lit(0.0), "group": pl.lit("all")}
    absent = {column: value for column, value in defaults.items() if column not in spells.columns}
    checked = spells.with_columns(**absent).with_columns(pl.col("entry", "exit").cast(pl.Float64))
    is_time = pl.all_horizontal(pl.col("entry", "exit").is_finite()) & (pl.col("entry") >= 0)
    is_possible = (is_time & (pl.col("exit") >= pl.col("entry"))).fill_null(value=False)
    wrong = checked.with_row_index("row").filter(~is_possible)
    if wrong.height:
        row, entry, exit_ = wrong.select("row", "entry", "exit").row(0)
        raise ValueError(
            f"{wrong.height} of {spells.height} spells have times that can't be, the first in row {row}: "
            f"entry {entry}, exit {exit_}. Entry must be 0 or later, exit not before it, and both finite."
        )
    for column in ("group", *complete):
        if checked[column].null_count():
            raise ValueError(f"The spell in row {checked[column].is_null().arg_max()} has no {column}.")
    return checked


def ever_at_risk(spells: pl.DataFrame) -> pl.DataFrame:
    """`spells`, with entry and exit, without those that were never at risk: watched only when they had left."""
    return spells.filter((pl.col("exit") > pl.col("entry")) | (pl.col("entry") == 0))


def _entries_to_count(spells: pl.DataFrame) -> pl.Series:
    """Entry times such that who entered before t, and did not exit before t, is at risk at t."""
    return spells.select(pl.when(pl.col("entry") > 0).then("entry").otherwise(_BEFORE_START)).to_series()


def _risk_table(spells: pl.DataFrame, counts: dict[str, pl.Expr]) -> pl.DataFrame:
    """One row per group and time, for 0 and each exit: at_risk, left (at that time), and of these the `counts`."""
    followed = ever_at_risk(spells)
    none = dict.fromkeys(counts, pl.lit(0, pl.Int64))
    zero, one = pl.lit(0, pl.Int64), pl.lit(1, pl.Int64)
    starts = spells.select("group").unique().select("group", time=pl.lit(0.0), entered=zero, left=zero, **none)
    entries = followed.select("group", time=_entries_to_count(followed), entered=one, left=zero, **none)
    exits = followed.select(
        "group",
        time=pl.col("exit"),
        entered=zero,
        left=one,
        **{name: count.cast(pl.Int64) for name, count in counts.items()},
    )
    present = pl.col("entered") - pl.col("left")
    return (
        pl.concat([starts, entries, exits])
        .group_by("group", "time")
        .agg(pl.all().sum())
        .sort("group", "time")
        .with_columns(at_risk=present.cum_sum().over("group") - present)
        .filter((pl.col("left") > 0) | (pl.col("time") == 0))
    )


def _survival(table: pl.DataFrame) -> pl.DataFrame:
    """The risk table with survival, and _greenwood, the sum of Greenwood's terms: the variance over its square."""
    kept = pl.when(pl.col("events") > 0).then((pl.col("at_risk") - pl.col("events")) / pl.col("at_risk")).otherwise(1.0)
    return table.with_columns(
        survival=kept.cum_prod().over("group"), _greenwood=_greenwood_term().cum_sum().over("group")
    )


def _greenwood_term() -> pl.Expr:
    """0, too, where all leave: what is multiplied with it is 0 from there on, or is not shown."""
    events, at_risk = pl.col("events").cast(pl.Float64), pl.col("at_risk").cast(pl.Float64)
    some_stay = (events > 0) & (events < at_risk)
    return pl.when(some_stay).then(events / (at_risk * (at_risk - events))).otherwise(0.0)


def _of(cause: str) -> str:
    return f"events of {cause}"


def _incidence(table: pl.DataFrame, cause: str) -> pl.DataFrame:
    """What `cumulative_incidence` gives, for one cause, from the table with _before, the survival just before."""
    at_risk, events = pl.col("at_risk").cast(pl.Float64), pl.col(_of(cause)).cast(pl.Float64)
    before, incidence, term = pl.col("_before"), pl.col("incidence"), _greenwood_term()

    def total(summand: pl.Expr) -> pl.Expr:
        return pl.when(pl.col("at_risk") > 0).then(summand).otherwise(0.0).cum_sum().over("group")

    # The squares of what came since each earlier time, multiplied out, so that running sums are enough.
    since = incidence**2 * total(term) - 2 * incidence * total(incidence * term) + total(incidence**2 * term)
    own = total(before**2 * events * (at_risk - events) / at_risk**3)
    shared = before * events / at_risk**2
    variance = since + own - 2 * (incidence * total(shared) - total(incidence * shared))
    return (
        table.with_columns(incidence=total(before * events / at_risk))
        .with_columns(standard_error=variance.clip(lower_bound=0).sqrt())
        .select(
            "group",
            "time",
            "at_risk",
            "incidence",
            "standard_error",
            "survival",
            cause=pl.lit(cause),
            events=pl.col(_of(cause)),
            **_log_log_interval(incidence, pl.col("standard_error")),
        )
        .select(_INCIDENCE_COLUMNS)
    )


def _log_log_interval(share: pl.Expr, error: pl.Expr) -> dict[str, pl.Expr]:
    is_inside = (share > 0) & (share < 1 - _ROUNDING)
    width = (_Z * error / (share * -share.log())).exp()
    return {
        "ci_low": pl.when(is_inside).then(share**width),
        "ci_high": pl.when(is_inside).then(share ** (1 / width)),
    }
