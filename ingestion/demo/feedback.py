"""Delighted's exports: who was asked, who answered, and what; most don't answer, the unhappy less than the others."""

import numpy as np
import polars as pl

from ingestion.demo import mistyped
from ingestion.demo.clock import DAY, HOUR, Bools, Floats, as_times
from ingestion.demo.contradictions import PLANTED, of_source, planted
from ingestion.demo.crm import DUPLICATE, LAST, TEST, seconds
from ingestion.demo.damage import IMPOSSIBLE_DATE, Damage, Draft, Shape, party_records
from ingestion.demo.ids import delighted_ids, zendesk_ids
from ingestion.demo.tickets import tickets
from ingestion.demo.variants import email_variants
from ingestion.demo.world import World
from ingestion.demo.write import TIME_FORMAT, Exports

SHAPES = {
    "survey_requests": Shape(dated_by="sent_at"),
    "survey_responses": Shape(version="updated_at", dated_by="created_at"),
}
# Contacts are asked every third month, from the second after they came; users only if they are in the sample.
NPS_MONTHS, USER_SHARE, SETTLING_DAYS = 3, 0.15, 30
CSAT_SHARE = 0.3
CHANNELS = {"email": 0.86, "link": 0.06, "web": 0.08}
COMMENT_SHARE = 0.4
PRAISE = (
    "Great support, thank you!", "Does what it should.", "Wir sind sehr zufrieden.", "Easy to use, the team loves it.",
    "Très bon produit.", "Saves us hours every week.", "Would recommend it any time.",
)  # fmt: skip
DOUBTS = (
    "OK, but reports are slow.", "Good, a bit expensive.", "Könnte übersichtlicher sein.", "Missing an integration.",
    "Correct, sans plus.", "Fine so far.",
)  # fmt: skip
COMPLAINTS = (
    "Replies take far too long.", "Too many outages.", "Der Support antwortet nicht.", "We hardly use it any more.",
    "Trop cher pour ce que c'est.", "Onboarding was a mess.", "Price went up, quality did not.",
)  # fmt: skip


def exports(world: World, damage: Damage) -> Exports:
    """Both tables; truth: `records` (people by their Delighted id), `damaged`, and `contradictions` that begin here."""
    asked = pl.concat([_nps(world), _csat(world)]).sort("sent_at", "person", "survey_type", "properties")
    asked = asked.with_row_index("number").cast({"number": pl.Int64})
    people = world.people.select("person", "email", name=pl.col("first_name") + " " + pl.col("last_name"))
    asked = asked.join(people, on="person", how="left", maintain_order="left")
    requests = asked.select(
        id=delighted_ids("survey_requests", asked["number"]),
        person_id=delighted_ids("people", asked["person"]),
        email="email",
        name="name",
        survey_type="survey_type",
        channel="channel",
        properties="properties",
        sent_at="sent_at",
    )
    answers = asked.filter(pl.col("score").is_not_null())
    draft = Draft(
        "delighted",
        world.seeds,
        damage,
        SHAPES,
        {"survey_requests": requests, "survey_responses": _answers(world, answers)},
    )
    contradictions = planted(world, damage)
    _plant(draft, world, contradictions)
    known = asked["person"].unique(maintain_order=True)
    records = [
        party_records("delighted", "survey_requests", delighted_ids("people", known), "person", known),
        _second_people(draft, world, asked, answers),
        _test_people(draft),
    ]
    _deliver(draft)
    # Who was asked about tickets only, and only at another address, isn't there under the first.
    is_there = pl.col("record_id").is_in(draft.tables["survey_requests"]["person_id"].implode())
    truth = pl.concat(records).unique("record_id", maintain_order=True).filter(is_there)
    return draft.exports({"records": truth, "contradictions": of_source(contradictions, "delighted")})


