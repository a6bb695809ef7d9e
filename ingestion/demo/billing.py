"""Stripe's exports, for both units: customers, prices, subscriptions in all their states, invoices, and payments."""

import polars as pl

from ingestion.demo.billing_damage import damaged
from ingestion.demo.crm import noted_ids
from ingestion.demo.damage import NONE, Damage, Draft, Shape
from ingestion.demo.ids import stripe_ids
from ingestion.demo.invoicing import extra_lines, invoice_lines, priced_states
from ingestion.demo.payments import Payments, numbered, payments
from ingestion.demo.pricing import COUPONS, PLANS, price_book
from ingestion.demo.subscriptions import (
    item_versions,
    lapsed_items,
    lapsed_versions,
    subscription_versions,
)
from ingestion.demo.terms import Terms, draw_terms
from ingestion.demo.world import World
from ingestion.demo.write import Exports

VERSIONED = Shape(version="updated", dated_by="created")
SHAPES = {
    "customers": Shape(version="updated", dated_by="created", is_full=True),
    "prices": Shape(version="updated", dated_by="created", is_full=True),
    "coupons": Shape(dated_by="created", is_full=True),
    "subscriptions": VERSIONED,
    "subscription_items": VERSIONED,
    "invoices": VERSIONED,
    "invoice_lines": Shape(dated_by="period_start"),
    "charges": VERSIONED,
    "refunds": Shape(dated_by="created"),
    "disputes": VERSIONED,
}
# Share of customers whose record says which company of the CRM it is.
LINKED_SHARE = 0.85


def exports(world: World, damage: Damage) -> Exports:
    """All of Stripe's tables; truth: `records` and `damaged`."""
    terms = draw_terms(world)
    states = priced_states(world)
    lines = invoice_lines(terms, states)
    lines = numbered(pl.concat([lines, extra_lines(world, terms, lines)], how="diagonal_relaxed"))
    paid = payments(world, terms, lines)
    tables = {
        "customers": _customers(world, terms, paid),
        "prices": _prices(world),
        "coupons": _coupons(world),
        "subscriptions": pl.concat([subscription_versions(world, terms), lapsed_versions(terms)]),
        "subscription_items": pl.concat([item_versions(terms, states), lapsed_items(terms, states)]),
        "invoices": _invoices(paid.invoices),
        "invoice_lines": _invoice_lines(world, lines),
        "charges": _charges(paid.charges),
        "refunds": _refunds(paid.refunds),
        "disputes": _disputes(paid.disputes),
    }
    draft = Draft("stripe", world.seeds, damage, SHAPES, tables)
    return damaged(draft, world)


def paused_months(world: World) -> pl.DataFrame:
    """company and month of each period that a contract rested in."""
    periods = draw_terms(world).periods.filter(pl.col("outcome") == "paused")
    return periods.select("company", month=pl.col("period_start").dt.truncate("1mo").dt.date())


def _customers(world: World, terms: Terms, paid: Payments) -> pl.DataFrame:
    chance = world.seeds.generator("stripe.customers")
    companies, count = world.companies, len(world.companies)
    payer = world.people.filter(pl.col("role") == "billing").sort("company")
    began = pl.concat([frame.select("company", "created_at") for frame in (terms.subscriptions, terms.lapsed)])
    begins = began.group_by("company").agg(pl.col("created_at").min()).sort("company")
    last = world.states.group_by("company").agg(pl.col("at").max()).sort("company")
    failing = paid.invoices.filter(pl.col("outcome") == "failing")["company"].unique().to_list()
    is_linked = pl.Series(chance.random(count) < LINKED_SHARE)
    return companies.select(
        id=stripe_ids("cus", companies["company"]),
        name="name",
        email=payer["email"],
        phone="phone",
        address_line1="street",
        address_city="city",
        address_postal_code="postal_code",
        address_country="country",
        currency=pl.col("currency").str.to_lowercase(),
        tax_id="vat_id",
        delinquent=pl.col("company").is_in(failing),
        metadata=pl.when(is_linked).then(pl.lit('{"crm_id": "') + noted_ids(world, NONE) + pl.lit('"}')),
        created=begins["created_at"] - pl.duration(minutes=10),
        updated=last["at"],
    )


