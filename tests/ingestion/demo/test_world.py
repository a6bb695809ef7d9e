"""The demo company behaves as its story says, and as nothing at all where nothing is to have an influence."""

from dataclasses import fields
from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, END, Seeds
from ingestion.demo.playbooks import PLAYBOOKS
from ingestion.demo.pricing import CURRENCIES, PLANS, mrr_minor, price_book
from ingestion.demo.story import (
    PAYMENT_MEMORY,
    PRICE_MEMORY,
    SPONSOR_MEMORY,
    TIERS,
    ChurnCauses,
    ChurnCoefficients,
    churn_chance,
    churn_effects,
    churn_rate,
)
from ingestion.demo.world import World, build_world

NEVER = 10_000
Floats = NDArray[np.float64]


@cache
def world(*, is_acausal: bool = False) -> World:
    return build_world(customers=2000, months=24, rng=7, is_acausal=is_acausal)


@cache
def large_world(*, is_acausal: bool = False) -> World:
    return build_world(customers=40_000, months=24, rng=11, is_acausal=is_acausal)


def test_a_believable_company() -> None:
    found = world()
    companies, people, panel = found.companies, found.people, found.panel
    assert companies["company"].to_list() == list(range(2000))
    assert people["person"].to_list() == list(range(40_000))
    assert people["email"].is_unique().all()
    assert companies["domain"].is_unique().all()
    assert panel.select("company", "month").is_unique().all()
    assert panel.select("company", "month").equals(panel.select("company", "month").sort("company", "month"))
    assert panel["month"].min() == found.months[0]
    assert companies["signed_at"].max() <= END
    lasts = _year_before_the_last_month(found)
    assert 0.16 < lasts["has_left"].mean() < 0.25
    by_tier = dict(lasts.group_by("tier").agg(pl.col("has_left").mean()).iter_rows())
    assert by_tier["smb"] > by_tier["enterprise"]
    assert 1.0 < lasts["mrr_after"].sum() / lasts["mrr_before"].sum() < 1.12
    causes = panel.filter("is_churned")["churn_cause"].value_counts(normalize=True)
    assert 0.05 < causes.filter(pl.col("churn_cause") == "payment_failed")["proportion"].item() < 0.3
    assert set(companies.filter(pl.col("churned_at").is_null())["churn_cause"]) == {None}
    assert 0.015 < companies["parent"].is_not_null().mean() < 0.045


def _year_before_the_last_month(found: World) -> pl.DataFrame:
    """The customers of a year before the last whole month's end: whether they left in it, revenue before and after."""
    last, before = found.months[-2], found.months[-14]
    closing = found.panel.select("company", "month", "mrr_minor").filter(pl.col("mrr_minor") > 0)
    opening = closing.filter(pl.col("month") == before).select("company", mrr_before="mrr_minor")
    after = closing.filter(pl.col("month") == last).select("company", mrr_after="mrr_minor")
    frame = opening.join(after, on="company", how="left").with_columns(has_left=pl.col("mrr_after").is_null())
    return frame.join(found.companies.select("company", "tier"), on="company")


def test_roles_are_filled_and_sponsors_succeeded() -> None:
    people = world().people
    roles = people.group_by("company").agg(
        *[(pl.col("role") == role).sum().alias(role) for role in ("executive_sponsor", "champion", "billing")]
    )
    assert roles["champion"].eq(1).all()
    assert roles["billing"].eq(1).all()
    assert roles["executive_sponsor"].is_between(1, 2).all()
    sponsors = people.filter(pl.col("role") == "executive_sponsor").sort("company", "person")
    second = sponsors.filter(pl.col("company").is_duplicated()).with_columns(
        left_before=pl.col("left_at").shift(1).over("company")
    )
    assert (second.filter(pl.col("left_before").is_not_null())["joined_at"] > second["left_before"].drop_nulls()).all()
    left = people.filter(pl.col("left_at").is_not_null())
    assert (left["left_at"] > left["joined_at"]).all()


def _causes(**changed: float) -> ChurnCauses:
    typical: dict[str, float | int | bool] = {
        "tier": TIERS.index("mid"),
        "is_acquired": False,
        "satisfaction": 0.65,
        "usage": 0.6,
        "onboarding": 0.6,
        "tenure": 4,
        "months_since_sponsor_left": NEVER,
        "months_since_payment_failed": NEVER,
        "months_since_price_raised": NEVER,
    }
    return ChurnCauses(**{name: np.array([value]) for name, value in (typical | changed).items()}, month_of_year=6)


