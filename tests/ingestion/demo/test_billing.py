"""Stripe's exports: to the cent what the contracts come to, and what a reader would make of them is the truth."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import billing
from ingestion.demo.clock import END, as_times, month_bounds
from ingestion.demo.damage import BREAKING, DEFAULT, NONE
from ingestion.demo.ids import stripe_ids
from ingestion.demo.terms import draw_terms
from ingestion.demo.truth import customer_months, mrr_movements
from ingestion.demo.world import World, build_world
from ingestion.demo.write import TIME_FORMAT, Exports
from tests.ingestion.demo import relation_loads as relations
from tests.ingestion.demo.relation_loads import Loaded, System

STRIPE = System("stripe", billing.exports, billing.SHAPES)
TIMES = {
    "created", "updated", "period_start", "period_end", "discount_start", "discount_end", "ended_at", "trial_end",
    "current_period_start", "current_period_end", "finalized_at", "paid_at", "canceled_at",
}  # fmt: skip
AMOUNTS = {
    "amount", "discount_amount", "quantity", "unit_amount", "subtotal", "tax", "total", "amount_due", "amount_paid",
    "attempt_count", "amount_refunded",
}  # fmt: skip


@cache
def world() -> World:
    return build_world(customers=400, months=24, rng=3)


@cache
def clean() -> dict[str, pl.DataFrame]:
    """Stripe's undamaged tables, typed, with all their files."""
    return {table: _typed(pl.concat([frame for _, frame in files])) for table, files in _exports().items()}


@cache
def _exports() -> dict[str, list[tuple[str, pl.DataFrame]]]:
    return billing.exports(world(), NONE).tables


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    times, amounts = TIMES & set(frame.columns), AMOUNTS & set(frame.columns)
    return frame.with_columns(
        pl.col(times).str.to_datetime(TIME_FORMAT, time_unit="us"), pl.col(amounts).cast(pl.Int64)
    ).with_columns(pl.selectors.by_name("percent_off", require_all=False).cast(pl.Float64).cast(pl.Int64))


def _latest(table: str) -> pl.DataFrame:
    return clean()[table].sort("updated").unique("id", keep="last", maintain_order=True)


def _as_of(rows: pl.DataFrame, at: str, versions: pl.DataFrame, by: str, key: str = "id") -> pl.DataFrame:
    """Rows with the version of an object that was in force at a moment."""
    found = versions.sort("updated").rename({"updated": "known_at"})
    return rows.sort(at).join_asof(
        found, left_on=at, right_on="known_at", by_left=by, by_right=key, suffix="_of", check_sortedness=False
    )


def test_each_state_has_a_time_of_its_own() -> None:
    for table in ("subscriptions", "subscription_items", "invoices", "charges", "disputes"):
        assert clean()[table].select("id", "updated").is_unique().all(), table
        assert clean()[table]["updated"].max() <= END
    for table in ("customers", "prices", "coupons", "invoice_lines", "refunds"):
        assert clean()[table]["id"].is_unique().all(), table


def test_whole_periods_are_charged_as_the_subscription_stands() -> None:
    lines = clean()["invoice_lines"].filter((pl.col("proration") == "false") & pl.col("price_id").is_not_null())
    lines = _as_of(lines, "period_start", clean()["subscription_items"], "subscription_item_id").drop("known_at")
    lines = _as_of(lines, "period_start", clean()["subscriptions"], "subscription_id")
    prices = clean()["prices"].select(price_id_of="id", unit_amount="unit_amount", interval="recurring_interval")
    coupons = clean()["coupons"].select(coupon_id="id", percent_off="percent_off")
    lines = lines.join(prices, on="price_id_of", how="left").join(coupons, on="coupon_id", how="left")
    assert lines["unit_amount"].null_count() == 0
    assert (lines["price_id"] == lines["price_id_of"]).all()
    assert (lines["quantity"] == lines["quantity_of"]).all()
    assert (lines["amount"] == lines["quantity_of"] * lines["unit_amount"]).all()
    assert (lines["discount_amount"] * 100 == lines["amount"] * lines["percent_off"].fill_null(0)).all()
    assert (lines["period_start"] == lines["current_period_start"]).all()
    assert (lines["period_end"] == lines["current_period_end"]).all()


