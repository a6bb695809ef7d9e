"""What the vendor's teams know and do, whichever CRM it is written down in: companies, deals, meetings, and themselves.

The core unit writes into HubSpot (`hubspot.py`), the acquired one into Salesforce (`salesforce.py`) and files
(`success.py`).
"""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, Bools, Integers, Seeds, as_times, to_seconds
from ingestion.demo.damage import FIRST_EXPORT, Damage
from ingestion.demo.ids import hubspot_ids, salesforce_ids
from ingestion.demo.names import folded, person_names
from ingestion.demo.story import TIERS
from ingestion.demo.world import World

VENDOR_DOMAIN = "lumenta.example"
OWNER_COUNT = 25
SYSTEMS = {"core": "hubspot", "acquired": "salesforce"}
# A second record, a record that was merged away, a test account: each counts its ids from here on.
DUPLICATE, MERGED, TEST = 1_000_000_000, 2_000_000_000, 3_000_000_000
# Share of the plain users whom somebody put into the CRM; people with a role always are.
USERS_IN_CRM = 0.55
GREEN_FROM, YELLOW_FROM = 0.6, 0.42
RENEWAL_DEAL_DAYS = 110
# Chance per tier of a quarterly review in its month, of a value review in its; calls, meetings and mails per month.
QBR_SHARES, VALUE_REVIEW_SHARES = np.array([0.05, 0.45, 0.8]), np.array([0.2, 0.5, 0.8])
CHECK_INS, MAILS = np.array([0.2, 0.4, 0.9]), np.array([0.35, 0.6, 1.2])
PLANNED_SHARE = 0.3
LAST = to_seconds(END)


def staff(seeds: Seeds) -> pl.DataFrame:
    """One row per customer success manager: owner 0 to 24, first, last, email, team, joined_at."""
    chance = seeds.generator("crm.staff")
    first, last = person_names(chance, chance.choice(np.array(["DE", "GB", "NL", "FR"], object), OWNER_COUNT))
    joined = LAST - chance.integers(1000, 2500, OWNER_COUNT) * DAY
    frame = pl.DataFrame(
        {
            "owner": pl.Series(np.arange(OWNER_COUNT), dtype=pl.Int32),
            "first": pl.Series(first, dtype=pl.String),
            "last": pl.Series(last, dtype=pl.String),
            "team": np.resize(["Onboarding", "Customer Success", "Enterprise"], OWNER_COUNT),
            "joined_at": as_times("joined_at", joined),
        }
    )
    local = folded("first") + "." + folded("last").str.replace_all(r"[^a-z]+", "")
    number = pl.int_range(pl.len()).over("local")
    email = (
        pl.col("local") + pl.when(number > 0).then(number.cast(pl.String)).otherwise(pl.lit("")) + "@" + VENDOR_DOMAIN
    )
    return frame.with_columns(local=local).with_columns(email=email).drop("local")


def merged(world: World, damage: Damage) -> Bools:
    """Which companies had a second record that was merged into theirs."""
    return world.seeds.generator("damage.crm.merged").random(len(world.companies)) < damage.merged


def in_both(world: World, damage: Damage) -> Bools:
    """Which companies are in the other unit's CRM too."""
    return world.seeds.generator("damage.crm.in_both").random(len(world.companies)) < damage.cross_system


def noted_ids(world: World, damage: Damage) -> pl.Series:
    """The CRM id of each company as other systems noted it: of a merged company that of the record that is gone."""
    index = pl.Series(world.companies["company"].to_numpy() + MERGED * merged(world, damage))
    is_core = world.companies["unit"] == "core"
    ids = pl.when(is_core).then(hubspot_ids("companies", index)).otherwise(salesforce_ids("001", index))
    return pl.select(ids).to_series()


def in_crm(world: World) -> Bools:
    """Which people are contacts."""
    draw = world.seeds.generator("crm.contacts").random(len(world.people))
    return np.asarray((world.people["role"] != "user").to_numpy() | (draw < USERS_IN_CRM))