@pytest.mark.parametrize(
    ("changed", "log_ratio"),
    [
        ({"tier": 0}, "smb"),
        ({"tier": 2}, "enterprise"),
        ({"is_acquired": True}, "acquired"),
        ({"satisfaction": 1.65}, "satisfaction"),
        ({"usage": 1.6}, "usage"),
        ({"tenure": 0, "onboarding": 1.6}, "onboarding"),
        ({"months_since_sponsor_left": 1}, "sponsor_left"),
        ({"months_since_sponsor_left": SPONSOR_MEMORY}, "sponsor_left"),
        ({"months_since_payment_failed": PAYMENT_MEMORY}, "payment_failed"),
        ({"months_since_price_raised": 0}, "price_raised"),
        ({"months_since_price_raised": PRICE_MEMORY - 1}, "price_raised"),
        ({"months_since_sponsor_left": 0}, None),
        ({"months_since_sponsor_left": SPONSOR_MEMORY + 1}, None),
        ({"months_since_price_raised": PRICE_MEMORY}, None),
        ({"tenure": 30, "onboarding": 0.1}, None),
    ],
)
def test_each_coefficient_is_a_log_hazard_ratio(changed: dict[str, float], log_ratio: str | None) -> None:
    by = ChurnCoefficients()
    typical, other = (churn_rate(by, churn_effects(by, causes)) for causes in (_causes(), _causes(**changed)))
    expected = getattr(by, log_ratio) if log_ratio else 0.0
    assert np.log(other / typical) == pytest.approx(expected)
    chances = churn_chance(typical, np.array([3.0])), churn_chance(typical, np.array([1.0]), np.log(3.0))
    assert chances[0] == pytest.approx(chances[1])


def test_without_influence_every_hazard_is_one_number() -> None:
    by = ChurnCoefficients().acausal()
    assert {field.name: getattr(by, field.name) for field in fields(by) if field.name not in _RATES} == dict.fromkeys(
        (field.name for field in fields(by) if field.name not in _RATES), 0.0
    )
    panel = world(is_acausal=True).panel
    # What the contract allows is left: not at all, at the month's end or the year's, with a payment or without one.
    assert panel["churn_hazard"].round(9).n_unique() <= 6
    assert panel["expansion_hazard"].round(9).n_unique() == 2
    monthly = panel.filter(~pl.col("is_yearly") & (pl.col("churn_hazard") > 0))
    assert monthly["churn_hazard"].round(9).n_unique() <= 3
    rates = [found.panel["is_churned"].sum() / len(found.panel) for found in (world(), world(is_acausal=True))]
    assert rates[1] == pytest.approx(rates[0], rel=0.25)


_RATES = ("base", "acausal_base", "involuntary", "renewal_exposure")


def test_customers_leave_as_often_as_their_hazards_say() -> None:
    panel = world().panel
    hazard = panel["churn_hazard"].to_numpy()
    spread = np.sqrt((hazard * (1 - hazard)).sum())
    assert abs(panel["is_churned"].sum() - hazard.sum()) < 3.5 * spread


@pytest.mark.wide
def test_at_every_level_of_the_hazard_as_many_leave_as_it_says() -> None:
    panel = large_world().panel.filter(pl.col("churn_hazard") > 0)
    hazard, has_left = panel["churn_hazard"].to_numpy(), panel["is_churned"].to_numpy()
    level = np.searchsorted(np.quantile(hazard, np.linspace(0, 1, 21)[1:-1]), hazard)
    for place in range(20):
        expected = hazard[level == place]
        spread = np.sqrt((expected * (1 - expected)).sum())
        assert abs(has_left[level == place].sum() - expected.sum()) < 4 * spread


@pytest.mark.wide
@pytest.mark.parametrize("is_acausal", [False, True])
def test_an_analyst_finds_the_coefficients_in_the_panel(is_acausal: bool) -> None:
    found = large_world(is_acausal=is_acausal)
    names, design, offset, has_left = _analysis(found)
    estimate, error = _fit(design, offset, has_left)
    for name, value, spread in zip(names, estimate, error, strict=True):
        true = getattr(found.story.churn, name)
        assert abs(value - true) < 4 * spread, name
        # The sample is large enough to tell each effect from none.
        assert is_acausal or spread < abs(true) / 2, name


