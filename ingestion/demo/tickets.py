"""The support tickets that the world's months tell of: as many, as slowly answered, and as badly ended."""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, Bools, Floats, Integers, as_times, to_seconds
from ingestion.demo.crm import seconds
from ingestion.demo.parties import CHAMPION, PAYER
from ingestion.demo.world import World

AGENT_COUNT = 30
CHANNELS = {"email": 0.5, "web": 0.24, "chat": 0.17, "whatsapp": 0.045, "facebook": 0.02, "twitter": 0.025}
SOCIAL = ("whatsapp", "facebook", "twitter")
PRIORITIES = {"low": 0.2, "normal": 0.5, "high": 0.22, "urgent": 0.08}
# Minutes within which a ticket of each priority has to be answered; a slow reply is one that comes later.
TARGET_MINUTES = {"low": 1440, "normal": 480, "high": 240, "urgent": 60}
CATEGORIES = {"how_to": 0.36, "bug": 0.26, "integration": 0.16, "access": 0.14, "feature_request": 0.08}
TYPES = {
    "how_to": "question", "bug": "problem", "integration": "problem", "access": "task", "feature_request": "question",
    "outage": "incident", "billing": "question",
}  # fmt: skip
OUTAGE_HALF, BILLING_SHARE = 6.0, 0.5
FAST, SLOW = (0.03, 0.9), (1.3, 8.0)
MINUTE = 60


def tickets(world: World) -> pl.DataFrame:
    """One row per ticket, in the order of their opening.

    ticket, company, person (who asked), channel, category, type, priority, is_escalated, is_slow (answered after its
    target), target_minutes, agent (0 to 29), satisfaction (the company's, 0 to 1), created_at, replied_at and solved_at
    (null where that lies beyond END).
    """
    chance = world.seeds.generator("support.tickets")
    panel = world.panel.join(
        world.companies.select("company", "signed_at"), on="company", how="left", maintain_order="left"
    )
    count = panel["ticket_count"].to_numpy()
    rows = panel[np.repeat(np.arange(len(panel)), count).tolist()]
    size = len(rows)
    created = _openings(chance, rows)
    is_slow = _slow(chance, panel, count)
    category = _categories(chance, rows)
    priority = chance.choice(list(PRIORITIES), size, p=list(PRIORITIES.values()))
    target = pl.Series(priority).replace_strict(TARGET_MINUTES, return_dtype=pl.Int64).to_numpy()
    satisfaction = rows["satisfaction"].to_numpy()
    share = np.where(is_slow, chance.uniform(*SLOW, size), chance.uniform(*FAST, size))
    replied = created + np.maximum(share * target * MINUTE, 20).astype(np.int64)
    # Unhappy customers have the harder cases, or the other way round.
    effort = np.exp(chance.normal(2.2 + 1.2 * (1 - satisfaction), 1.0, size))
    solved = replied + np.maximum(effort * HOUR, 5 * MINUTE).astype(np.int64)
    is_escalated = chance.random(size) < 0.015 + 0.12 * is_slow + 0.06 * (1 - satisfaction)
    last = to_seconds(END)
    frame = pl.DataFrame(
        {
            "company": rows["company"],
            "person": _requesters(world, chance, rows["company"].to_numpy(), category == "billing", created),
            "channel": chance.choice(list(CHANNELS), size, p=list(CHANNELS.values())),
            "category": category,
            "priority": priority,
            "is_escalated": is_escalated,
            "is_slow": is_slow,
            "target_minutes": target,
            "agent": chance.integers(0, AGENT_COUNT, size),
            "satisfaction": satisfaction,
            "created_at": as_times("created_at", created),
            "replied_at": as_times("replied_at", replied, replied <= last),
            "solved_at": as_times("solved_at", solved, solved <= last),
        }
    ).with_columns(type=pl.col("category").replace_strict(TYPES))
    return frame.sort("created_at", "company", "person").with_row_index("ticket").cast({"ticket": pl.Int64})


def _openings(chance: np.random.Generator, rows: pl.DataFrame) -> Integers:
    """Moments within each row's month while the company was a customer, in working hours where that leaves a choice."""
    month = rows["month"].cast(pl.Datetime("us"))
    first = np.maximum(seconds(month), seconds(rows["signed_at"]))
    left = np.where(rows["churned_at"].is_null().to_numpy(), to_seconds(END), seconds(rows["churned_at"]))
    last = np.maximum(np.minimum(np.minimum(seconds(month.dt.offset_by("1mo")), left), to_seconds(END)) - 1, first)
    at = first + (chance.random(len(rows)) * (last - first)).astype(np.int64)
    hour = np.clip(chance.normal(12.5, 3.5, len(rows)), 0, 23.99) * HOUR
    in_hours = at // DAY * DAY + hour.astype(np.int64)
    return np.asarray(np.where((in_hours >= first) & (in_hours <= last), in_hours, at))


def _slow(chance: np.random.Generator, panel: pl.DataFrame, count: Integers) -> Bools:
    """Of each month's tickets exactly the share that the panel says was answered slowly."""
    slow = np.round(panel["slow_reply_share"].to_numpy() * count).astype(np.int64)
    month = np.repeat(np.arange(len(count)), count)
    order = np.lexsort((chance.random(len(month)), month))
    place = np.empty(len(month), np.int64)
    place[order] = np.arange(len(month)) - np.repeat(count.cumsum() - count, count)
    return np.asarray(place < slow[month])


def _categories(chance: np.random.Generator, rows: pl.DataFrame) -> np.ndarray:
    outage, draw = rows["outage_hours"].to_numpy(), chance.random((2, len(rows)))
    usual = chance.choice(list(CATEGORIES), len(rows), p=list(CATEGORIES.values()))
    is_billing = rows["payment_failed"].to_numpy() & (draw[1] < BILLING_SHARE)
    return np.where(is_billing, "billing", np.where(draw[0] < outage / (outage + OUTAGE_HALF), "outage", usual))


def _requesters(
    world: World, chance: np.random.Generator, company: Integers, is_billing: Bools, created: Integers
) -> Integers:
    """Somebody of the company who is there at the time; its champion, or for bills its payer, where the lot fails."""
    counts = np.bincount(world.people["company"].to_numpy(), minlength=len(world.companies))
    first = (counts.cumsum() - counts)[company]
    joined, left = seconds(world.people["joined_at"]), seconds(world.people["left_at"])
    person = np.where(is_billing, first + PAYER, first + CHAMPION)
    is_open = ~is_billing
    for draw in _draws(chance, len(company)):
        drawn = first + (draw * counts[company]).astype(np.int64)
        fits = is_open & (joined[drawn] <= created) & ((left[drawn] == 0) | (left[drawn] > created))
        person = np.where(fits, drawn, person)
        is_open &= ~fits
    return person


def _draws(chance: np.random.Generator, size: int) -> list[Floats]:
    # Squared, so that some write often and many seldom.
    return [chance.random(size) ** 2 for _ in range(3)]
