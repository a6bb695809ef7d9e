"""Who shops: traits, names, addresses and households of the consumer shop's customers."""

from datetime import date

import numpy as np
import polars as pl

from ingestion.demo import names
from ingestion.demo.clock import END, Floats
from ingestion.demo.purchases import DAYS_PER_MONTH, ShopCalendar
from ingestion.demo.story import SHOPPING_SEASON, logistic

COUNTRIES = {"DE": 0.42, "FR": 0.2, "NL": 0.14, "AT": 0.1, "BE": 0.08, "IT": 0.06}
GROWTH_PER_MONTH = 0.02
BUYER_LOG_ODDS = 3.0
CHILD_SHARE, PARTNER_SHARE = 0.02, 0.06
# Shoppers who also work for one of the vendor's customers.
COLLEAGUE_SHARE = 0.01
_KEYS = ("shopper", "person", "parent", "partner")
_HOME = ("country", "city", "street", "postal_code")


def make_shoppers(
    random: np.random.Generator, calendar: ShopCalendar, count: int, people: pl.DataFrame | None
) -> pl.DataFrame:
    """One row per shopper, in the order of their arrival; `people`: people of companies, of whom some shop here too.

    Returns: shopper, person (null: none of `people`), parent (a child's), partner (whoever lives together has one
    address), first_name, last_name, email, phone, country, city, street, postal_code, birth_date, taste,
    price_sensitivity, is_member, has_mail_consent, has_account, registered_day, first_day (infinity: never orders).
    """
    arrival = _arrivals(random, calendar, count)
    taste = random.standard_normal(count)
    price_sensitivity = random.beta(2, 2.5, count)
    is_member = random.random(count) < logistic(-0.7 + 0.4 * taste + 0.8 * price_sensitivity)
    is_buyer = random.random(count) < logistic(BUYER_LOG_ODDS + 0.3 * taste)
    days_before = np.where(random.random(count) < 0.8, 1 / 96, random.exponential(8, count))
    shoppers = _identities(random, count, people).with_columns(
        taste=taste,
        price_sensitivity=price_sensitivity,
        is_member=is_member,
        has_mail_consent=random.random(count) < logistic(0.5 + 0.3 * taste),
        has_account=is_member | (random.random(count) < 0.55),
        registered_day=np.maximum(arrival - days_before, 0),
        first_day=np.where(is_buyer, arrival, np.inf),
    )
    return _with_households(random, shoppers)


def _arrivals(random: np.random.Generator, calendar: ShopCalendar, count: int) -> Floats:
    """Days, sorted: more of them as the shop grows and in its season, most of them between morning and evening."""
    whole = np.arange(np.ceil(calendar.days), dtype=np.float64)
    season = np.exp(SHOPPING_SEASON[calendar.month_of_year - 1])[calendar.month(whole)]
    weight = (1 + GROWTH_PER_MONTH) ** (whole / DAYS_PER_MONTH) * season
    hour = np.clip(random.normal(0.6, 0.14, count), 0.01, 0.99)
    day = random.choice(whole, count, p=weight / weight.sum()) + hour
    # The last day ends at END: who would have come after it came the day before.
    return np.sort(np.where(day > calendar.days, np.maximum(day - 1, 0), day))