def _analysis(found: World) -> tuple[list[str], Floats, Floats, Floats]:
    """Months in which a customer could cancel and no playbook acted.

    Returns the coefficients' names, what was known before, the log of the exposure, and whether it cancelled.
    """
    lag = {name: pl.col(name).shift(1).over("company") for name in ("satisfaction", "usage")}

    def recent(column: str, first: int, last: int) -> pl.Expr:
        return pl.any_horizontal(pl.col(column).shift(months).over("company") for months in range(first, last + 1))

    is_raised = (pl.col("price_factor") > 1) & (pl.col("price_factor").shift(1).over("company") == 1)
    panel = found.panel.with_columns(is_raised=is_raised.fill_null(False)).with_columns(
        sponsor_left=recent("sponsor_left", 1, SPONSOR_MEMORY).fill_null(False),
        payment_failed=recent("payment_failed", 1, PAYMENT_MEMORY).fill_null(False),
        price_raised=recent("is_raised", 0, PRICE_MEMORY - 1).fill_null(False),
        **lag,
    )
    panel = panel.join(found.companies.select("company", "tier", "unit"), on="company", maintain_order="left")
    # A price rise shows in the month of a cancellation only where the customer stayed, so those months tell nothing.
    quiet = found.months[found.history.price_rise]
    panel = panel.filter(
        (pl.col("tenure_months") > 0)
        & (pl.col("churn_hazard") > 0)
        & (pl.col("churn_cause").fill_null("") != "payment_failed")
        & pl.Series(~_is_treated(found))
        & (~pl.col("is_yearly") | (pl.col("tenure_months") % 12 == 0))
        & (pl.col("month") < quiet)
        & (pl.col("month") < found.months[-1])
    )
    newness = (1 - panel["tenure_months"].to_numpy() / 8).clip(0)
    columns = {
        "base": np.ones(len(panel)),
        "smb": (panel["tier"] == "smb").to_numpy(),
        "enterprise": (panel["tier"] == "enterprise").to_numpy(),
        "acquired": (panel["unit"] == "acquired").to_numpy(),
        "satisfaction": panel["satisfaction"].to_numpy() - 0.65,
        "usage": panel["usage"].to_numpy() - 0.6,
        "onboarding": newness * (panel["onboarding"].to_numpy() - 0.6),
        "sponsor_left": panel["sponsor_left"].to_numpy(),
        "payment_failed": panel["payment_failed"].to_numpy(),
    }
    exposure = np.where(panel["is_yearly"].to_numpy(), found.story.churn.renewal_exposure, 1.0)
    season = panel["month"].dt.month().replace_strict({1: 1.0, 2: 0.3, 11: 0.3, 12: 1.0}, default=0.0).to_numpy()
    offset = np.log(exposure) + found.story.churn.season * season
    design = np.column_stack([column.astype(float) for column in columns.values()])
    return list(columns), design, offset, panel["is_churned"].to_numpy().astype(float)


def _is_treated(found: World) -> NDArray[np.bool_]:
    """For each row of the panel, whether a playbook acts on the moment at which the contract may be cancelled."""
    history = found.history
    acts = np.zeros(history.is_customer.shape, bool)
    cases = history.cases
    for place in np.flatnonzero(cases.is_treatment & cases.is_reachable):
        days = found.story.playbook_effect(PLAYBOOKS[cases.playbook[place]]).days
        company, begins = cases.company[place], cases.starts_at[place]
        moment = history.cancel_at[:, company]
        acts[:, company] |= (begins < moment) & (moment <= begins + days * DAY)
    return acts.T[history.is_customer.T]


def _fit(design: Floats, offset: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """Maximum likelihood of chance = 1 - exp(-exp(design @ beta + offset)) by Fisher scoring: beta, standard errors."""
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(outcome.sum() / np.exp(offset).sum())
    for _ in range(30):
        rate = np.exp(design @ beta + offset)
        chance = -np.expm1(-rate)
        slope = rate * np.exp(-rate)
        weight = slope**2 / (chance * (1 - chance))
        information = design.T @ (weight[:, None] * design)
        step = np.linalg.solve(information, design.T @ (slope * (outcome - chance) / (chance * (1 - chance))))
        beta = beta + step
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def test_prices_are_whole_cents_after_any_coupon() -> None:
    book = price_book()
    assert len(book) == 2 * (2 * len(PLANS) * len(CURRENCIES) + len(CURRENCIES))
    assert (book["unit_amount"] % 100 == 0).all()
    yearly = book.filter("is_yearly")
    assert (yearly["unit_amount"] % 1200 == 0).all()
    one = {name: np.array([0]) for name in ("version", "plan", "currency")}
    no = np.array([False])
    assert mrr_minor(seats=np.array([3]), has_addon=no, is_yearly=no, percent_off=np.array([20]), **one) == [4560]


def test_streams_don_t_disturb_one_another() -> None:
    first, second = (Seeds(7).generator("a").random(3).tolist() for _ in range(2))
    assert first == second
    assert first != Seeds(7).generator("b").random(3).tolist()
    assert first != Seeds(8).generator("a").random(3).tolist()
    assert Seeds(-3).generator("a").random() < 1