def book(world: World) -> pl.DataFrame:
    """`companies` with what the team says: is_active, sentiment, renewal_date, created_at, modified_at, system."""
    chance = world.seeds.generator("crm.companies")
    companies = world.companies
    latest = world.panel.group_by("company", maintain_order=True).agg(pl.col("satisfaction", "is_yearly").last())
    frame = companies.join(latest, on="company", how="left", maintain_order="left")
    signed, churned = seconds(companies["signed_at"]), seconds(companies["churned_at"])
    is_active = companies["churned_at"].is_null().to_numpy()
    created = signed - chance.integers(15 * DAY, 80 * DAY, len(companies))
    touched = np.maximum(signed, LAST - chance.integers(HOUR, 90 * DAY, len(companies)))
    closed = churned + chance.integers(HOUR, 5 * DAY, len(companies))
    modified = np.minimum(np.where(is_active, touched, closed), LAST)
    satisfaction = pl.col("satisfaction")
    return frame.with_columns(
        is_active=pl.Series(is_active),
        sentiment=pl.when(satisfaction >= GREEN_FROM)
        .then(pl.lit("green"))
        .when(satisfaction >= YELLOW_FROM)
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("red")),
        renewal_date=pl.when(pl.Series(is_active) & pl.col("is_yearly")).then(next_anniversary(companies["signed_at"])),
        created_at=as_times("created_at", created),
        modified_at=as_times("modified_at", np.maximum(modified, created)),
        system=pl.col("unit").replace_strict(SYSTEMS, return_dtype=pl.String),
    )


def left_lately(companies: pl.DataFrame) -> pl.DataFrame:
    """Those of a book whose leaving the team noted after the first of two exports."""
    return companies.filter(~pl.col("is_active") & (pl.col("modified_at") >= FIRST_EXPORT))


def next_anniversary(times: pl.Series) -> pl.Series:
    """The first anniversary of each moment that lies after END, as a date."""
    years = END.year - times.dt.year()
    this_year = pl.select(pl.lit(times).dt.offset_by(pl.format("{}y", pl.lit(years)))).to_series()
    next_year = this_year.dt.offset_by("1y")
    return pl.select(pl.when(this_year > END).then(this_year).otherwise(next_year).dt.date()).to_series()


def deals(world: World) -> pl.DataFrame:
    """One row per deal, in the order of their creation.

    deal, company, kind (new, expansion, renewal), outcome (won, lost, open), amount_minor (a year's revenue), currency,
    owner, created_at, closes_at, modified_at.
    """
    chance = world.seeds.generator("crm.deals")
    states = world.states.with_columns(gain=(pl.col("mrr_minor") - pl.col("mrr_before")) * 12)
    reason, gain = pl.col("reason"), pl.col("gain")
    won = states.filter((gain > 0) & reason.str.contains("new|reactivation|seats|plan|addon"))
    is_new = reason.str.contains("new|reactivation")
    frame = pl.concat(
        [
            won.select(
                "company",
                kind=pl.when(is_new).then(pl.lit("new")).otherwise(pl.lit("expansion")),
                outcome=pl.lit("won"),
                amount_minor="gain",
                closes_at="at",
            ),
            _renewals(world),
        ]
    ).join(world.companies.select("company", "currency", "owner"), on="company", how="left", maintain_order="left")
    closes = seconds(frame["closes_at"])
    lead = np.where(frame["kind"] == "renewal", RENEWAL_DEAL_DAYS, chance.integers(10, 75, len(frame))) * DAY
    created = closes - lead
    is_open = (frame["outcome"] == "open").to_numpy()
    worked_on = LAST - chance.integers(HOUR, 10 * DAY, len(frame))
    modified = np.where(is_open, worked_on, closes + chance.integers(0, 20 * HOUR, len(frame)))
    return (
        frame.with_columns(
            created_at=as_times("created_at", created),
            modified_at=as_times("modified_at", np.maximum(np.minimum(modified, LAST), created)),
        )
        .filter(pl.col("created_at") <= END)
        .sort("created_at", "company", "kind")
        .with_row_index("deal")
        .cast({"deal": pl.Int64})
    )


