"""The shop as it truly was: its hazards are what the coefficients say, and its money and times hold together."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingestion.demo.clock import END, Seeds, months_until_end
from ingestion.demo.purchases import DAYS_PER_MONTH, ShopCalendar, simulate_orders
from ingestion.demo.shop import Shop, simulate_shop
from ingestion.demo.story import TYPICAL_SATISFACTION, ReorderCoefficients

STORY = ReorderCoefficients()
MONTHS = months_until_end(24)
COUNT = 40_000


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate_shop(Seeds(7), MONTHS, shoppers=6000, reorder=STORY)


@pytest.fixture(scope="module")
def acausal_shop() -> Shop:
    return simulate_shop(Seeds(7), MONTHS, shoppers=COUNT, reorder=STORY.acausal())


def _orders(story: ReorderCoefficients) -> pl.DataFrame:
    """Orders of many shoppers who all began on the first day, with their traits, and the time until the next one."""
    random = np.random.default_rng(3)
    shoppers = pl.DataFrame(
        {
            "shopper": np.arange(COUNT),
            "first_day": np.zeros(COUNT),
            "country": random.choice(["DE", "IT"], COUNT),
            "taste": random.standard_normal(COUNT),
            "price_sensitivity": random.random(COUNT),
            "is_member": random.random(COUNT) < 0.5,
            "has_mail_consent": random.random(COUNT) < 0.5,
        }
    )
    calendar = ShopCalendar.of(MONTHS, story)
    orders = simulate_orders(random, shoppers, calendar, story).join(shoppers, on="shopper")
    seen_until = pl.min_horizontal("next_day", pl.lit(calendar.days))
    return orders.with_columns(
        months=(seen_until - pl.col("free_day")).clip(0) / DAYS_PER_MONTH, is_event=pl.col("next_day").is_finite()
    ).filter(~pl.col("has_stopped"))


ONE_EFFECT = replace(STORY.acausal(), base=-1.8, parcel_wait=1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_member", pl.col("is_member").cast(pl.Float64)),
        ("has_mail_consent", pl.col("has_mail_consent").cast(pl.Float64)),
        ("satisfaction", pl.col("satisfaction") - TYPICAL_SATISFACTION),
        ("full_price", pl.col("price_sensitivity") * ~pl.col("had_discount")),
    ],
)
def test_each_effect_is_what_its_coefficient_says(name: str, value: pl.Expr) -> None:
    coefficient = getattr(STORY, name)
    orders = _orders(replace(ONE_EFFECT, **{name: coefficient}))
    strata = (
        orders.with_columns(value=value)
        .with_columns(stratum=pl.col("value").rank("dense") if name.startswith(("is", "has")) else _fifth("value"))
        .group_by("stratum")
        .agg(pl.col("value").mean(), pl.col("is_event").sum(), pl.col("months").sum())
        .sort("value")
    )
    assert len(strata) >= 2
    observed = np.log(strata["is_event"].to_numpy() / strata["months"].to_numpy())
    expected = ONE_EFFECT.base + coefficient * strata["value"].to_numpy()
    assert np.abs(observed - expected).max() < 4 / np.sqrt(strata["is_event"].to_numpy().min()) + 0.005
    assert np.ptp(expected) > 0.1


def test_seasons_and_the_price_rise_are_what_their_coefficients_say() -> None:
    story = replace(ONE_EFFECT, season=STORY.season, price_raised=STORY.price_raised)
    calendar = ShopCalendar.of(MONTHS, story)
    orders = _orders(story)
    begin, end = orders["free_day"].to_numpy()[:, None], orders["next_day"].to_numpy()[:, None]
    exposed = (np.minimum(end, calendar.edges[1:]) - np.maximum(begin, calendar.edges[:-1])).clip(0).sum(axis=0)
    events, _ = np.histogram(orders["next_day"].to_numpy(), calendar.edges)
    rate = events / exposed * DAYS_PER_MONTH
    assert np.abs(np.log(rate / (np.exp(story.base) * calendar.busyness))).max() < 5 / np.sqrt(events.min())
    assert calendar.busyness.max() > 1.5 * calendar.busyness.min()


def test_shoppers_stop_as_often_as_their_satisfaction_says() -> None:
    story = replace(ONE_EFFECT, stop_odds=STORY.stop_odds, stop_satisfaction=STORY.stop_satisfaction)
    shop = simulate_shop(Seeds(1), MONTHS, shoppers=COUNT, reorder=story)
    strata = (
        shop.orders.with_columns(
            stratum=_fifth("satisfaction"),
            odds=STORY.stop_odds * (STORY.stop_satisfaction * (pl.col("satisfaction") - TYPICAL_SATISFACTION)).exp(),
        )
        .group_by("stratum")
        .agg(pl.len(), pl.col("has_stopped").mean(), expected=(pl.col("odds") / (1 + pl.col("odds"))).mean())
        .with_columns(error=(pl.col("expected") * (1 - pl.col("expected")) / pl.col("len")).sqrt())
    )
    assert (strata["has_stopped"] - strata["expected"]).abs().max() < 4 * strata["error"].max()
    assert strata["expected"].max() > 2 * strata["expected"].min()


def test_true_hazards_foretell_the_reorders(shop: Shop) -> None:
    strata = (
        shop.shopper_months.with_columns(stratum=_fifth("reorder_hazard"))
        .group_by("stratum")
        .agg(pl.len(), pl.col("reorder_hazard").mean(), pl.col("has_reordered").mean())
        .with_columns(error=(pl.col("reorder_hazard") * (1 - pl.col("reorder_hazard")) / pl.col("len")).sqrt())
    )
    assert ((strata["reorder_hazard"] - strata["has_reordered"]).abs() < 4 * strata["error"]).all()
    months = shop.shopper_months.select(pl.struct("shopper", "month").n_unique()).item()
    assert months == len(shop.shopper_months)
    # Each month in which somebody ordered who had ordered before it is among them.
    ordered = shop.orders.join(shop.shoppers.select("shopper", "first_ordered_at"), on="shopper").with_columns(
        month=pl.col("ordered_at").dt.truncate("1mo").cast(pl.Date)
    )
    ordered = ordered.filter(pl.col("first_ordered_at") < pl.col("month")).select("shopper", "month").unique()
    reordered = shop.shopper_months.filter("has_reordered").select("shopper", "month")
    assert_frame_equal(ordered, reordered, check_row_order=False)


def test_experience_wears_satisfaction_down_and_delays_the_next_order(shop: Shop) -> None:
    went_wrong = (pl.col("late_days") > 3) | pl.col("is_returned") | pl.col("is_cancelled")
    by_experience = shop.orders.group_by(went_wrong.alias("went_wrong")).agg(pl.mean("satisfaction", "has_stopped"))
    (bad, good) = by_experience.sort("went_wrong", descending=True).rows(named=True)
    assert bad["satisfaction"] < good["satisfaction"] - 0.1
    assert bad["has_stopped"] > good["has_stopped"] + 0.05


def test_a_believable_shop(shop: Shop) -> None:
    orders = shop.orders.select(
        repeaters=(pl.col("number") == 2).sum() / (pl.col("number") == 1).sum(),
        late=(pl.col("late_days") > 0).mean(),
        returned=pl.col("is_returned").mean(),
        discounted=pl.col("had_discount").mean(),
        cancelled=pl.col("is_cancelled").mean(),
    ).row(0, named=True)
    assert 0.4 < orders["repeaters"] < 0.6
    assert 0.08 < orders["late"] < 0.2
    assert 0.04 < orders["returned"] < 0.12
    assert 0.2 < orders["discounted"] < 0.45
    assert 0.008 < orders["cancelled"] < 0.025
    assert 0.02 < shop.shoppers["first_ordered_at"].is_null().mean() < 0.1
    assert shop.orders["ordered_at"].max().date() == END.date()


def test_nothing_influences_reorder_in_an_acausal_shop(acausal_shop: Shop) -> None:
    hazards = acausal_shop.shopper_months.group_by("month").agg(
        lowest=pl.col("reorder_hazard").min(), highest=pl.col("reorder_hazard").max()
    )
    # Who ordered in the night before a month has the whole month, like all the others.
    assert (hazards["highest"] - hazards["lowest"]).max() < 1e-9
    assert not acausal_shop.orders["has_stopped"].any()
    orders = acausal_shop.orders.join(acausal_shop.shoppers, on="shopper").with_columns(
        next_at=pl.col("ordered_at").shift(-1).over("shopper", order_by="order")
    )
    orders = orders.filter(pl.col("ordered_at") < pl.lit(END) - pl.duration(days=90)).with_columns(
        comes_back=(pl.col("next_at") - pl.col("ordered_at") <= pl.duration(days=90)).fill_null(value=False)
    )
    typical = orders["comes_back"].mean()
    assert isinstance(typical, float)
    for group in (
        pl.col("is_member"),
        pl.col("has_mail_consent"),
        pl.col("had_discount"),
        pl.col("is_returned"),
        pl.col("is_cancelled"),
        pl.col("late_days") > 2,
        pl.col("satisfaction") > 0.7,
        pl.col("number") > 2,
        pl.col("ordered_at").dt.month().is_in([11, 12]),
    ):
        groups = orders.group_by(group.alias("group")).agg(pl.len(), pl.col("comes_back").mean())
        for _, size, share in groups.iter_rows():
            assert abs(share - typical) < 4 * np.sqrt(typical * (1 - typical) / size)


def test_money_agrees_to_the_cent(shop: Shop) -> None:
    lines = shop.lines.with_columns(paid=pl.col("price_cents") * pl.col("quantity") - pl.col("discount_cents"))
    assert (lines["paid"] >= 0).all()
    assert (lines["quantity"] >= 1).all()
    sums = lines.group_by("order").agg(pl.col("paid", "discount_cents").sum()).sort("order")
    assert sums["order"].equals(shop.orders["order"])
    assert sums["paid"].equals(shop.orders["subtotal_cents"], check_names=False)
    assert sums["discount_cents"].equals(shop.orders["discount_cents"])
    parts = ("subtotal_cents", "shipping_cents", "tax_cents")
    assert (shop.orders["total_cents"] == shop.orders.select(pl.sum_horizontal(parts)).to_series()).all()
    refunds = shop.refunds.join(lines, on="line", suffix="_sold")
    assert len(refunds) == len(shop.refunds) > 500
    assert refunds["line"].is_unique().all()
    assert (refunds["quantity"] <= refunds["quantity_sold"]).all()
    assert (refunds["cents"] <= refunds["paid"]).all()
    has_code = shop.orders["discount_code"].is_not_null()
    assert shop.orders.filter(~has_code)["discount_cents"].sum() == 0


def test_one_thing_comes_after_another(shop: Shop) -> None:
    orders = shop.orders.with_columns(before=pl.col("delivered_at").shift(1).over("shopper", order_by="number"))
    assert (orders["ordered_at"] <= orders["sent_at"]).drop_nulls().all()
    assert (orders["sent_at"] <= orders["delivered_at"]).drop_nulls().all()
    assert (orders["before"] <= orders["ordered_at"]).drop_nulls().all()
    refunds = shop.refunds.join(shop.orders, on="order")
    assert (refunds["refunded_at"] > refunds["ordered_at"]).all()
    assert (refunds["is_cancellation"] | (refunds["refunded_at"] > refunds["delivered_at"])).all()
    last = shop.parcels.group_by("order").agg(pl.col("delivered_at").max()).join(shop.orders, on="order")
    assert last.filter(pl.col("delivered_at") != pl.col("delivered_at_right")).is_empty()
    for frame in (value for value in vars(shop).values() if isinstance(value, pl.DataFrame)):
        times = [name for name, kind in frame.schema.items() if kind == pl.Datetime and name != "promised_at"]
        assert all(frame[name].max() is None or frame[name].max() <= END for name in times)


def test_points_are_never_below_zero(shop: Shop) -> None:
    points = shop.points.with_columns(balance=pl.col("points").cum_sum().over("shopper", order_by="entry"))
    assert (points["balance"] >= 0).all()
    assert set(points["kind"]) == {"earn", "redeem", "expire", "adjust"}
    redeemed = points.filter(pl.col("kind") == "redeem")
    assert redeemed["order"].sort().equals(shop.orders.filter(pl.col("discount_code") == "POINTS500")["order"].sort())
    members = shop.shoppers.filter("is_member")["shopper"]
    assert points["shopper"].is_in(members.implode()).all()


def test_messages_end_where_the_subscription_does(shop: Shop) -> None:
    messages = shop.messages.join(shop.shoppers, on="shopper", suffix="_true")
    assert messages["has_mail_consent"].all()
    assert (messages["sent_at"] >= messages["registered_at"]).all()
    assert (messages["sent_at"] <= messages["unsubscribed_at_true"]).drop_nulls().all()
    assert (messages["clicked_at"] >= messages["sent_at"]).drop_nulls().all()
    assert 0.25 < messages.filter(pl.col("channel") == "email")["opened_at"].is_not_null().mean() < 0.45
    assert 0.03 < shop.shoppers.filter("has_mail_consent")["unsubscribed_at"].is_not_null().mean() < 0.2


def test_friends_buy_after_they_were_invited(shop: Shop) -> None:
    friends = shop.referrals.filter(pl.col("status") == "completed").join(
        shop.shoppers, left_on="receiver", right_on="shopper"
    )
    assert len(friends) > 50
    assert friends["completed_at"].equals(friends["first_ordered_at"], check_names=False)
    assert (friends["invited_at"] <= friends["completed_at"]).all()
    assert friends["receiver"].is_unique().all()
    assert (shop.referrals["sender"] != shop.referrals["receiver"]).fill_null(value=True).all()
    senders = shop.shoppers.filter(pl.col("shopper").is_in(shop.referrals["sender"].implode()))
    assert senders["is_member"].all()


def test_households_live_together(shop: Shop) -> None:
    them = shop.shoppers
    children = them.filter(pl.col("parent").is_not_null()).join(them, left_on="parent", right_on="shopper")
    partners = them.filter(pl.col("partner").is_not_null()).join(them, left_on="partner", right_on="shopper")
    assert min(len(children), len(partners)) > 50
    for column in ("street", "postal_code", "last_name"):
        assert (children[column] == children[f"{column}_right"]).all()
    assert (children["first_name"] != children["first_name_right"]).mean() > 0.95
    assert (children["birth_date"].dt.year() > 2007).all()
    for column in ("street", "postal_code"):
        assert (partners[column] == partners[f"{column}_right"]).all()
    assert them["email"].is_unique().all()


def test_some_shoppers_are_people_of_companies() -> None:
    known = simulate_shop(Seeds(2), months_until_end(1), shoppers=400, reorder=STORY).shoppers
    people = known.select(
        pl.col("shopper").cast(pl.Int32).alias("person"), "first_name", "last_name", "country", "city", "street",
        "postal_code", "birth_date", email=pl.lit("work@firm.example"), private_email="email",
    )  # fmt: skip
    shop = simulate_shop(Seeds(7), months_until_end(3), shoppers=2000, reorder=STORY, people=people)
    both = shop.shoppers.join(people, on="person")
    assert len(both) == 20
    for column in ("first_name", "last_name", "street", "birth_date"):
        assert both[column].equals(both[f"{column}_right"], check_names=False)
    assert both["email"].equals(both["private_email"], check_names=False)
    others = shop.shoppers.filter(pl.col("person").is_null())
    assert not others["email"].is_in(people["private_email"].implode()).any()


def test_the_same_seed_gives_the_same_shop(shop: Shop) -> None:
    again = simulate_shop(Seeds(7), MONTHS, shoppers=6000, reorder=STORY)
    other = simulate_shop(Seeds(8), MONTHS, shoppers=6000, reorder=STORY)
    frames = [name for name, value in vars(shop).items() if isinstance(value, pl.DataFrame)]
    assert all(getattr(shop, name).equals(getattr(again, name)) for name in frames)
    assert not shop.orders.equals(other.orders)


@pytest.mark.parametrize("count", [1, 2, 15])
def test_the_smallest_shops(count: int) -> None:
    for rng in range(3):
        shop = simulate_shop(Seeds(rng), months_until_end(1), shoppers=count, reorder=STORY)
        assert len(shop.shoppers) == count


def _fifth(column: str) -> pl.Expr:
    """The fifth of the rows, by size, in which each is."""
    return (pl.col(column).rank("ordinal") * 5 - 1) // pl.len()
