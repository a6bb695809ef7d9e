"""What two systems say differently of one company, planted on purpose, each in a company of its own.

The CRM is told what to say; of billing, support and usage companies are picked that already are as they are.
"""

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from ingestion.demo.clock import END
from ingestion.demo.crm import MERGED, OWNER_COUNT, SYSTEMS, book, in_both
from ingestion.demo.damage import CONTRADICTIONS, Damage
from ingestion.demo.ids import delighted_ids, hubspot_ids, salesforce_ids, stripe_ids, user_ids, zendesk_ids
from ingestion.demo.pricing import PLANS
from ingestion.demo.usage import idle_people
from ingestion.demo.world import World

# A planted answer's number among the survey's invitations.
PLANTED = MERGED
LONG_ENOUGH = timedelta(days=60)
RENEWAL_SHIFT = timedelta(days=45)
FEW_TICKETS, SLOW_SHARE = 3, 0.3
PROMOTER, TWO_OWNERS = "promoter_without_logins", "two_owners"
PLANTED_COLUMNS = {**CONTRADICTIONS, "says": pl.String, "person": pl.Int32}


def planted(world: World, damage: Damage) -> pl.DataFrame:
    """One row per contradiction: the truth's columns, `says` (the CRM's wrong value) and `person` (the promoter).

    The kinds take turns until there are enough, or no company is left that fits.
    """
    if not damage.contradictions:
        return pl.DataFrame(schema=PLANTED_COLUMNS)
    chance = world.seeds.generator("damage.contradictions")
    facts = _facts(world, damage)
    shuffled = facts[chance.permutation(len(facts)).tolist()]
    single = shuffled.filter(~pl.col("is_in_both"))
    waiting = {kind: find(single, world) for kind, find in _KINDS.items()}
    waiting[PROMOTER] = _promoters_gone_quiet(single, world, damage)
    waiting[TWO_OWNERS] = _two_owners(shuffled)
    taken: set[int] = set()
    rows: list[dict[str, object]] = []
    while len(rows) < damage.contradictions and any(len(found) for found in waiting.values()):
        for kind, found in waiting.items():
            found = found.filter(~pl.col("company").is_in(list(taken)))
            waiting[kind] = found[1:]
            if len(found) and len(rows) < damage.contradictions:
                row = found.row(0, named=True)
                taken.add(row["company"])
                rows.append({"name": f"{kind} {row['company']}", "kind": kind, **row})
    return pl.DataFrame(rows, schema=PLANTED_COLUMNS)


def of_source(contradictions: pl.DataFrame, source: str) -> pl.DataFrame:
    """The truth's rows whose first record is in `source`."""
    return contradictions.filter(pl.col("source_a") == source).select(*CONTRADICTIONS)


def says(contradictions: pl.DataFrame, kind: str, company: pl.Series) -> pl.Series:
    """What the CRM says wrongly of each company in the matter, null where it doesn't."""
    told = contradictions.filter(pl.col("kind") == kind)
    return company.replace_strict(told["company"], told["says"], default=None, return_dtype=pl.String)


def _facts(world: World, damage: Damage) -> pl.DataFrame:
    """One row per company: what its latest months were like, and its ids."""
    frame = book(world)
    months = world.months[-4:]
    latest = world.panel.filter(pl.col("month").is_in(months)).group_by("company", maintain_order=True).agg(
        recent_tickets=pl.col("ticket_count").sum(),
        recent_slow=(pl.col("slow_reply_share") * pl.col("ticket_count")).sum() / pl.col("ticket_count").sum(),
        recent_users=pl.col("active_users").tail(2).sum(),
        earlier_users=pl.col("active_users").head(2).sum(),
    )  # fmt: skip
    company = frame["company"]
    own = (
        pl.when(pl.col("unit") == "core")
        .then(hubspot_ids("companies", company))
        .otherwise(salesforce_ids("001", company))
    )
    return frame.join(latest, on="company", how="left", maintain_order="left").with_columns(
        is_old=pl.col("signed_at") < END - LONG_ENOUGH,
        is_in_both=pl.Series(in_both(world, damage)),
        source_a=pl.col("unit").replace_strict(SYSTEMS, return_dtype=pl.String),
        record_a=own,
        hubspot_id=hubspot_ids("companies", company),
        salesforce_id=salesforce_ids("001", company),
        customer_id=stripe_ids("cus", company),
        organization_id=zendesk_ids("organizations", company),
    )


