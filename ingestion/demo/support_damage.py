"""What is wrong with Zendesk's exports."""

import polars as pl

from ingestion.demo import mistyped
from ingestion.demo.clock import Bools
from ingestion.demo.crm import DUPLICATE, TEST, noted_ids
from ingestion.demo.damage import IMPOSSIBLE_DATE, Draft, party_records
from ingestion.demo.ids import zendesk_ids
from ingestion.demo.variants import person_variants
from ingestion.demo.world import World
from ingestion.demo.write import Exports

# Share of the tickets of somebody with two users that were asked by the second.
MOVED_SHARE = 0.4


def damaged(draft: Draft, world: World, people: pl.DataFrame, social: pl.DataFrame) -> Exports:
    """The exports. `people`, then `social`, stand behind the draft's users, row by row; agents follow."""
    companies = world.companies
    social_ids = zendesk_ids("users", social["user"])
    records = [
        party_records("zendesk", "organizations", draft.tables["organizations"]["id"], "company", companies["company"]),
        party_records("zendesk", "users", draft.tables["users"]["id"].head(len(people)), "person", people["person"]),
        party_records("zendesk", "users", social_ids, "person", social["person"]),
    ]
    has_noted = draft.tables["organizations"]["external_id"].is_not_null().to_numpy()
    draft.change("organizations", "merged", has_noted, {"external_id": noted_ids(world, draft.damage)})
    mistyped.type_companies(draft, "organizations", companies, {"name": "name"})
    draft.null_likes("organizations", ["domain_names"])
    _mistype_users(draft, people, social)
    records += [_duplicate_organizations(draft, companies, people), _duplicate_users(draft, people), _test_users(draft)]
    _deliver(draft)
    return draft.exports({"records": pl.concat(records)})


def _mistype_users(draft: Draft, people: pl.DataFrame, social: pl.DataFrame) -> None:
    """Only users who wrote by mail or on the web typed; agents and those of social channels stay as they are."""
    every = draft.tables["users"]
    others = every.slice(len(people))
    draft.tables["users"] = every.head(len(people))
    mistyped.type_people(draft, "users", people["country"], {"name": "name", "email": "email", "phone": "phone"})
    is_first = mistyped.first_of_each(people["company"], pl.repeat(True, len(people), eager=True))
    mistyped.share_mailboxes(draft, "users", "email", people["company"], people["domain"], is_first)
    mistyped.share_phones(draft, "users", "phone", people["switchboard"])
    draft.null_likes("users", ["phone"])
    draft.tables["users"] = pl.concat([draft.tables["users"], others])