def _identities(random: np.random.Generator, count: int, people: pl.DataFrame | None) -> pl.DataFrame:
    country = random.choice(np.array(list(COUNTRIES), object), count, p=list(COUNTRIES.values()))
    first_name, last_name = names.person_names(random, country)
    city = names.cities(random, country)
    made = pl.DataFrame(
        {
            "shopper": np.arange(count),
            "person": pl.Series([None] * count, dtype=pl.Int32),
            "first_name": pl.Series(first_name, dtype=pl.String),
            "last_name": pl.Series(last_name, dtype=pl.String),
            "country": pl.Series(country, dtype=pl.String),
            "city": pl.Series(city, dtype=pl.String),
            "street": pl.Series(names.streets(random, country), dtype=pl.String),
            "postal_code": pl.Series(names.postal_codes(random, country, city), dtype=pl.String),
            "birth_date": _birth_dates(np.clip(random.normal(41, 13, count), 18, 85)),
            "private_email": pl.Series([None] * count, dtype=pl.String),
        }
    )
    if people is not None:
        made = _with_colleagues(random, made, people)
    countries = made["country"].to_numpy().astype(object)
    first, last = made["first_name"].to_numpy(), made["last_name"].to_numpy()
    email = names.private_emails(random, first, last, countries, None if people is None else people["private_email"])
    phone = pl.Series(names.phones(random, countries, is_mobile=True), dtype=pl.String)
    return made.with_columns(
        # Whoever is one of the people has an address already.
        email=pl.coalesce("private_email", email),
        phone=pl.when(pl.Series(random.random(count) < 0.7)).then(phone),
    ).drop("private_email")


def _birth_dates(age: Floats) -> pl.Series:
    today = np.datetime64(date(END.year, END.month, END.day))
    return pl.Series(today - np.round(age * 365.25).astype("timedelta64[D]"))


def _with_colleagues(random: np.random.Generator, made: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Some shoppers are people of companies: the same human with the same name, home, date of birth and address."""
    known = people.filter(pl.col("country").is_in(list(COUNTRIES)))
    size = min(round(len(made) * COLLEAGUE_SHARE), len(known))
    columns = ["person", "first_name", "last_name", "birth_date", "private_email", *_HOME]
    chosen = known[random.choice(len(known), size, replace=False)].select(columns)
    place = pl.Series("shopper", np.sort(random.choice(len(made), size, replace=False)))
    return made.update(chosen.with_columns(place, pl.col("person").cast(pl.Int32)), on="shopper", how="left")


def _with_households(random: np.random.Generator, shoppers: pl.DataFrame) -> pl.DataFrame:
    """Make some shoppers children or partners of others, in the same home."""
    count = len(shoppers)
    # People of companies stay as they are, so that what is known of them holds.
    free = np.flatnonzero(shoppers["person"].is_null().to_numpy())
    drawn = random.permutation(free)
    children, partners = round(count * CHILD_SHARE), round(count * PARTNER_SHARE)
    members, others = drawn[: children + partners], drawn[children + partners :]
    size = min(len(members), len(others))
    is_child = np.arange(size) < children
    links = pl.DataFrame(
        {
            "shopper": members[:size],
            "parent": pl.Series(others[:size]).set(pl.Series(~is_child), None),
            "partner": pl.Series(others[:size]).set(pl.Series(is_child), None),
            "keeps_name": ~is_child & (random.random(size) < 0.3),
            "age": np.where(is_child, random.uniform(10, 17, size), 0),
        }
    ).with_columns(head=pl.coalesce("parent", "partner"))
    shared = (*_HOME, "last_name")
    heads = shoppers.select(pl.col("shopper").alias("head"), *(pl.col(name).alias(f"head_{name}") for name in shared))
    linked = shoppers.join(links, on="shopper", how="left", maintain_order="left").join(
        heads, on="head", how="left", maintain_order="left"
    )
    is_linked, is_kid = pl.col("head").is_not_null(), pl.col("parent").is_not_null()
    child_birth = _birth_dates(linked["age"].fill_null(0).to_numpy())
    return linked.with_columns(
        *(pl.when(is_linked).then(f"head_{name}").otherwise(name).alias(name) for name in _HOME),
        last_name=pl.when(is_linked & ~pl.col("keeps_name")).then("head_last_name").otherwise("last_name"),
        birth_date=pl.when(is_kid).then(child_birth).otherwise("birth_date"),
        is_member=pl.col("is_member") & ~is_kid,
        has_mail_consent=pl.col("has_mail_consent") & ~is_kid,
    ).select(*_KEYS, pl.all().exclude(*_KEYS, "^head.*$", "keeps_name", "age"))
