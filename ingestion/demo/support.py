"""Zendesk's exports: organizations and users of both units, and all that happened to their tickets."""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, Floats, as_times
from ingestion.demo.crm import LAST, VENDOR_DOMAIN, noted_ids, seconds
from ingestion.demo.damage import NONE, Damage, Draft, Shape
from ingestion.demo.ids import user_ids, zendesk_ids
from ingestion.demo.names import folded, person_names
from ingestion.demo.support_damage import damaged
from ingestion.demo.tickets import AGENT_COUNT, MINUTE, SOCIAL, tickets
from ingestion.demo.world import World
from ingestion.demo.write import Exports

SHAPES = {
    "organizations": Shape(version="updated_at", dated_by="created_at"),
    "users": Shape(version="updated_at", dated_by="created_at"),
    "tickets": Shape(version="updated_at", dated_by="created_at"),
    "ticket_field_history": Shape(key=("ticket_id", "field_name", "updated"), dated_by="updated"),
    "ticket_comments": Shape(dated_by="created"),
    "satisfaction_ratings": Shape(version="updated_at", dated_by="created_at"),
    "sla_events": Shape(dated_by="time"),
}
# Agents' numbers, and those of the users whom a social channel made of people.
AGENT, SOCIAL_USER = 9_000_000_000, 4_000_000_000
EXTERNAL_ID_SHARE, USER_ID_SHARE, NEVER_ASKED_SHARE = 0.7, 0.5, 0.06
# Share of the tickets from social channels at which an agent noted the organization, and of those channels' users whom
# an agent asked who they are, and noted the answer.
NOTED_SHARE, NOTED_EMAIL_SHARE = 0.5, 0.6
TIME_ZONES = {
    "DE": "Berlin", "AT": "Vienna", "CH": "Bern", "FR": "Paris", "NL": "Amsterdam", "BE": "Brussels", "IT": "Rome",
    "ES": "Madrid", "GB": "London", "US": "Eastern Time (US & Canada)", "CA": "Eastern Time (US & Canada)",
    "PL": "Warsaw", "SE": "Stockholm",
}  # fmt: skip
# A solved ticket is closed after so many days; a survey goes out a day after it was solved.
CLOSED_AFTER, SURVEY_AFTER = 4 * DAY, DAY
SURVEY_SHARE, ANSWER_SHARE = 0.65, 0.35
BAD_REASONS = (
    "The issue took too long to resolve",
    "The issue was not resolved",
    "The agent's knowledge is unsatisfactory",
)
MOST_COMMENTS = 8


def exports(world: World, damage: Damage) -> Exports:
    """All of Zendesk's tables; truth: `records` and `damaged`."""
    asked = tickets(world)
    asked = asked.with_columns(user=_user_numbers(asked), updated_at=_last_changes(world, asked))
    people = _people(world, asked)
    tables = {
        "organizations": _organizations(world),
        "users": pl.concat([_users(world, people), _social_users(world, asked, people), _agents(world)]),
        "tickets": _tickets(world, asked),
        "ticket_field_history": _field_history(asked),
        "ticket_comments": _comments(world, asked),
        "satisfaction_ratings": _ratings(world, asked),
        "sla_events": _sla_events(asked),
    }
    draft = Draft("zendesk", world.seeds, damage, SHAPES, tables)
    social = asked.filter(pl.col("user") >= SOCIAL_USER).unique("user", maintain_order=True).select("user", "person")
    return damaged(draft, world, people, social)


def _user_numbers(asked: pl.DataFrame) -> pl.Series:
    """The number of the user who asked: a person has one per social channel, and one for all others."""
    channel = asked["channel"].replace_strict(
        {name: n for n, name in enumerate(SOCIAL)}, default=-1, return_dtype=pl.Int64
    )
    social = SOCIAL_USER + asked["person"] * len(SOCIAL) + channel
    return pl.select(pl.when(channel < 0).then(asked["person"]).otherwise(social)).to_series()


def _last_changes(world: World, asked: pl.DataFrame) -> pl.Series:
    chance = world.seeds.generator("support.changes")
    solved, replied = seconds(asked["solved_at"]), seconds(asked["replied_at"])
    closed = np.where(solved > 0, np.minimum(solved + CLOSED_AFTER, LAST), 0)
    open_at = np.maximum(replied, seconds(asked["created_at"])) + chance.integers(0, HOUR, len(asked))
    return as_times("updated_at", np.minimum(np.where(solved > 0, closed, open_at), LAST))