def test_every_paid_period_is_charged_once() -> None:
    periods = draw_terms(world()).periods
    lines = clean()["invoice_lines"].filter(pl.col("proration") == "false")
    voided = _latest("invoices").filter((pl.col("status") == "void") & (pl.col("billing_reason") == "manual"))
    seats = lines.filter(
        pl.col("subscription_item_id").is_in(stripe_ids("si", periods["subscription"].cast(pl.Int64) * 2).implode())
        & pl.col("price_id").is_not_null()
        & ~pl.col("invoice_id").is_in(voided["id"].implode())
    )
    expected = pl.DataFrame(
        {"subscription_id": stripe_ids("sub", periods["subscription"]), "period_start": periods["period_start"]}
    )
    assert seats.select(expected.columns).sort(expected.columns).equals(expected.sort(expected.columns))


def test_changes_within_a_period_are_charged_for_the_rest_of_it() -> None:
    lines = clean()["invoice_lines"].filter(pl.col("proration") == "true")
    assert len(lines) > 200
    subscriptions = _as_of(lines, "period_start", clean()["subscriptions"], "subscription_id")
    prices = clean()["prices"].select(price_id="id", unit_amount="unit_amount")
    coupons = clean()["coupons"].filter(pl.col("duration") != "once").select(coupon_id="id", percent_off="percent_off")
    rows = subscriptions.join(prices, on="price_id").join(coupons, on="coupon_id", how="left")
    rest, whole = (
        (pl.col("current_period_end") - pl.col(since)).dt.total_seconds()
        for since in ("period_start", "current_period_start")
    )
    exact = pl.col("quantity") * pl.col("unit_amount") * (100 - pl.col("percent_off").fill_null(0)) * rest / whole / 100
    off = rows.select((pl.col("amount").abs() - exact).abs()).to_series()
    assert off.max() <= 0.5
    # What is taken back is the state before, what is charged the state after.
    items = clean()["subscription_items"]
    after = _as_of(lines.filter(pl.col("amount") > 0), "period_start", items, "subscription_item_id")
    assert (after["quantity"] == after["quantity_of"]).all()
    before = lines.filter(pl.col("amount") < 0).with_columns(before=pl.col("period_start") - pl.duration(seconds=1))
    before = _as_of(before, "before", items, "subscription_item_id")
    assert (before["quantity"] == before["quantity_of"]).all()
    assert (before["price_id"] == before["price_id_of"]).all()


def test_invoices_add_up() -> None:
    lines = clean()["invoice_lines"].group_by("invoice_id").agg(pl.col("amount", "discount_amount").sum())
    invoices = clean()["invoices"].join(lines, left_on="id", right_on="invoice_id", how="left", suffix="_lines")
    assert (invoices["subtotal"] == invoices["amount"]).all()
    assert (invoices["discount_amount"] == invoices["discount_amount_lines"]).all()
    assert (invoices["total"] == invoices["subtotal"] - invoices["discount_amount"] + invoices["tax"]).all()
    assert (invoices["amount_due"] >= 0).all()
    countries = clean()["customers"].select(customer_id="id", country="address_country")
    taxed = invoices.join(countries, on="customer_id")
    net = taxed["subtotal"] - taxed["discount_amount"]
    share = pl.Series([19 if country == "DE" else 0 for country in taxed["country"]])
    assert ((taxed["tax"] * 100 - net * share).abs() <= 50).all()
    assert {"draft", "open", "paid", "uncollectible", "void"} >= set(invoices["status"]) >= {"open", "paid", "void"}


def test_what_is_owed_is_what_was_invoiced_less_balances() -> None:
    final = _latest("invoices").filter(pl.col("status") != "void").sort("created", "number")
    for owner, rows in final.group_by("customer_id"):
        balance = 0
        for total, due in rows.select("total", "amount_due").iter_rows():
            assert due == max(0, total - balance), owner
            balance = max(0, balance - total)
    assert (final["total"] < 0).any()