def _duplicate_organizations(draft: Draft, companies: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Second organizations under the name with its legal form, without domain; some users belong to them."""
    mask = pl.Series(draft.chosen("organizations", "duplicates", draft.damage.duplicates))
    own, rows = companies.filter(mask), draft.tables["organizations"].filter(mask)
    at = mistyped.later(draft, "organizations", own["signed_at"])
    ids = zendesk_ids("organizations", own["company"].cast(pl.Int64) + DUPLICATE)
    rows = rows.with_columns(
        id=ids, name=own["name"] + " " + own["legal_suffix"], domain_names=pl.lit(None, pl.String),
        external_id=pl.lit(None, pl.String), created_at=at, updated_at=at,
    )  # fmt: skip
    draft.append("organizations", rows, "duplicate")
    old = zendesk_ids("organizations", own["company"])
    new = draft.tables["users"]["organization_id"].replace_strict(old, ids, default=None, return_dtype=pl.String)
    moved = draft.chosen("users", "moved", MOVED_SHARE, new.is_not_null())
    draft.change("users", "of_duplicate", moved, {"organization_id": new})
    _move_tickets(draft, pl.DataFrame({"organization_id": old, "second": ids, "since": at}), moved)
    return party_records("zendesk", "organizations", ids, "company", own["company"], "duplicate")


def _move_tickets(draft: Draft, doubles: pl.DataFrame, moved: Bools) -> None:
    """What the users of a second organization asked since it was made is of that organization."""
    asking = draft.tables["users"]["id"].filter(pl.Series(moved))
    tickets = draft.tables["tickets"].join(doubles, on="organization_id", how="left", maintain_order="left")
    is_theirs = tickets["requester_id"].is_in(asking.implode()) & (tickets["created_at"] >= tickets["since"])
    draft.change(
        "tickets", "of_duplicate", is_theirs.fill_null(False).to_numpy(), {"organization_id": tickets["second"]}
    )


def _duplicate_users(draft: Draft, people: pl.DataFrame) -> pl.DataFrame:
    """Second users of people who once wrote from their private address; some of their tickets are the second user's."""
    mask = pl.Series(draft.chosen("users", "duplicates", draft.damage.duplicates)[: len(people)])
    own, rows = people.filter(mask), draft.tables["users"].head(len(people)).filter(mask)
    chance = draft.generator("users", "duplicates.values")
    first, last = person_variants(chance, own["first_name"], own["last_name"])
    at = mistyped.later(draft, "users", own["joined_at"])
    ids = zendesk_ids("users", own["person"].cast(pl.Int64) + DUPLICATE)
    rows = rows.with_columns(
        id=ids, name=first + " " + last, email=own["private_email"],
        organization_id=pl.lit(None, pl.String), external_id=pl.lit(None, pl.String), created_at=at, updated_at=at,
    )  # fmt: skip
    draft.append("users", rows, "duplicate")
    old = zendesk_ids("users", own["person"])
    new = draft.tables["tickets"]["requester_id"].replace_strict(old, ids, default=None, return_dtype=pl.String)
    moved = draft.chosen("tickets", "moved", MOVED_SHARE, new.is_not_null())
    draft.change("tickets", "of_duplicate", moved, {"requester_id": new})
    return party_records("zendesk", "users", ids, "person", own["person"], "duplicate")


def _test_users(draft: Draft) -> pl.DataFrame:
    fakes = mistyped.fake_people(mistyped.fake_count(draft, "users"))
    ids = zendesk_ids("users", fakes["n"] + TEST)
    at = mistyped.later(draft, "users", mistyped.never(len(fakes)), kind="test_accounts")
    rows = fakes.select(
        id=ids, name=pl.col("first") + " " + pl.col("last"), email="email", role=pl.lit("end-user"),
        suspended=pl.lit("false"), created_at=at, updated_at=at,
    )  # fmt: skip
    draft.append("users", pl.concat([draft.tables["users"].head(0), rows], how="diagonal"), "test_account")
    return party_records("zendesk", "users", ids, "person", fakes["n"], "test_account")


def _deliver(draft: Draft) -> None:
    """Two exports of tickets and users, and what goes wrong on the way."""
    draft.missing_day("ticket_comments")
    draft.time_zones("tickets", "created_at")
    draft.time_zones("ticket_comments", "created")
    was_open = {"status": ("new", "open", "pending"), "solved_at": (None,), "is_escalated": ("false",)}
    draft.two_exports("users", "created_at", {"time_zone": ("London", "Paris", None)})
    draft.two_exports("tickets", "created_at", was_open)
    draft.two_exports("satisfaction_ratings", "created_at", {"score": ("offered",), "reason": (None,)})
    draft.added_column("tickets", "sentiment", ("positive", "neutral", "negative"))
    for table in ("tickets", "ticket_field_history", "ticket_comments", "sla_events"):
        draft.twice_delivered(table)
    draft.broken_rows("organizations", [("updated_at", None, "updated_at is missing")])
    draft.broken_rows("users", [("role", "customer", "role is not one of")])
    draft.broken_rows(
        "tickets",
        [
            ("status", "resolved", "status is not one of"),
            ("created_at", IMPOSSIBLE_DATE, "created_at is not a timestamp"),
            ("requester_id", None, "requester_id is missing"),
        ],
    )
    draft.broken_rows("ticket_field_history", [("updated", "yesterday", "updated is not a timestamp")])
    draft.broken_rows("ticket_comments", [("id", None, "id is missing")])
    draft.broken_rows("satisfaction_ratings", [("score", "great", "score is not one of")])
    draft.broken_rows("sla_events", [("target_minutes", "-60", "target_minutes is below 0")])
    draft.retyped_column("tickets", "created_at")
