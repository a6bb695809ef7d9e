"""Random histories of customers, and a second account of their revenue: each day by itself, slow and plain."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.revenue import Revenue

START = datetime.fromisoformat("2024-01-01")
DAYS = 120
STATUSES = ("active", "active", "active", "past_due", "trialing", "canceled", "paused", "unpaid")


@dataclass
class Story:
    """A customer's subscriptions and items, as versions in the order of their times."""

    customer: str
    subscriptions: list[dict[str, Any]]
    items: list[dict[str, Any]]


def make_story(number: int) -> Story:
    """Overlapping, back-dated, same-day, zero-length and future versions, in no order."""
    chance = random.Random(number)
    story = Story(f"c{number}", [], [])
    for sub in range(chance.randint(1, 3)):
        name = f"{number}-{sub}"
        begins = chance.randint(0, DAYS - 20)
        for version in range(chance.randint(1, 5)):
            hours = begins * 24 + (0 if version == 0 else chance.choice([0, 5, 30, 400, 900, 2000, 4000]))
            status = "active" if version == 0 and chance.random() < 0.8 else chance.choice(STATUSES)
            at = START + timedelta(hours=hours)
            story.subscriptions.append(
                {
                    "name": name,
                    "at": at,
                    "load": f"load-{chance.randint(1, 3)}-{version}",
                    "status": status,
                    "is_paused": chance.random() < 0.1,
                    "rate": chance.choice([None, None, Fraction(1, 4), Fraction(1)]),
                    "until": at + timedelta(days=chance.randint(0, 60)) if chance.random() < 0.3 else None,
                    "ended": at + timedelta(days=chance.randint(-40, 90)) if chance.random() < 0.2 else None,
                }
            )
        for item in range(chance.randint(1, 3)):
            for version in range(chance.randint(1, 4)):
                hours = begins * 24 + (0 if version == 0 else chance.randint(0, 3000))
                story.items.append(
                    {
                        "subscription": name,
                        "name": f"{name}/{item}",
                        "at": START + timedelta(hours=hours),
                        "load": f"load-{chance.randint(1, 3)}-{version}",
                        "quantity": chance.choice([0, 1, 2, 5]),
                        "amount": chance.choice([12, 24, 120]),
                        "ended": START + timedelta(hours=hours + chance.choice([700, -300]))
                        if chance.random() < 0.1
                        else None,
                    }
                )
    return story


def feed(ledger: Revenue, stories: list[Story]) -> None:
    subscriptions, items, spells = [], [], []
    for story in stories:
        spells.append(
            {
                "entity": "customer",
                "source": "stripe",
                "list_kind": "customer",
                "source_record_id": story.customer,
                "durable_id": story.customer,
                "valid_from_date": date(2024, 5, 1),
            }
        )
        for version in story.subscriptions:
            subscriptions.append(
                {
                    "source": "stripe",
                    "source_subscription_id": version["name"],
                    "source_customer_id": story.customer,
                    "status": version["status"],
                    "currency": "EUR",
                    "is_collection_paused": version["is_paused"],
                    "discount_duration": None if version["rate"] is None else "repeating",
                    "discount_rate": None if version["rate"] is None else float(version["rate"]),
                    "discount_ends_at": version["until"],
                    "ended_at": version["ended"],
                    "valid_from_at": version["at"],
                    "load_id": version["load"],
                }
            )
        for version in story.items:
            items.append(
                {
                    "source": "stripe",
                    "source_subscription_id": version["subscription"],
                    "source_subscription_item_id": version["name"],
                    "plan": "team",
                    "currency": "EUR",
                    "billing_interval": "month",
                    "interval_count": 1,
                    "usage_type": "licensed",
                    "unit_amount": version["amount"],
                    "quantity": version["quantity"],
                    "ended_at": version["ended"],
                    "valid_from_at": version["at"],
                    "load_id": version["load"],
                }
            )
    ledger.add("int_billing__subscriptions", subscriptions)
    ledger.add("int_billing__subscription_items", items)
    ledger.add("int_customers__id_spells", spells)


def current(versions: list[dict[str, Any]], moment: datetime) -> dict[str, Any] | None:
    """The version that holds at a moment: the newest by then, of two from one time the later load's."""
    held = [version for version in versions if version["at"] <= moment]
    return max(held, key=lambda version: (version["at"], version["load"])) if held else None


