"""Names, addresses and people of the demo's companies."""

import numpy as np
import polars as pl

from ingestion.demo import names
from ingestion.demo.clock import DAY, END, Seeds, as_times, to_seconds
from ingestion.demo.traits import COUNTRIES, Traits

INDUSTRIES = (
    "Manufacturing", "Software", "Retail", "Logistics", "Healthcare", "Financial services", "Education",
    "Professional services", "Energy", "Media",
)  # fmt: skip
SUBSIDIARY_SHARE = 0.03
ROLES = ("executive_sponsor", "champion", "decision_maker", "billing", "user")
SPONSOR, CHAMPION, DECIDER, PAYER, USER = range(len(ROLES))
TITLES = {
    "executive_sponsor": ("Chief Operating Officer", "Chief Executive Officer", "VP Operations", "Managing Director"),
    "champion": ("Head of Operations", "Team Lead", "Project Manager", "Operations Manager"),
    "decision_maker": ("Chief Information Officer", "Head of IT", "Head of Procurement", "IT Director"),
    "billing": ("Accounts Payable", "Finance Manager", "Controller", "Office Manager"),
    "user": ("Analyst", "Specialist", "Coordinator", "Consultant", "Engineer", "Assistant"),
}
# Chance that somebody in each role works with the product.
USES_PRODUCT = np.array([0.3, 1.0, 0.5, 0.15, 0.96])
STAY_MONTHS, JOIN_DAYS, SUCCESSION_DAYS = 40.0, 60.0, 45.0
MOVED_SHARE = 0.12


def company_frame(seeds: Seeds, traits: Traits) -> pl.DataFrame:
    """One row per company: who it is and where, without what happened to it."""
    chance = seeds.generator("company names")
    country = np.array(COUNTRIES, object)[traits.country]
    city = names.cities(chance, country)
    frame = names.company_names(chance, country).with_columns(
        country=pl.Series(country, dtype=pl.String),
        city=pl.Series(city, dtype=pl.String),
        street=pl.Series(names.streets(chance, country), dtype=pl.String),
        postal_code=pl.Series(names.postal_codes(chance, country, city), dtype=pl.String),
        phone=pl.Series(names.phones(chance, country), dtype=pl.String),
        vat_id=pl.Series(names.vat_ids(chance, country), dtype=pl.String),
        industry=pl.Series(chance.choice(INDUSTRIES, traits.count)),
        parent=_parents(chance, traits),
    )
    return frame.with_columns(region=pl.col("country").replace_strict(names.REGIONS, return_dtype=pl.String))


def _parents(chance: np.random.Generator, traits: Traits) -> pl.Series:
    """A few companies belong to a larger one that isn't anybody's subsidiary itself."""
    is_child = (chance.random(traits.count) < SUBSIDIARY_SHARE) & (traits.tier < 2)
    (parents,) = np.nonzero((traits.tier > 0) & ~is_child)
    if not len(parents):
        return pl.Series([None] * traits.count, dtype=pl.Int32)
    return pl.Series(chance.choice(parents, traits.count), dtype=pl.Int32).set(pl.Series(~is_child), None)


def people_frame(seeds: Seeds, traits: Traits, companies: pl.DataFrame) -> pl.DataFrame:
    """One row per person, by company; the first four of each have its roles, the last may succeed its sponsor.

    `email` is the address at work, `private_email` the one that a person has everywhere else.
    """
    chance = seeds.generator("people")
    company = np.repeat(np.arange(traits.count), traits.people)
    count = len(company)
    rank = np.arange(count) - np.repeat(traits.people.cumsum() - traits.people, traits.people)
    role = np.minimum(rank, USER)
    end = to_seconds(END)
    signed_at, sponsor_left_at = traits.signed_at[company], traits.sponsor_left_at[company]
    succession = sponsor_left_at + (chance.exponential(SUCCESSION_DAYS, count) * DAY).astype(np.int64)
    succeeds = (rank == traits.people[company] - 1) & (rank > USER) & (succession < end)
    role[succeeds] = SPONSOR
    wait = np.where(rank < USER, 0, chance.exponential(JOIN_DAYS, count) * DAY).astype(np.int64)
    joined_at = np.where(succeeds, succession, np.minimum(signed_at + wait, end - 3600))
    stay = (chance.exponential(STAY_MONTHS * 30.4, count) * DAY).astype(np.int64) + DAY
    left_at = np.where(rank == SPONSOR, sponsor_left_at, joined_at + stay)
    # Those who buy, champion and pay are replaced without a trace; only sponsors and users come and go.
    has_left = (left_at < end) & np.isin(role, (SPONSOR, USER)) & ~succeeds
    country = np.array(COUNTRIES, object)[traits.country][company]
    first, last = names.person_names(chance, country)
    city = np.where(
        chance.random(count) < MOVED_SHARE, names.cities(chance, country), companies["city"].to_numpy()[company]
    )
    born = (np.datetime64(END, "D").astype(np.int64) - (chance.uniform(22, 64, count) * 365.25)).astype(np.int64)
    frame = pl.DataFrame(
        {
            "person": np.arange(count, dtype=np.int32),
            "company": company.astype(np.int32),
            "first_name": pl.Series(first, dtype=pl.String),
            "last_name": pl.Series(last, dtype=pl.String),
            "email": pl.Series(
                names.work_emails(chance, first, last, companies["domain"].to_numpy()[company]), dtype=pl.String
            ),
            "phone": pl.Series(names.phones(chance, country, is_mobile=True), dtype=pl.String),
            "role": pl.Series(np.array(ROLES)[role]),
            "country": pl.Series(country, dtype=pl.String),
            "city": pl.Series(city, dtype=pl.String),
            "street": pl.Series(names.streets(chance, country), dtype=pl.String),
            "postal_code": pl.Series(names.postal_codes(chance, country, city), dtype=pl.String),
            "birth_date": pl.Series(born.astype(np.int32)).cast(pl.Date),
            "joined_at": as_times("joined_at", joined_at),
            "left_at": as_times("left_at", left_at, has_left),
            "is_product_user": chance.random(count) < USES_PRODUCT[role],
        }
    )
    private = names.private_emails(seeds.generator("people.private_emails"), first, last, country)
    return frame.with_columns(title=_titles(chance, role), private_email=private)


def _titles(chance: np.random.Generator, role: np.ndarray) -> pl.Series:
    title = np.empty(len(role), object)
    for place, titles in enumerate(TITLES.values()):
        here = np.flatnonzero(role == place)
        title[here] = chance.choice(np.array(titles, object), len(here))
    return pl.Series(title, dtype=pl.String)
