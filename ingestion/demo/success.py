"""The files that the customer success teams keep themselves, in their own column names.

They name companies and contacts by the ids of the CRM that the row's `crm` says. Meetings are of the acquired unit
only: the core unit's are in HubSpot.
"""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, as_times, to_seconds
from ingestion.demo.crm import LAST, SYSTEMS, in_crm, meetings, money, noted_ids, seconds, staff
from ingestion.demo.damage import IMPOSSIBLE_DATE, NONE, Damage, Draft, Shape
from ingestion.demo.ids import hubspot_ids, salesforce_ids
from ingestion.demo.world import World
from ingestion.demo.write import Exports

SHAPES = {
    "interventions": Shape(key=("case_no",), version="last_update", dated_by="decided_on"),
    "milestones": Shape(key=("step_id",), version="changed", dated_by="planned"),
    "meetings": Shape(key=("meeting_no",), version="last_update", dated_by="held"),
    "contact_roles": Shape(key=("account", "contact", "role", "from_day"), dated_by="from_day"),
}
# For sources.yml: what each canonical column is made of.
COLUMNS = {
    "interventions": {
        "intervention_id": "case_no",
        "playbook": "play",
        "customer_id": "account",
        "person_id": "contact",
        "arm": "arm",
        "assigned_by": "case decided_by when 'lot' then 'random' when 'csm' then 'person' else decided_by end",
        "assigned_at": "decided_on",
        "started_at": "begun",
        "completed_at": "done",
        "channel": "via",
        "owner": "csm",
        "outcome": "result",
        "cost_amount": "cost_eur",
        "cost_currency": "'EUR'",
        "updated_at": "last_update",
        "id_system": "crm",
    },
    "milestones": {
        "milestone_id": "step_id",
        "customer_id": "account",
        "milestone": "step",
        "status": "state",
        "success_criterion": "criterion",
        "due_date": "due",
        "reached_at": "reached",
        "created_at": "planned",
        "updated_at": "changed",
        "id_system": "crm",
    },
    "meetings": {
        "meeting_id": "meeting_no",
        "customer_id": "account",
        "person_id": "contact",
        "kind": "what",
        "outcome": "how_it_went",
        "owner": "csm",
        "held_at": "held",
        "updated_at": "last_update",
        "id_system": "crm",
    },
    "contact_roles": {
        "customer_id": "account",
        "person_id": "contact",
        "role": "role",
        "valid_from": "from_day",
        "valid_to": "until_day",
        "id_system": "crm",
    },
}
# Steps of a success plan: share of the onboarding's length at which each is reached, days from signing until it is due,
# and what has to be true.
STEPS = (
    ("kickoff", 0.08, 10, "Kick-off held with sponsor and champion"),
    ("data_connected", 0.35, 30, "Own data is in the product"),
    ("first_value", 0.7, 45, "First report used in a decision"),
    ("onboarded", 1.0, 75, "Half of the seats active in a week"),
    ("rollout", 4.0, 150, "All teams trained"),
    ("goal_reached", 14.0, 300, "The first goal of the plan is met"),
)
PLAN_DAYS = 5


def exports(world: World, damage: Damage) -> Exports:
    """The four files; truth: `damaged`."""
    tables = {
        "interventions": _interventions(world),
        "milestones": _milestones(world),
        "meetings": _meetings(world),
        "contact_roles": _contact_roles(world),
    }
    draft = Draft("files", world.seeds, damage, SHAPES, tables)
    _note_old_ids(draft, world)
    draft.time_zones("meetings", "held")
    draft.two_exports("interventions", "decided_on", {"begun": (None,), "done": (None,), "result": (None,)})
    draft.two_exports("milestones", "planned", {"state": ("in_progress", "not_started"), "reached": (None,)})
    draft.added_column("milestones", "notes", ("", "call again", "waiting for IT"))
    for table in ("interventions", "meetings"):
        draft.twice_delivered(table)
    draft.broken_rows(
        "interventions",
        [
            ("arm", "maybe", "arm is not one of"),
            ("cost_eur", "-50.00", "cost_amount is below 0"),
            ("decided_on", IMPOSSIBLE_DATE, "assigned_at is not a timestamp"),
        ],
    )
    draft.broken_rows(
        "milestones", [("state", "done", "status is not one of"), ("step_id", None, "milestone_id is missing")]
    )
    draft.broken_rows(
        "meetings", [("how_it_went", "great", "outcome is not one of"), ("held", None, "held_at is missing")]
    )
    draft.broken_rows("contact_roles", [("from_day", "2026-02-30", "valid_from is not a date")])
    return draft.exports({})


def _crm(world: World, company: pl.Series) -> pl.DataFrame:
    """For each company: the CRM, and its id there."""
    known = world.companies.select(
        "company", crm=pl.col("unit").replace_strict(SYSTEMS, return_dtype=pl.String), account=noted_ids(world, NONE)
    )
    return pl.DataFrame({"company": company}).join(known, on="company", how="left", maintain_order="left")