def without_retold(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of versions that say one after the other that it is over, the last that tells of a day before its own."""
    held: list[dict[str, Any]] = []
    was_over = False
    for version in sorted(versions, key=lambda version: (version["at"], version["load"])):
        is_over = bool(version["ended"] and version["ended"] <= version["at"])
        if is_over and was_over:
            if version["ended"] < version["at"]:
                held[-1] = version
        else:
            held.append(version)
        was_over = is_over
    return held


def end_of(versions: list[dict[str, Any]], version: dict[str, Any]) -> datetime | None:
    """When it ends by a version: as it says, or as a later one tells of a time at which it still held, or before."""
    held = [current(versions, at) for at in sorted({other["at"] for other in versions})]
    ends = [other["ended"] for other in held if other]
    place = held.index(version)
    later = next((end for end in ends[place + 1 :] if end), None)
    earlier = next((end for end in reversed(ends[:place]) if end), None)
    if not later or later >= min(other["at"] for other in versions if other["at"] > version["at"]):
        return version["ended"]
    is_told = later >= version["at"] or later != earlier
    return later if is_told and (not version["ended"] or later < version["ended"]) else version["ended"]


def is_trial_still(versions: list[dict[str, Any]], moment: datetime) -> bool:
    """Whether all that a subscription has been is on trial, and then paused or not paid."""
    held = {at: current(versions, at) for at in {version["at"] for version in versions if version["at"] <= moment}}
    statuses = {version["status"] for version in held.values() if version}
    return "trialing" in statuses and statuses <= {"trialing", "paused", "past_due", "unpaid"}


def past_due_since(versions: list[dict[str, Any]], moment: datetime) -> datetime | None:
    times = sorted({version["at"] for version in versions if version["at"] <= moment})
    since = None
    for time in times:
        version = current(versions, time)
        assert version is not None
        since = (since or time) if version["status"] in ("past_due", "unpaid") else None
    return since


def levels(story: Story, dunning: int) -> Iterator[tuple[date, Fraction, bool]]:
    """A customer's MRR at the end of each day, and whether anything of theirs is alive, paid or not."""
    by_subscription: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_item: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for version in story.subscriptions:
        by_subscription[version["name"]].append(version)
    for version in story.items:
        by_item[version["name"]].append(version)
    by_subscription = {name: without_retold(versions) for name, versions in by_subscription.items()}
    by_item = {name: without_retold(versions) for name, versions in by_item.items()}
    for day in range(DAYS + 60):
        moment = START + timedelta(days=day + 1, microseconds=-1)
        total, is_alive = Fraction(0), False
        for name, versions in by_item.items():
            item = current(versions, moment)
            subscriptions = by_subscription[name.split("/")[0]]
            if item is None:
                continue
            subscription = current(subscriptions, moment) or min(
                subscriptions, key=lambda version: (version["at"], [-ord(letter) for letter in version["load"]])
            )
            since = past_due_since(subscriptions, moment)
            ended, item_ended = end_of(subscriptions, subscription), end_of(versions, item)
            if (
                subscription["status"] in ("trialing", "unpaid")
                or (subscription["status"] in ("paused", "past_due") and is_trial_still(subscriptions, moment))
                or (subscription["status"] == "canceled" and not subscription["ended"] and not item_ended)
                or (ended and ended <= moment)
                or (item_ended and item_ended <= moment)
                or (since and since + timedelta(days=dunning) <= moment)
            ):
                continue
            is_alive = True
            rate = subscription["rate"] or Fraction(0)
            if subscription["until"] and subscription["until"] <= moment:
                rate = Fraction(0)
            total += item["quantity"] * item["amount"] * (1 - rate)
        yield (START + timedelta(days=day)).date(), total, is_alive


def expected_movements(story: Story, dunning: int, as_of: date) -> list[tuple[date, str, Fraction]]:
    before, was_alive, has_paid = Fraction(0), False, False
    found = []
    for day, after, is_alive in levels(story, dunning):
        if day > as_of:
            break
        if after != before:
            if not before:
                movement = "expansion" if has_paid and was_alive else "reactivation" if has_paid else "new"
            elif not after:
                movement = "contraction" if is_alive else "churn"
            else:
                movement = "expansion" if after > before else "contraction"
            found.append((day, movement, after - before))
        has_paid = has_paid or after > 0
        before, was_alive = after, is_alive
    return found