def _prices(world: World) -> pl.DataFrame:
    """Old prices are no longer offered since the new ones came, a month before these took effect."""
    book = price_book()
    history = world.history
    raised = pl.lit(history.months[history.price_rise]).cast(pl.Datetime("us")) - pl.duration(days=30)
    begins = pl.lit(world.start) - pl.duration(days=200)
    is_old = (pl.col("version") == 0) & pl.col("plan").is_in(PLANS)
    is_new = pl.col("version") == 1
    return book.select(
        id=stripe_ids("price", book["price"]),
        product_id=pl.format("prod_{}", "plan"),
        nickname=pl.col("plan"),
        currency=pl.col("currency").str.to_lowercase(),
        unit_amount="unit_amount",
        recurring_interval=pl.when("is_yearly").then(pl.lit("year")).otherwise(pl.lit("month")),
        recurring_interval_count=pl.lit(1),
        recurring_usage_type=pl.lit("licensed"),
        active=~is_old,
        created=pl.when(is_new).then(raised).otherwise(begins),
        updated=pl.when(is_new | is_old).then(raised).otherwise(begins),
    )


def _coupons(world: World) -> pl.DataFrame:
    durations = {None: "forever", 0: "once"}
    rows = [
        (coupon.name, float(coupon.percent_off), durations.get(coupon.months, "repeating"), coupon.months or None)
        for coupon in COUPONS
    ]
    schema = {"id": pl.String, "percent_off": pl.Float64, "duration": pl.String, "duration_in_months": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        name="id",
        amount_off=pl.lit(None, pl.Int64),
        currency=pl.lit(None, pl.String),
        created=pl.lit(world.start) - pl.duration(days=200),
    )


def _invoices(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        id=stripe_ids("in", frame["invoice"]),
        customer_id=stripe_ids("cus", frame["company"]),
        subscription_id=stripe_ids("sub", frame["subscription"]),
        number="number",
        status="status",
        billing_reason="reason",
        currency=pl.col("currency").str.to_lowercase(),
        subtotal="subtotal",
        discount_amount="discount_amount",
        tax="tax",
        total="total",
        amount_due="amount_due",
        amount_paid="amount_paid",
        attempt_count="attempt_count",
        period_start="period_start",
        period_end="period_end",
        due_date="due_date",
        finalized_at="finalized_at",
        paid_at="paid_at",
        voided_at="voided_at",
        marked_uncollectible_at="marked_uncollectible_at",
        created="created_at",
        updated="updated",
    )


def _invoice_lines(world: World, lines: pl.DataFrame) -> pl.DataFrame:
    names = price_book().select("price", plan="plan")
    frame = lines.join(names, on="price", how="left", maintain_order="left")
    frame = frame.join(world.companies.select("company", "currency"), on="company", how="left", maintain_order="left")
    item = frame["subscription"].cast(pl.Int64) * 2 + frame["item"].fill_null(0)
    is_back = pl.col("proration") & (pl.col("amount") < 0)
    return frame.select(
        id=stripe_ids("il", frame["line"]),
        invoice_id=stripe_ids("in", frame["invoice"]),
        subscription_id=stripe_ids("sub", frame["subscription"]),
        subscription_item_id=stripe_ids("si", item),
        price_id=stripe_ids("price", frame["price"]),
        description=pl.when(pl.col("kind") == "workshop").then(pl.lit("Onboarding workshop"))
        .when(pl.col("kind") == "trial").then(pl.lit("Trial period"))
        .when(is_back).then(pl.format("Unused time on {} x {}", "quantity", "plan"))
        .when("proration").then(pl.format("Remaining time on {} x {}", "quantity", "plan"))
        .otherwise(pl.format("{} x {}", "quantity", "plan")),
        quantity="quantity",
        amount="amount",
        discount_amount="discount",
        currency=pl.col("currency").str.to_lowercase(),
        proration="proration",
        period_start="period_start",
        period_end="period_end",
    )  # fmt: skip


def _charges(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        id=stripe_ids("ch", frame["charge"]),
        customer_id=stripe_ids("cus", frame["company"]),
        invoice_id=stripe_ids("in", frame["invoice"]),
        amount="amount",
        amount_refunded="amount_refunded",
        currency=pl.col("currency").str.to_lowercase(),
        status=pl.when("is_paid").then(pl.lit("succeeded")).otherwise(pl.lit("failed")),
        failure_code="failure_code",
        disputed="disputed",
        created="created",
        updated="updated",
    )


def _refunds(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        id=stripe_ids("re", frame["refund"]),
        charge_id=stripe_ids("ch", frame["charge"]),
        amount="refunded",
        currency=pl.col("currency").str.to_lowercase(),
        reason="reason",
        status=pl.lit("succeeded"),
        created="refunded_at",
    )


def _disputes(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        id=stripe_ids("dp", frame["dispute"]),
        charge_id=stripe_ids("ch", frame["charge"]),
        amount="amount",
        currency=pl.col("currency").str.to_lowercase(),
        reason="reason",
        status="status",
        created="disputed_at",
        updated="updated",
    )