def test_payments_agree_with_invoices() -> None:
    final = _latest("invoices")
    paid = _latest("charges").filter(pl.col("status") == "succeeded").group_by("invoice_id").agg(pl.col("amount").sum())
    both = final.join(paid, left_on="id", right_on="invoice_id", how="left").with_columns(pl.col("amount").fill_null(0))
    assert (both["amount_paid"] == both["amount"]).all()
    assert (
        (final["amount_paid"] == final["amount_due"])
        .eq(final["status"] == "paid")
        .filter(final["amount_due"] > 0)
        .all()
    )
    attempts = _latest("charges").group_by("invoice_id").agg(count=pl.len().cast(pl.Int64))
    tried = final.join(attempts, left_on="id", right_on="invoice_id").filter(pl.col("attempt_count") > 0)
    assert (tried["attempt_count"] == tried["count"]).all()
    refunds = clean()["refunds"].join(_latest("charges"), left_on="charge_id", right_on="id", suffix="_of")
    assert (refunds["amount"] == refunds["amount_refunded"]).all()
    assert (refunds["amount"] <= refunds["amount_of"]).all()
    assert set(clean()["disputes"]["charge_id"]) == set(_latest("charges").filter(pl.col("disputed") == "true")["id"])


def test_a_contract_ends_as_the_truth_says() -> None:
    is_trial = pl.col("trial_end").eq_missing(pl.col("ended_at"))
    ended = _latest("subscriptions").filter((pl.col("status") == "canceled") & ~is_trial)
    true = world().panel.filter("is_churned")
    mine = ended.select("customer_id", "ended_at", is_given_up=pl.col("cancellation_reason") == "payment_failed")
    theirs = pl.DataFrame(
        {
            "customer_id": stripe_ids("cus", true["company"]),
            "ended_at": true["churned_at"],
            "is_given_up": true["churn_cause"] == "payment_failed",
        }
    )
    assert mine.sort(mine.columns).equals(theirs.sort(theirs.columns))
    assert 0 < mine["is_given_up"].sum() < len(mine)