def _people(world: World, asked: pl.DataFrame) -> pl.DataFrame:
    """The people who have a user of their own: who ever wrote by mail, on the web or in chat, and some who didn't."""
    chance = world.seeds.generator("support.users")
    first = asked.filter(pl.col("user") < SOCIAL_USER).group_by("person", maintain_order=True).agg(
        first_asked=pl.col("created_at").min()
    )  # fmt: skip
    people = world.people.join(first.cast({"person": pl.Int32}), on="person", how="left", maintain_order="left")
    is_known = people["first_asked"].is_not_null() | pl.Series(chance.random(len(people)) < NEVER_ASKED_SHARE)
    companies = world.companies.select("company", "domain", company_name="name", switchboard="phone")
    return people.filter(is_known).join(companies, on="company", how="left", maintain_order="left")


def _organizations(world: World) -> pl.DataFrame:
    chance = world.seeds.generator("support.organizations")
    companies = world.companies
    created = np.minimum(seconds(companies["signed_at"]) + chance.integers(HOUR, 3 * DAY, len(companies)), LAST)
    updated = created + (chance.random(len(companies)) * (LAST - created)).astype(np.int64)
    has_external_id = pl.Series(chance.random(len(companies)) < EXTERNAL_ID_SHARE)
    return companies.select(
        id=zendesk_ids("organizations", companies["company"]),
        name="name",
        domain_names="domain",
        external_id=pl.when(has_external_id).then(noted_ids(world, NONE)),
        created_at=as_times("created_at", created),
        updated_at=as_times("updated_at", updated),
    )