def _renewals(world: World) -> pl.DataFrame:
    """A deal for each anniversary of a yearly contract: lost where the customer left with it, open where it comes."""
    contracts = world.states.group_by("subscription", "company", maintain_order=True).agg(
        started_at=pl.col("at").first(),
        ended_at=pl.col("at").filter(pl.col("reason").str.contains("churn")).first(),
        is_yearly=pl.col("is_yearly").first(),
        amount_minor=pl.col("mrr_minor").filter(pl.col("mrr_minor") > 0).last() * 12,
    )
    years = pl.DataFrame({"year": range(1, END.year - world.start.year + 2)}, schema={"year": pl.Int64})
    rows = contracts.filter("is_yearly").join(years, how="cross")
    rows = rows.with_columns(closes_at=pl.col("started_at").dt.offset_by(pl.format("{}y", "year")))
    left, closes, margin = pl.col("ended_at"), pl.col("closes_at"), pl.duration(days=20)
    outcome = (
        pl.when(left <= closes + margin).then(pl.lit("lost"))
        .when(closes <= END).then(pl.lit("won"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    rows = rows.filter(left.is_null() | (left >= closes - margin))
    return rows.select(
        "company", kind=pl.lit("renewal"), outcome=outcome, amount_minor="amount_minor", closes_at="closes_at"
    )


def meetings(world: World) -> pl.DataFrame:
    """One row per activity with a company, in the order of time; customers who are unhappy stay away more often.

    meeting, company, person (null where unknown), type (MEETING, CALL, EMAIL), kind (null for mails), outcome
    (completed, no_show, canceled, scheduled; null but for meetings), owner, held_at, modified_at.
    """
    chance = world.seeds.generator("crm.meetings")
    months = {month: place for place, month in enumerate(world.months)}
    panel = world.panel.join(
        world.companies.select("company", "tier", "signed_at", "owner"), on="company", how="left",
        maintain_order="left",
    )  # fmt: skip
    tier = np.array([TIERS.index(name) for name in panel["tier"]], np.int64)
    turn = panel["month"].replace_strict(months, return_dtype=pl.Int64).to_numpy() + panel["company"].to_numpy()
    size = len(panel)
    is_qbr = (turn % 3 == 0) & (chance.random(size) < QBR_SHARES[tier])
    is_value_review = (turn % 6 == 2) & (chance.random(size) < VALUE_REVIEW_SHARES[tier])
    check_ins, mails = chance.poisson(CHECK_INS[tier]), chance.poisson(MAILS[tier])
    counts = [
        ("MEETING", "QBR", is_qbr.astype(np.int64)),
        ("MEETING", "value review", is_value_review.astype(np.int64)),
        ("MEETING", "check-in", check_ins // 2),
        ("CALL", "check-in", check_ins - check_ins // 2),
        ("EMAIL", None, mails),
    ]
    parts = [
        panel[np.repeat(np.arange(size), count).tolist()].select(
            "company", "month", "signed_at", "churned_at", "owner", "satisfaction", type=pl.lit(kind_of_activity),
            kind=pl.lit(kind, pl.String),
        )
        for kind_of_activity, kind, count in counts
    ]  # fmt: skip
    held = pl.concat(parts)
    earliest = np.maximum(seconds(held["month"].cast(pl.Datetime("us"))), seconds(held["signed_at"]))
    month_end = seconds(held["month"].cast(pl.Datetime("us")).dt.offset_by("1mo"))
    churned = np.where(held["churned_at"].is_null().to_numpy(), LAST, seconds(held["churned_at"]))
    latest = np.maximum(np.minimum(np.minimum(month_end, churned), LAST) - HOUR, earliest)
    at = _in_office_hours(chance, earliest, latest)
    draw = chance.random(len(held))
    no_show = 0.03 + 0.15 * (1 - held["satisfaction"].to_numpy())
    outcome = np.select([draw < no_show, draw > 0.94], ["no_show", "canceled"], "completed")
    modified = np.minimum(at + chance.integers(0, 6 * HOUR, len(held)), LAST)
    past = held.select("company", "owner", "type", "kind").with_columns(
        outcome=pl.when(held["type"] == "MEETING").then(pl.Series(outcome)),
        held_at=as_times("held_at", at),
        modified_at=as_times("modified_at", modified),
    )
    rows = pl.concat([past, _discoveries(world, chance), _planned(world, chance)])
    rows = rows.with_columns(person=_attendees(world, chance, rows))
    return rows.sort("held_at", "company", "type", "kind").with_row_index("meeting").cast({"meeting": pl.Int64})


def _discoveries(world: World, chance: np.random.Generator) -> pl.DataFrame:
    """Each company was met before it signed."""
    signed = seconds(world.companies["signed_at"])
    at = _in_office_hours(chance, signed - 30 * DAY, signed - 3 * DAY)
    return _single(world.companies, "discovery", "completed", at, at + chance.integers(0, 5 * HOUR, len(at)))


def _planned(world: World, chance: np.random.Generator) -> pl.DataFrame:
    """Some customers have a meeting to come."""
    active = world.companies.filter(pl.col("churned_at").is_null())
    active = active.filter(pl.Series(chance.random(len(active)) < PLANNED_SHARE))
    at = _in_office_hours(chance, np.full(len(active), LAST + DAY), np.full(len(active), LAST + 30 * DAY))
    # Nobody can have planned it before the customer was one.
    planned = np.maximum(LAST - chance.integers(HOUR, 20 * DAY, len(at)), seconds(active["signed_at"]))
    return _single(active, "check-in", "scheduled", at, planned)


def _single(companies: pl.DataFrame, kind: str, outcome: str, at: Integers, modified: Integers) -> pl.DataFrame:
    return companies.select("company", "owner", type=pl.lit("MEETING"), kind=pl.lit(kind)).with_columns(
        outcome=pl.lit(outcome), held_at=as_times("held_at", at), modified_at=as_times("modified_at", modified)
    )


def _attendees(world: World, chance: np.random.Generator, rows: pl.DataFrame) -> pl.Series:
    """One of the company's people with a role for each row; nobody where the one drawn isn't there at the time."""
    known = world.people.filter(pl.col("role") != "user").sort("company", "person")
    spans = known.with_row_index("place").group_by("company", maintain_order=True).agg(
        first=pl.col("place").first(), count=pl.len()
    )  # fmt: skip
    span = rows.select("company").join(spans, on="company", how="left", maintain_order="left")
    drawn = (chance.random(len(rows)) * span["count"].fill_null(0).to_numpy()).astype(np.int64)
    person = known[(span["first"].fill_null(0).to_numpy() + drawn).tolist()]
    is_there = person["left_at"].is_null() | (person["left_at"] > rows["held_at"])
    return pl.select(pl.when(is_there & (span["count"] > 0)).then(person["person"])).to_series()


def _in_office_hours(chance: np.random.Generator, earliest: Integers, latest: Integers) -> Integers:
    """Moments between the two, between 8 and 17 o'clock where the span allows it."""
    at = earliest + (chance.random(len(earliest)) * (latest - earliest)).astype(np.int64)
    in_hours = at // DAY * DAY + chance.integers(8 * HOUR, 17 * HOUR, len(at))
    return np.where((in_hours >= earliest) & (in_hours <= latest), in_hours, at)


def seconds(times: pl.Series) -> Integers:
    """Times as seconds since 1970, 0 for null."""
    return times.dt.epoch("s").fill_null(0).to_numpy()


def money(minor: str | pl.Expr) -> pl.Expr:
    """Cents as a decimal number in text: `1234.50`."""
    cents = pl.col(minor) if isinstance(minor, str) else minor
    return pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