def _mrr_from_exports(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """customer_id, month, mrr_minor at the end of each month, as a reader of the exports computes it."""
    # The first second of a month is of that month.
    ends = pl.DataFrame({"month": world().months, "end": as_times("end", month_bounds(world().months)[1:] - 1)})
    subscriptions = tables["subscriptions"].select("id").unique().join(ends, how="cross")
    states = _as_of(subscriptions, "end", tables["subscriptions"], "id").filter(
        pl.col("status").is_in(["active", "past_due"])
    )
    items = tables["subscription_items"]
    held = items.select(item="id", subscription_id="subscription_id").unique().join(ends, how="cross")
    held = _as_of(held, "end", items.drop("subscription_id"), "item").filter(pl.col("quantity").is_not_null())
    months = pl.when(pl.col("recurring_interval") == "year").then(12).otherwise(1)
    prices = tables["prices"].select(price_id="id", unit_amount="unit_amount", months=months)
    held = held.join(prices, on="price_id").with_columns(
        amount=pl.col("quantity") * pl.col("unit_amount") // pl.col("months")
    )
    held = held.group_by("subscription_id", "month").agg(pl.col("amount").sum())
    coupons = tables["coupons"].filter(pl.col("duration") != "once").select(coupon_id="id", percent_off="percent_off")
    both = states.join(held, left_on=["id", "month"], right_on=["subscription_id", "month"])
    both = both.join(coupons, on="coupon_id", how="left")
    return both.group_by("customer_id", "month").agg(
        mrr_minor=(pl.col("amount") * (100 - pl.col("percent_off").fill_null(0)) // 100).sum()
    )


def test_a_reader_of_the_exports_finds_the_true_recurring_revenue() -> None:
    true = customer_months(world()).filter(pl.col("mrr_minor") > 0)
    theirs = pl.DataFrame(
        {"customer_id": stripe_ids("cus", true["company"]), "month": true["month"], "mrr_minor": true["mrr_minor"]}
    )
    mine = _mrr_from_exports(clean())
    assert len(mine) > 4000
    assert mine.sort("customer_id", "month").equals(theirs.sort("customer_id", "month"))


@cache
def damaged() -> dict[str, pl.DataFrame]:
    """Stripe's tables as they are exported, typed, without the rows that the contract refuses."""
    exports = _damaged_exports()
    broken = exports.truth["damaged"].filter(pl.col("expected") == "quarantined")["record_id"].implode()
    tables = {
        table: pl.concat([frame for _, frame in files], how="diagonal").unique(maintain_order=True)
        for table, files in exports.tables.items()
    }
    return {table: _typed(frame.filter(~pl.col("id").is_in(broken))) for table, frame in tables.items()}


@cache
def _damaged_exports() -> Exports:
    return billing.exports(world(), replace(DEFAULT, duplicates=0.06))


def _companies() -> pl.DataFrame:
    """customer_id and company of every customer that is no test, from the truth."""
    known = _damaged_exports().truth["records"].filter((pl.col("table") == "customers") & ~pl.col("is_test"))
    company = pl.col("entity_id").str.strip_prefix("company-").cast(pl.Int32)
    return known.select("damage", customer_id="record_id", company=company)


def test_who_came_back_as_another_customer_has_revenue_at_both() -> None:
    """Who takes the records apart finds wrong revenue; who knows which company each is finds the true one."""
    mine = _mrr_from_exports(damaged()).join(_companies(), on="customer_id")
    true = customer_months(world()).filter(pl.col("mrr_minor") > 0).select("company", "month", "mrr_minor")
    found = mine.group_by("company", "month").agg(pl.col("mrr_minor").sum())
    assert found.sort("company", "month").equals(true.sort("company", "month"))
    split = mine.group_by("company").agg(pl.col("customer_id").n_unique(), pl.col("damage").is_not_null().any())
    split = split.filter(pl.col("customer_id") > 1)
    assert len(split) >= 5
    assert split["damage"].all()
    assert (_companies()["damage"] == "duplicate").sum() > len(split)


def test_the_money_of_a_second_customer_is_all_its_own() -> None:
    tables = damaged()
    second = _companies().filter(pl.col("damage") == "duplicate")["customer_id"].implode()
    of_subscription = tables["subscriptions"].select(subscription_id="id", owner="customer_id").unique()
    of_invoice = tables["invoices"].select(invoice_id="id", owner="customer_id").unique()
    invoices = tables["invoices"].join(of_subscription, on="subscription_id")
    charges = tables["charges"].join(of_invoice, on="invoice_id")
    for rows in (invoices, charges):
        assert (rows["customer_id"] == rows["owner"]).all()
        assert rows["customer_id"].is_in(second).any()
    began = tables["customers"].select(customer_id="id", known_since="created")
    invoiced = invoices.filter(pl.col("customer_id").is_in(second)).join(began, on="customer_id")
    assert (invoiced["created"] > invoiced["known_since"]).all()
    # None uses a balance that the other customer has.
    owed = invoices.filter(pl.col("customer_id").is_in(second) & (pl.col("status") != "void"))
    assert (owed["amount_due"] == owed["total"]).all()


def test_movements_lead_from_opening_to_closing() -> None:
    months, movements = customer_months(world()), mrr_movements(world())
    assert (movements["amount_minor"] == movements["mrr_after"] - movements["mrr_before"]).all()
    moved = movements.group_by("company", "month").agg(pl.col("amount_minor").sum())
    both = months.join(moved, on=["company", "month"], how="full", coalesce=True).with_columns(
        pl.col("amount_minor").fill_null(0)
    )
    assert both["mrr_minor"].null_count() == 0
    assert (both["mrr_minor"] - both["mrr_opening_minor"] == both["amount_minor"]).all()
    assert set(movements["movement"]) == {"new", "expansion", "contraction", "churn", "reactivation"}
    signs = movements.with_columns(is_up=pl.col("amount_minor") > 0).group_by("movement").agg(pl.col("is_up").unique())
    assert dict(signs.iter_rows()) == {
        "new": [True], "expansion": [True], "reactivation": [True], "contraction": [False], "churn": [False],
    }  # fmt: skip
    assert (movements.filter(pl.col("movement") == "churn")["mrr_after"] == 0).all()
    assert movements.group_by("company").agg((pl.col("movement") == "new").sum())["movement"].eq(1).all()


def test_trials_pauses_and_failures_change_no_revenue() -> None:
    months = customer_months(world())
    assert months["is_paused"].sum() > 0
    paused = clean()["subscriptions"].filter(pl.col("pause_behavior") == "void")["customer_id"].unique()
    assert set(paused) == set(stripe_ids("cus", months.filter("is_paused")["company"]))
    statuses = clean()["subscriptions"].group_by("id").agg(pl.col("status").unique())
    never_paid = statuses.filter(~pl.col("status").list.contains("active"))
    assert len(never_paid) > 0
    assert set(clean()["subscriptions"]["status"]) == {"trialing", "active", "past_due", "canceled"}


def test_everything_that_a_billing_system_has_is_there() -> None:
    tables = clean()
    assert set(tables["customers"]["currency"]) == {"eur", "usd", "gbp"}
    assert set(tables["prices"]["recurring_interval"]) == {"month", "year"}
    used = tables["subscription_items"].join(tables["prices"], left_on="price_id", right_on="id")
    assert set(used["active"]) == {"true", "false"}
    assert set(tables["subscriptions"]["coupon_id"].drop_nulls()) == set(tables["coupons"]["id"])
    assert set(tables["subscriptions"]["collection_method"]) == {"charge_automatically", "send_invoice"}
    assert set(tables["invoices"]["billing_reason"]) == {
        "subscription_create", "subscription_cycle", "subscription_update", "manual",
    }  # fmt: skip
    linked = tables["customers"]["metadata"].is_not_null().mean()
    assert 0.8 < linked < 0.9


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[dict[str, Loaded]]:
    found = {
        name: relations.load(tmp_path_factory.mktemp(name), STRIPE, damage, contracts)
        for name, damage in (("clean", NONE), ("damaged", DEFAULT))
    }
    yield found
    for each in found.values():
        each.con.close()


def test_the_exports_fulfil_their_contracts(loaded: dict[str, Loaded], contracts: Contracts) -> None:
    relations.check_shapes(STRIPE, contracts)
    relations.check_clean(loaded["clean"], contracts)


def test_the_truth_lists_all_damage_and_nothing_else(loaded: dict[str, Loaded]) -> None:
    relations.check_list(loaded["damaged"], loaded["clean"])
    relations.check_records(loaded["damaged"])


def test_the_loader_does_with_damage_what_the_truth_expects(loaded: dict[str, Loaded]) -> None:
    found = loaded["damaged"]
    assert not found.report.refusals
    for table in found.exports.tables:
        loads = [each for each in found.report.loads if each.table_name == table]
        refused = found.con.execute(f"select reason from quarantine.stripe__{table}").pl()["reason"]
        planted = found.listed(table, "quarantined")["reason"]
        assert len(refused) == len(planted)
        assert all(any(reason in text for text in refused) for reason in planted)
        assert sum(each.deleted_count for each in loads) == len(found.listed(table, "deleted"))
        assert (len(found.listed(table, "deleted")) > 0) == (table == "customers")
        for each in loads:
            assert each.received_count == each.loaded_count + each.quarantined_count + each.superseded_count
        if table != "customers":
            assert sum(each.superseded_count for each in loads) == len(found.listed(table, "superseded"))


def test_a_breaking_change_takes_a_column_and_a_type() -> None:
    tables = billing.exports(world(), BREAKING).tables
    (_, invoices), (_, charges) = tables["invoices"][-1], tables["charges"][-1]
    assert "currency" not in invoices.columns
    assert "currency" in tables["invoices"][0][1].columns
    assert charges["created"].str.contains("o'clock").any()


def test_a_test_customer_has_a_subscription_that_looks_like_any() -> None:
    exports = billing.exports(world(), DEFAULT)
    tests = exports.truth["records"].filter("is_test")["record_id"]
    subscriptions = pl.concat([frame for _, frame in exports.tables["subscriptions"]])
    assert set(subscriptions.filter(pl.col("customer_id").is_in(tests.implode()))["status"]) == {"active"}


def test_invoices_are_made_on_every_day_of_the_month() -> None:
    """Days that stand out in every month would be told as missing."""
    large = build_world(customers=2000, months=24, rng=3)
    steady = draw_terms(large).periods.filter(pl.col("period_start") >= END.replace(year=END.year - 1))
    days = steady.group_by(pl.col("period_start").dt.date()).len()["len"]
    assert len(days) == 365
    assert days.min() > days.median() / 4


def test_a_payment_is_given_up_before_the_next_is_due() -> None:
    periods = draw_terms(world()).periods.filter(pl.col("outcome") == "lost")
    ends = periods.join(draw_terms(world()).subscriptions, on="subscription").select("period_start", "ended_at")
    in_first_half = pl.col("period_start").dt.day() <= 14
    is_same_month = pl.col("period_start").dt.month() == pl.col("ended_at").dt.month()
    assert ends.select((in_first_half == is_same_month).all()).item()
    assert 0 < ends.select(in_first_half.sum()).item() < len(ends)