def _users(world: World, people: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("support.users.fields")
    joined = np.minimum(seconds(people["joined_at"]) + chance.integers(HOUR, 20 * DAY, len(people)), LAST - MINUTE)
    first = seconds(people["first_asked"])
    created = np.where(first > 0, np.minimum(first, joined), joined)
    updated = created + (chance.random(len(people)) * (LAST - created)).astype(np.int64)
    has_user_id = pl.col("is_product_user") & pl.Series(chance.random(len(people)) < USER_ID_SHARE)
    return people.select(
        id=zendesk_ids("users", people["person"]),
        name=pl.col("first_name") + " " + pl.col("last_name"),
        email="email",
        phone=pl.when(pl.Series(chance.random(len(people)) < 0.35)).then("phone"),
        role=pl.lit("end-user"),
        organization_id=zendesk_ids("organizations", people["company"]),
        external_id=pl.when(has_user_id).then(user_ids(people["person"])),
        twitter_id=pl.lit(None, pl.String),
        facebook_id=pl.lit(None, pl.String),
        whatsapp_number=pl.lit(None, pl.String),
        time_zone=pl.col("country").replace_strict(TIME_ZONES, default="London"),
        suspended=pl.lit(False),
        created_at=as_times("created_at", created),
        updated_at=as_times("updated_at", np.maximum(updated, created)),
    )


def _social_users(world: World, asked: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """A number on WhatsApp, a name on Facebook, a handle on X; an address where an agent asked for it.

    `people`: those who have a user of their own. Zendesk takes an address once, so what another user of the person has
    is noted with the channel behind a plus.
    """
    chance = world.seeds.generator("support.users.social")
    found = asked.filter(pl.col("user") >= SOCIAL_USER).group_by("user", maintain_order=True).agg(
        pl.col("person", "channel", "created_at").first(), updated_at=pl.col("updated_at").last()
    )  # fmt: skip
    found = found.join(world.people.drop("company"), on="person", how="left", maintain_order="left")
    handle = folded("first_name").str.replace_all("[^a-z]", "") + "_" + (pl.col("person") % 977).cast(pl.String)
    channel = pl.col("channel")
    is_noted = pl.Series(chance.random(len(found)) < NOTED_EMAIL_SHARE)
    is_taken = pl.col("person").is_in(people["person"].implode()) | ~pl.col("person").is_first_distinct()
    tagged = pl.col("email").str.replace("@", "+" + channel + "@", literal=True)
    return found.select(
        id=zendesk_ids("users", found["user"]),
        name=pl.when(channel == "twitter").then(handle).otherwise(pl.col("first_name") + " " + pl.col("last_name")),
        email=pl.when(is_noted & is_taken).then(tagged).when(is_noted).then("email"),
        phone=pl.lit(None, pl.String),
        role=pl.lit("end-user"),
        organization_id=pl.lit(None, pl.String),
        external_id=pl.lit(None, pl.String),
        twitter_id=pl.when(channel == "twitter").then(handle),
        facebook_id=pl.when(channel == "facebook").then(zendesk_ids("facebook", found["person"])),
        whatsapp_number=pl.when(channel == "whatsapp").then("phone"),
        time_zone=pl.lit("London"),
        suspended=pl.lit(False),
        created_at="created_at",
        updated_at="updated_at",
    )


def _agents(world: World) -> pl.DataFrame:
    """Two admins, and agents."""
    chance = world.seeds.generator("support.agents")
    first, last = person_names(chance, chance.choice(np.array(["GB", "DE", "PL", "ES"], object), AGENT_COUNT))
    at = as_times("created_at", LAST - chance.integers(900, 2500, AGENT_COUNT) * DAY)
    number = np.arange(AGENT_COUNT)
    frame = pl.DataFrame({"first": pl.Series(first, dtype=pl.String), "last": pl.Series(last, dtype=pl.String)})
    local = folded("first") + "." + folded("last").str.replace_all("[^a-z]+", "") + pl.Series(number).cast(pl.String)
    return frame.select(
        id=zendesk_ids("users", number + AGENT),
        name=pl.col("first") + " " + pl.col("last"),
        email=local + "@support." + VENDOR_DOMAIN,
        phone=pl.lit(None, pl.String),
        role=pl.when(pl.Series(number) < 2).then(pl.lit("admin")).otherwise(pl.lit("agent")),
        organization_id=pl.lit(None, pl.String),
        external_id=pl.lit(None, pl.String),
        twitter_id=pl.lit(None, pl.String),
        facebook_id=pl.lit(None, pl.String),
        whatsapp_number=pl.lit(None, pl.String),
        time_zone=pl.lit("London"),
        suspended=pl.lit(False),
        created_at=at,
        updated_at=at,
    )


def _tickets(world: World, asked: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("support.tickets.fields")
    is_noted = ~asked["channel"].is_in(SOCIAL) | pl.Series(chance.random(len(asked)) < NOTED_SHARE)
    is_waiting = pl.Series(chance.random(len(asked)) < 0.5)
    solved = pl.col("solved_at")
    return asked.select(
        id=zendesk_ids("tickets", asked["ticket"]),
        status=pl.when(solved <= END - pl.duration(seconds=CLOSED_AFTER)).then(pl.lit("closed"))
        .when(solved.is_not_null()).then(pl.lit("solved"))
        .when(pl.col("replied_at").is_null()).then(pl.lit("new"))
        .when(is_waiting).then(pl.lit("pending"))
        .otherwise(pl.lit("open")),
        priority="priority",
        type="type",
        via_channel="channel",
        category="category",
        is_escalated="is_escalated",
        requester_id=zendesk_ids("users", asked["user"]),
        assignee_id=pl.when(pl.col("replied_at").is_not_null()).then(zendesk_ids("users", asked["agent"] + AGENT)),
        organization_id=pl.when(is_noted).then(zendesk_ids("organizations", asked["company"])),
        tags=pl.when("is_escalated").then(pl.col("category") + ",escalated").otherwise(pl.col("category")),
        created_at="created_at",
        solved_at="solved_at",
        updated_at="updated_at",
    )  # fmt: skip


def _field_history(asked: pl.DataFrame) -> pl.DataFrame:
    """Status new, open, solved and closed, the agent in charge, the priority, and its rise where a ticket escalates."""
    created, replied, solved = pl.col("created_at"), pl.col("replied_at"), pl.col("solved_at")
    ids, agent = zendesk_ids("tickets", asked["ticket"]), zendesk_ids("users", asked["agent"] + AGENT)
    frame = asked.with_columns(ticket_id=ids, agent_id=agent, user_id=zendesk_ids("users", asked["user"]))
    one = pl.duration(seconds=1)
    rises = pl.col("is_escalated") & (pl.col("priority") != "urgent")
    changes = [
        ("status", pl.lit("new"), "user_id", created),
        ("priority", pl.col("priority"), "user_id", created),
        ("assignee_id", pl.col("agent_id"), "agent_id", replied - one),
        ("status", pl.lit("open"), "agent_id", replied - one),
        ("priority", pl.when(rises).then(pl.lit("urgent")), "agent_id", replied),
        ("status", pl.lit("solved"), "agent_id", solved),
        ("status", pl.lit("closed"), None, solved + pl.duration(seconds=CLOSED_AFTER)),
    ]  # fmt: skip
    rows = [
        frame.select(
            "ticket_id",
            field_name=pl.lit(name),
            value=value,
            user_id=pl.lit(None, pl.String) if by is None else pl.col(by),
            updated=at,
        ).filter((pl.col("updated") <= END) & pl.col("value").is_not_null())
        for name, value, by, at in changes
    ]
    return pl.concat(rows).sort("updated", "ticket_id", "field_name")


def _comments(world: World, asked: pl.DataFrame) -> pl.DataFrame:
    """The question, the first reply, then question and answer in turn until it is solved, and notes among agents."""
    chance = world.seeds.generator("support.comments")
    more = np.minimum(chance.poisson(1.4 + 1.5 * asked["is_escalated"].to_numpy()), MOST_COMMENTS - 2)
    count = 2 + more
    rows = asked[np.repeat(np.arange(len(asked)), count).tolist()]
    place = np.arange(len(rows)) - np.repeat(count.cumsum() - count, count)
    created, replied = seconds(rows["created_at"]), seconds(rows["replied_at"])
    # Where the end isn't known, the talk went on for some hours.
    until = np.where(rows["solved_at"].is_null().to_numpy(), replied + 9 * HOUR, seconds(rows["solved_at"]))
    share = (place - 1) / np.maximum(np.repeat(count, count) - 1, 1)
    at = np.where(place == 0, created, replied + (share * (until - replied)).astype(np.int64))
    at = np.where((place > 0) & (replied == 0), LAST + 1, at)
    is_agent = place % 2 == 1
    is_note = is_agent & (place > 1) & (chance.random(len(rows)) < 0.2)
    writer = np.where(is_agent, rows["agent"].to_numpy() + AGENT, rows["user"].to_numpy())
    frame = pl.DataFrame(
        {
            "id": zendesk_ids("comments", rows["ticket"].to_numpy() * MOST_COMMENTS + place),
            "ticket_id": zendesk_ids("tickets", rows["ticket"]),
            "user_id": zendesk_ids("users", writer),
            "public": ~is_note,
            "via_channel": rows["channel"],
            "created": as_times("created", at),
        }
    )
    return frame.filter(pl.col("created") <= END).sort("created", "id")


def good_chance(satisfaction: Floats, is_slow: pl.Series) -> Floats:
    """Chance that somebody who is asked about a ticket says that it was good."""
    return np.clip(0.25 + 0.9 * satisfaction - 0.3 * is_slow.to_numpy(), 0.05, 0.98)


def _ratings(world: World, asked: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("support.ratings")
    size = len(asked)
    sent = seconds(asked["solved_at"]) + SURVEY_AFTER
    is_sent = asked["solved_at"].is_not_null() & pl.Series((sent <= LAST) & (chance.random(size) < SURVEY_SHARE))
    answered = sent + chance.integers(MINUTE, 3 * DAY, size)
    is_answered = (chance.random(size) < ANSWER_SHARE) & (answered <= LAST)
    is_good = chance.random(size) < good_chance(asked["satisfaction"].to_numpy(), asked["is_slow"])
    score = np.where(is_answered, np.where(is_good, "good", "bad"), "offered")
    reason = pl.Series(chance.choice(BAD_REASONS, size))
    return asked.select(
        id=zendesk_ids("satisfaction_ratings", asked["ticket"]),
        ticket_id=zendesk_ids("tickets", asked["ticket"]),
        requester_id=zendesk_ids("users", asked["user"]),
        assignee_id=zendesk_ids("users", asked["agent"] + AGENT),
        score=pl.Series(score),
        reason=pl.when(pl.Series(score) == "bad").then(reason),
        created_at=as_times("created_at", sent),
        updated_at=as_times("updated_at", np.where(is_answered, answered, sent)),
    ).filter(is_sent)


def _sla_events(asked: pl.DataFrame) -> pl.DataFrame:
    """The clock of the first reply: a policy is applied, it runs, it is broken where the reply is slow, and it ends."""
    created = pl.col("created_at")
    target = pl.duration(minutes=pl.col("target_minutes"))
    events = [
        ("apply_sla", pl.col("target_minutes"), created),
        ("activate", None, created),
        ("breach", None, pl.when("is_slow").then(created + target)),
        ("fulfill", None, pl.col("replied_at")),
    ]
    rows = [
        asked.select(
            "ticket",
            number=pl.col("ticket") * len(events) + place,
            type=pl.lit(kind),
            target_minutes=pl.lit(None, pl.Int64) if minutes is None else minutes,
            time=at,
        ).filter(pl.col("time") <= END)
        for place, (kind, minutes, at) in enumerate(events)
    ]
    frame = pl.concat(rows).sort("time", "number")
    return frame.select(
        id=zendesk_ids("sla_events", frame["number"]),
        ticket_id=zendesk_ids("tickets", frame["ticket"]),
        metric=pl.lit("reply_time"),
        type="type",
        target_minutes="target_minutes",
        time="time",
    )