def _contacts(world: World, person: pl.Series, crm: pl.Series) -> pl.Series:
    """Each person's id in the CRM, null where there is none."""
    is_known = pl.Series(in_crm(world)).gather(person.fill_null(0).to_list()) & person.is_not_null()
    ids = pl.when(crm == "hubspot").then(hubspot_ids("contacts", person)).otherwise(salesforce_ids("003", person))
    return pl.select(pl.when(is_known).then(ids)).to_series()


def _owners(world: World, owner: pl.Series) -> pl.Series:
    known = staff(world.seeds).select("owner", name=pl.col("first") + " " + pl.col("last"))
    return pl.DataFrame({"owner": owner}).join(known, on="owner", how="left", maintain_order="left")["name"]


def _interventions(world: World) -> pl.DataFrame:
    chance = world.seeds.generator("success.interventions")
    cases = world.interventions
    crm = _crm(world, cases["company"])
    latest = np.maximum.reduce([seconds(cases[name]) for name in ("assigned_at", "started_at", "completed_at")])
    updated = np.minimum(latest + chance.integers(60, 8 * HOUR, len(cases)), LAST)
    return cases.select(
        case_no=pl.lit("CASE-") + pl.col("case").cast(pl.String).str.zfill(5),
        play="playbook",
        crm=crm["crm"],
        account=crm["account"],
        contact=_contacts(world, cases["person"], crm["crm"]),
        arm="arm",
        decided_by=pl.col("assigned_by").replace({"random": "lot", "person": "csm"}),
        decided_on="assigned_at",
        begun="started_at",
        done="completed_at",
        via="channel",
        csm=_owners(world, cases["owner"]),
        result="outcome",
        cost_eur=money("cost_minor"),
        last_update=as_times("last_update", updated),
    )


def _milestones(world: World) -> pl.DataFrame:
    """Each company's plan: what is reached, what comes next, and what was dropped when it left."""
    chance = world.seeds.generator("success.milestones")
    companies = world.companies
    crm = _crm(world, companies["company"])
    signed, churned = seconds(companies["signed_at"]), seconds(companies["churned_at"])
    until = np.where(churned > 0, churned, to_seconds(END))
    pace = world.history.traits.onboarding_days * DAY
    rows = []
    is_next = np.ones(len(companies), bool)
    for place, (step, share, due_days, criterion) in enumerate(STEPS):
        # Step by step: were a whole plan made at once, a day without one would look like a missing day.
        planned = np.minimum(signed + chance.integers(HOUR, PLAN_DAYS * DAY, len(companies)), LAST)
        reached = np.maximum(
            signed + (share * pace * chance.uniform(0.85, 1.15, len(companies))).astype(np.int64), planned + HOUR
        )
        is_reached = (reached <= until) & is_next
        state = np.select([is_reached, churned > 0, is_next], ["complete", "dropped", "in_progress"], "not_started")
        changed = np.select([is_reached, churned > 0], [reached, until], planned)
        rows.append(
            companies.select(
                step_id=pl.lit("MS-") + pl.col("company").cast(pl.String) + f"-{place + 1}",
                crm=crm["crm"],
                account=crm["account"],
                step=pl.lit(step),
                state=pl.Series(state),
                criterion=pl.lit(criterion),
                due=(pl.col("signed_at") + pl.duration(days=due_days)).dt.date(),
                reached=as_times("reached", reached, is_reached),
                planned=as_times("planned", planned),
                changed=as_times("changed", np.maximum(changed, planned)),
            )
        )
        is_next = is_reached
    return pl.concat(rows)


def _meetings(world: World) -> pl.DataFrame:
    acquired = world.companies.filter(pl.col("unit") == "acquired").select("company")
    held = meetings(world).filter(pl.col("type") != "EMAIL")
    held = held.join(acquired, on="company", how="semi", maintain_order="left")
    crm = _crm(world, held["company"])
    return held.select(
        meeting_no=pl.lit("M") + pl.col("meeting").cast(pl.String).str.zfill(6),
        crm=crm["crm"],
        account=crm["account"],
        contact=_contacts(world, held["person"], crm["crm"]),
        what="kind",
        how_it_went="outcome",
        csm=_owners(world, held["owner"]),
        held="held_at",
        last_update="modified_at",
    )


def _contact_roles(world: World) -> pl.DataFrame:
    """Who had which role until when; a sponsor who left has an end, and perhaps a successor."""
    people = world.people.filter(pl.col("role") != "user")
    crm = _crm(world, people["company"])
    rows = people.select(
        crm=crm["crm"],
        account=crm["account"],
        contact=_contacts(world, people["person"], crm["crm"]),
        role="role",
        from_day=pl.col("joined_at").dt.date(),
        until_day=pl.col("left_at").dt.date(),
    )
    # The champion is whom the team calls first.
    primary = rows.filter(pl.col("role") == "champion").with_columns(role=pl.lit("primary_contact"))
    return pl.concat([rows, primary])


def _note_old_ids(draft: Draft, world: World) -> None:
    """Files go on naming companies by ids that were merged away."""
    old = noted_ids(world, draft.damage)
    new = noted_ids(world, NONE)
    for table in ("interventions", "milestones", "meetings"):
        noted = draft.tables[table]["account"].replace_strict(new, old, return_dtype=pl.String)
        draft.change(table, "merged", np.ones(len(noted), bool), {"account": noted})