def _nps(world: World) -> pl.DataFrame:
    chance = world.seeds.generator("feedback.nps")
    people = world.people.filter(
        (pl.col("role").is_in(["executive_sponsor", "champion", "decision_maker"]))
        | ((pl.col("role") == "user") & pl.Series(chance.random(len(world.people)) < USER_SHARE))
    )
    months = {month: place for place, month in enumerate(world.months)}
    panel = world.panel.select(
        "company",
        "month",
        "satisfaction",
        "churned_at",
        place=pl.col("month").replace_strict(months, return_dtype=pl.Int32),
    )
    rows = people.select("person", "company", "joined_at", "left_at").join(
        panel, on="company", how="inner", maintain_order="left"
    )
    rows = rows.filter((pl.col("place") + pl.col("person")) % NPS_MONTHS == 0)
    first = seconds(rows["month"].cast(pl.Datetime("us")))
    sent = first + chance.integers(DAY, 27 * DAY, len(rows)) // HOUR * HOUR + chance.integers(0, HOUR, len(rows))
    rows = rows.with_columns(sent_at=as_times("sent_at", sent))
    satisfaction = rows["satisfaction"].to_numpy()
    rows = rows.with_columns(
        survey_type=pl.lit("nps"),
        channel=pl.Series(chance.choice(list(CHANNELS), len(rows), p=list(CHANNELS.values()))),
        properties=pl.lit('{"survey": "relationship"}'),
        score=_answered(chance, satisfaction, np.round(chance.normal(2.2 + 8.6 * satisfaction, 1.7)).clip(0, 10)),
    )
    sent_at = pl.col("sent_at")
    is_customer = pl.col("churned_at").is_null() | (sent_at < pl.col("churned_at"))
    is_there = (sent_at > pl.col("joined_at").dt.offset_by(f"{SETTLING_DAYS}d")) & (
        pl.col("left_at").is_null() | (sent_at < pl.col("left_at"))
    )
    rows = rows.filter(is_customer & is_there & pl.Series(sent <= LAST))
    return rows.select("person", "survey_type", "channel", "properties", "sent_at", "score")


def _csat(world: World) -> pl.DataFrame:
    """About some tickets, some hours after they were solved."""
    chance = world.seeds.generator("feedback.csat")
    solved = tickets(world)
    sent = seconds(solved["solved_at"]) + chance.integers(HOUR, 12 * HOUR, len(solved))
    satisfaction, is_slow = solved["satisfaction"].to_numpy(), solved["is_slow"].to_numpy()
    mood = np.round(chance.normal(1.6 + 3.6 * satisfaction - 1.1 * is_slow, 0.9)).clip(1, 5)
    ticket_id = zendesk_ids("tickets", solved["ticket"])
    is_sent = solved["solved_at"].is_not_null() & pl.Series((sent <= LAST) & (chance.random(len(solved)) < CSAT_SHARE))
    return solved.select(
        person=pl.col("person").cast(pl.Int32),
        survey_type=pl.lit("csat"),
        channel=pl.lit("email"),
        properties=pl.lit('{"ticket_id": "') + ticket_id + '"}',
        sent_at=as_times("sent_at", sent),
        score=_answered(chance, satisfaction, mood),
    ).filter(is_sent)


def _answered(chance: np.random.Generator, satisfaction: Floats, score: Floats) -> pl.Series:
    """The scores of those who answer."""
    is_silent = chance.random(len(score)) > 0.1 + 0.28 * satisfaction
    return pl.Series(score.astype(np.int64)).set(pl.Series(is_silent), None)


