"""What is true of the demo company, apart from what its systems export: to judge results by, not to make them."""

from collections.abc import Iterable

import polars as pl

from ingestion.demo.billing import paused_months
from ingestion.demo.outcomes import potential_outcomes
from ingestion.demo.story import PLAYBOOK_EFFECTS
from ingestion.demo.world import World
from ingestion.demo.write import Exports

LISTS = {
    "person": ("contacts", "users", "profiles", "survey_requests", "events.user_id"),
    "customer": ("companies", "accounts", "organizations", "customers", "events.group_id"),
}
IDENTITY_DAMAGE = (
    "address_variant", "country_variant", "cross_system", "duplicate", "email_variant", "legal_suffix", "merged",
    "name_variant", "null_like", "of_duplicate", "old_crm_id", "parents_email", "phone_variant", "shared_mailbox",
    "shared_phone", "test_account",
)  # fmt: skip
"""What makes it hard to tell whom a record stands for."""


def world_truth(world: World) -> dict[str, pl.DataFrame]:
    """companies, people, customer_months, mrr_movements, potential_outcomes, coefficients."""
    traits = world.history.traits
    return {
        "companies": world.companies.with_columns(
            fit=pl.Series(traits.fit), onboarding=pl.Series(traits.onboarding), people=pl.Series(traits.people)
        ),
        "people": world.people,
        "customer_months": customer_months(world),
        "mrr_movements": mrr_movements(world),
        "potential_outcomes": potential_outcomes(world.history, world.story),
        "coefficients": _coefficients(world),
    }


def customer_months(world: World) -> pl.DataFrame:
    """The panel with currency, mrr_opening_minor, and is_paused: nothing was charged in that month, MRR goes on."""
    opening = world.panel.select("company", pl.col("month").dt.offset_by("1mo"), mrr_opening_minor="mrr_minor")
    paused = paused_months(world).with_columns(is_paused=pl.lit(True))
    frame = world.panel.join(opening, on=["company", "month"], how="left", maintain_order="left")
    frame = frame.join(paused, on=["company", "month"], how="left", maintain_order="left")
    frame = frame.join(world.companies.select("company", "currency"), on="company", how="left", maintain_order="left")
    return frame.with_columns(pl.col("mrr_opening_minor").fill_null(0), pl.col("is_paused").fill_null(False))


def mrr_movements(world: World) -> pl.DataFrame:
    """One row per change of a customer's recurring revenue: company, at, month, movement, reason, amount_minor (with
    its sign), mrr_before, mrr_after, currency.

    Recurring revenue is what the contract comes to per month, after coupons that last; a year paid in advance counts
    a twelfth, a trial nothing, and a pause or a failed payment change nothing until the contract ends.
    """
    states = world.states
    change = states.filter(pl.col("mrr_minor") != pl.col("mrr_before"))
    amount = pl.col("mrr_minor") - pl.col("mrr_before")
    movement = (
        pl.when(pl.col("reason").str.contains("new")).then(pl.lit("new"))
        .when(pl.col("reason").str.contains("reactivation")).then(pl.lit("reactivation"))
        .when(pl.col("reason").str.contains("churn")).then(pl.lit("churn"))
        .when(amount > 0).then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )  # fmt: skip
    currencies = world.companies.select("company", code="currency")
    return (
        change.join(currencies, on="company", how="left", maintain_order="left")
        .select(
            "company",
            "at",
            month=pl.col("at").dt.truncate("1mo").dt.date(),
            movement=movement,
            reason="reason",
            amount_minor=amount,
            mrr_before="mrr_before",
            mrr_after="mrr_minor",
            currency="code",
        )
        .sort("company", "at")
    )


def gathered(exports: Iterable[Exports]) -> dict[str, pl.DataFrame]:
    """The truth that the systems' exports bring, files of one name put together."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for export in exports:
        for name, frame in export.truth.items():
            parts.setdefault(name, []).append(frame)
    return {name: pl.concat(frames) for name, frames in parts.items()}


def identity_labels(records: pl.DataFrame, damaged: pl.DataFrame) -> pl.DataFrame:
    """One row per record of a list, as the canonical table identity_labels has them: list_kind, source, record_id,
    entity_label and label_group, all kinds of damage to the record that make it hard to tell whom it stands for.
    """
    list_kind = pl.col("table").replace_strict(
        {table: kind for kind, tables in LISTS.items() for table in tables}, default=None, return_dtype=pl.String
    )
    record = ("source", "table", "record_id")
    kinds = pl.concat(
        [damaged.filter(pl.col("expected") == "kept").select(*record, "damage"), records.select(*record, "damage")]
    ).filter(pl.col("damage").is_in(IDENTITY_DAMAGE))
    groups = kinds.group_by(*record).agg(label_group=pl.col("damage").unique().sort().str.join(";"))
    return (
        records.with_columns(list_kind=list_kind)
        .drop_nulls("list_kind")
        .join(groups, on=record, how="left")
        .select("list_kind", "source", "record_id", entity_label="entity_id", label_group="label_group")
        .unique()
        .sort("list_kind", "source", "record_id", "entity_label")
    )


def _coefficients(world: World) -> pl.DataFrame:
    """One row per coefficient of the story that was told: hazard, coefficient, value."""
    story = world.story
    sets = {
        "churn": story.churn,
        "expansion": story.expansion,
        "contraction": story.contraction,
        "reorder": story.reorder,
        **{playbook: story.playbook_effect(playbook) for playbook in PLAYBOOK_EFFECTS},
    }
    rows = [(hazard, name, float(value)) for hazard, by in sets.items() for name, value in vars(by).items()]
    return pl.DataFrame(rows, schema=["hazard", "coefficient", "value"], orient="row")