def _against_billing(found: pl.DataFrame, says: pl.Expr) -> pl.DataFrame:
    return found.select("company", "source_a", "record_a", source_b=pl.lit("stripe"), record_b="customer_id", says=says)


def _active_though_ended(facts: pl.DataFrame, world: World) -> pl.DataFrame:
    return _against_billing(facts.filter(pl.col("churned_at") < END - LONG_ENOUGH), pl.lit("active"))


def _former_though_paying(facts: pl.DataFrame, world: World) -> pl.DataFrame:
    return _against_billing(facts.filter(pl.col("is_active") & pl.col("is_old")), pl.lit("former"))


def _green_though_red(facts: pl.DataFrame, world: World) -> pl.DataFrame:
    is_bad = (pl.col("recent_tickets") >= FEW_TICKETS) & (pl.col("recent_slow") >= SLOW_SHARE)
    found = facts.filter(pl.col("is_active") & is_bad & (pl.col("sentiment") != "green"))
    return found.sort("satisfaction", maintain_order=True).select(
        "company", "source_a", "record_a", source_b=pl.lit("zendesk"), record_b="organization_id", says=pl.lit("green")
    )


def _promoters_gone_quiet(facts: pl.DataFrame, world: World, damage: Damage) -> pl.DataFrame:
    """Users who for two months haven't been in the product: first at companies of which nobody was, then at others."""
    is_quiet = (pl.col("recent_users") == 0) & (pl.col("earlier_users") > 0)
    facts = facts.filter(pl.col("is_active") & pl.col("is_old"))
    users = world.people.filter(
        pl.col("is_product_user") & pl.col("left_at").is_null() & (pl.col("joined_at") < END - LONG_ENOUGH)
    )
    idle = users.filter(pl.col("person").is_in(idle_people(world, damage).implode()))
    found = pl.concat(
        part.join(
            who.group_by("company", maintain_order=True).agg(pl.col("person").first()),
            on="company",
            how="inner",
            maintain_order="left",
        )
        for part, who in ((facts.filter(is_quiet), users), (facts.filter(~is_quiet), idle))
    )
    return found.select(
        "company",
        "person",
        source_a=pl.lit("delighted"),
        record_a=delighted_ids("survey_responses", found["company"].cast(pl.Int64) + PLANTED),
        source_b=pl.lit("segment"),
        record_b=user_ids(found["person"]),
    )


def _renewal_at_another_date(facts: pl.DataFrame, world: World) -> pl.DataFrame:
    later = (pl.col("renewal_date") + RENEWAL_SHIFT).cast(pl.String)
    return _against_billing(facts.filter(pl.col("renewal_date").is_not_null()), later)


def _another_plan(facts: pl.DataFrame, world: World) -> pl.DataFrame:
    other = dict(zip(PLANS, [*PLANS[1:], PLANS[0]], strict=True))
    found = facts.filter(pl.col("is_active") & (pl.col("source_a") == "hubspot"))
    return _against_billing(found, pl.col("plan").replace_strict(other, return_dtype=pl.String))


def _two_owners(facts: pl.DataFrame) -> pl.DataFrame:
    """The other unit's CRM has another owner; `says` is that owner's number."""
    other = ((pl.col("owner") + 1) % OWNER_COUNT).cast(pl.String)
    return facts.filter(pl.col("is_in_both") & pl.col("is_active")).select(
        "company", source_a=pl.lit("hubspot"), record_a="hubspot_id", source_b=pl.lit("salesforce"),
        record_b="salesforce_id", says=other,
    )  # fmt: skip


_KINDS: dict[str, Callable[[pl.DataFrame, World], pl.DataFrame]] = {
    "crm_active_billing_ended": _active_though_ended,
    "crm_former_billing_active": _former_though_paying,
    "green_while_support_red": _green_though_red,
    "renewal_date_differs": _renewal_at_another_date,
    "plan_differs": _another_plan,
}
KINDS = (*_KINDS, PROMOTER, TWO_OWNERS)