def _answers(world: World, answers: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("feedback.answers")
    created = np.minimum(
        seconds(answers["sent_at"]) + np.minimum(chance.exponential(DAY, len(answers)), 9 * DAY).astype(np.int64), LAST
    )
    is_nps = (answers["survey_type"] == "nps").to_numpy()
    score = answers["score"].to_numpy()
    is_good, is_bad = np.where(is_nps, score >= 9, score >= 5), np.where(is_nps, score <= 6, score <= 2)
    return answers.select(
        id=delighted_ids("survey_responses", answers["number"]),
        survey_request_id=delighted_ids("survey_requests", answers["number"]),
        person_id=delighted_ids("people", answers["person"]),
        person_email="email",
        survey_type="survey_type",
        score="score",
        comment=_comments(chance, is_good, is_bad),
        tags=pl.Series(np.where(is_good, "happy", "")).replace("", None),
        properties="properties",
        created_at=as_times("created_at", created),
        updated_at=as_times("updated_at", created),
    )


def _comments(chance: np.random.Generator, is_good: Bools, is_bad: Bools) -> pl.Series:
    size = len(is_good)
    said = np.where(
        is_good,
        chance.choice(PRAISE, size),
        np.where(is_bad, chance.choice(COMPLAINTS, size), chance.choice(DOUBTS, size)),
    )
    return pl.Series(said, dtype=pl.String).set(pl.Series(chance.random(size) > COMMENT_SHARE), None)


def _plant(draft: Draft, world: World, contradictions: pl.DataFrame) -> None:
    """Promoters of last week who haven't logged in for long."""
    rows = contradictions.filter(pl.col("source_a") == "delighted").select("company", "person").join(
        world.people.drop("company"), on="person", how="left", maintain_order="left"
    )  # fmt: skip
    number = rows["company"].cast(pl.Int64) + PLANTED
    sent = as_times("sent_at", np.full(len(rows), LAST - 6 * DAY))
    answered = as_times("created_at", np.full(len(rows), LAST - 5 * DAY)).dt.strftime(TIME_FORMAT)
    given = rows.select(
        id=delighted_ids("survey_requests", number),
        person_id=delighted_ids("people", rows["person"]),
        email="email",
        name=pl.col("first_name") + " " + pl.col("last_name"),
        survey_type=pl.lit("nps"),
        channel=pl.lit("email"),
        properties=pl.lit('{"survey": "relationship"}'),
        sent_at=sent,
    )
    draft.append("survey_requests", given, "promoter_without_logins")
    answer = given.select(
        id=delighted_ids("survey_responses", number),
        survey_request_id="id",
        person_id="person_id",
        person_email="email",
        survey_type="survey_type",
        score=pl.lit("10"),
        comment=pl.lit("We could not work without it."),
        tags=pl.lit("happy"),
        properties="properties",
        created_at=answered,
        updated_at=answered,
    )
    draft.append("survey_responses", answer, "promoter_without_logins")


def _second_people(draft: Draft, world: World, asked: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Some people were asked about tickets at their private address, and are other people to Delighted."""
    twice = draft.generator("survey_requests", "duplicates").random(len(world.people)) < draft.damage.duplicates
    emails = world.people["private_email"]
    found = []
    for table, rows, email in (("survey_requests", asked, "email"), ("survey_responses", answers, "person_email")):
        person = rows["person"].to_numpy()
        count = len(draft.tables[table])
        # Planted rows follow the others.
        mask = np.zeros(count, bool)
        mask[: len(rows)] = twice[person] & (rows["survey_type"] == "csat").to_numpy()
        padded = np.concatenate([person, np.zeros(count - len(rows), person.dtype)])
        second = delighted_ids("people", padded.astype(np.int64) + DUPLICATE)
        draft.change(table, "duplicate", mask, {"person_id": second, email: emails.gather(padded)})
        found.append(pl.Series(padded[mask]).unique(maintain_order=True))
    known = found[0]
    ids = delighted_ids("people", known.cast(pl.Int64) + DUPLICATE)
    return party_records("delighted", "survey_requests", ids, "person", known, "duplicate")


def _test_people(draft: Draft) -> pl.DataFrame:
    count = 3 if draft.damage.test_accounts else 0
    fakes = mistyped.fake_people(count)
    ids = delighted_ids("people", fakes["n"] + TEST)
    at = mistyped.later(draft, "survey_requests", mistyped.never(count), kind="test_accounts")
    rows = fakes.select(
        id=delighted_ids("survey_requests", fakes["n"] + TEST), person_id=ids, email="email",
        name=pl.col("first") + " " + pl.col("last"), survey_type=pl.lit("nps"), channel=pl.lit("email"), sent_at=at,
    )  # fmt: skip
    draft.append(
        "survey_requests", pl.concat([draft.tables["survey_requests"].head(0), rows], how="diagonal"), "test_account"
    )
    return party_records("delighted", "survey_requests", ids, "person", fakes["n"], "test_account")


def _deliver(draft: Draft) -> None:
    """What goes wrong on the way."""
    for table, email in (("survey_requests", "email"), ("survey_responses", "person_email")):
        mask = draft.chosen(table, "name_variants", draft.damage.name_variants / 2)
        typed = email_variants(draft.generator(table, "name_variants.form"), draft.tables[table][email])
        draft.change(table, "email_variant", mask, {email: typed})
    draft.null_likes("survey_requests", ["name"])
    draft.time_zones("survey_responses", "created_at")
    draft.two_exports("survey_responses", "created_at", {"comment": (None,), "score": ("3", "4", "5")})
    draft.twice_delivered("survey_requests")
    draft.twice_delivered("survey_responses")
    draft.broken_rows(
        "survey_requests", [("survey_type", "pulse", "survey_type is not one of"), ("id", None, "id is missing")]
    )
    draft.broken_rows(
        "survey_responses",
        [
            ("score", "-1", "score is below 0"),
            ("score", "11", "score is above 10"),
            ("created_at", IMPOSSIBLE_DATE, "created_at is not a timestamp"),
        ],
    )
