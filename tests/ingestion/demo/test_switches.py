"""Each kind of damage is a switch of its own, also on the command line."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from ingestion.demo import billing, hubspot, read_damage, storefront, support
from ingestion.demo.damage import BREAKING, DEFAULT, NONE, Damage
from ingestion.demo.shop import Shop, simulate_shop
from ingestion.demo.usage import write_events
from ingestion.demo.world import World, build_world
from ingestion.errors import UserError


@cache
def _world() -> World:
    return build_world(customers=300, months=6, rng=7)


@cache
def _shop() -> Shop:
    world = _world()
    return simulate_shop(world.seeds, world.months, shoppers=600, reorder=world.story.reorder, people=world.people)


def _segment(damage: Damage) -> pl.DataFrame:
    with TemporaryDirectory() as folder:
        return write_events(_world(), damage, Path(folder), 6_000)["damaged"]


SYSTEMS: dict[str, Callable[[Damage], pl.DataFrame]] = {
    "hubspot": lambda damage: hubspot.exports(_world(), damage).truth["damaged"],
    "stripe": lambda damage: billing.exports(_world(), damage).truth["damaged"],
    "zendesk": lambda damage: support.exports(_world(), damage).truth["damaged"],
    "shopify": lambda damage: storefront.exports(_shop(), damage).truth["damaged"],
    "segment": _segment,
}
CONTRADICTED = {
    "crm_active_billing_ended", "crm_former_billing_active", "green_while_support_red",
    "plan_differs", "renewal_date_differs",
}  # fmt: skip
# Setting: a system that shows it, and what that system's list then has.
PLANTED: dict[str, tuple[str, set[str]]] = {
    "duplicates": ("hubspot", {"duplicate", "of_duplicate"}),
    "cross_system": ("hubspot", {"cross_system"}),
    "merged": ("hubspot", {"merged"}),
    "name_variants": ("hubspot", {"name_variant", "email_variant"}),
    "address_variants": ("hubspot", {"address_variant"}),
    "legal_suffixes": ("hubspot", {"legal_suffix"}),
    "shared_mailboxes": ("hubspot", {"shared_mailbox"}),
    "shared_phones": ("hubspot", {"shared_phone"}),
    "test_accounts": ("hubspot", {"test_account"}),
    "null_likes": ("hubspot", {"null_like"}),
    "parents_emails": ("shopify", {"parents_email"}),
    "clock_skew": ("segment", {"clock_skew"}),
    "time_zones": ("hubspot", {"time_zone"}),
    "late_events": ("segment", {"late"}),
    "twice_delivered": ("hubspot", {"twice_delivered"}),
    "corrected": ("hubspot", {"corrected"}),
    "hard_deleted": ("hubspot", {"hard_deleted"}),
    "missing_day": ("zendesk", {"missing_day"}),
    "added_column": ("hubspot", {"added_column"}),
    "broken_rows": ("hubspot", {"broken_row"}),
    "contradictions": ("hubspot", CONTRADICTED),
    "missing_column": ("stripe", {"missing_column"}),
    "retyped_column": ("stripe", {"retyped_column"}),
}
# A company that is in one CRM only, because the other is off, may be contradicted instead of another.
SWAPPED = {"cross_system": CONTRADICTED}


@cache
def _kinds(system: str, damage: Damage) -> set[str]:
    return set(SYSTEMS[system](damage)["damage"])


def test_every_setting_is_told_of() -> None:
    assert set(PLANTED) | {"most_days_late"} == {setting.name for setting in fields(Damage)}


@pytest.mark.parametrize("name", PLANTED)
def test_each_kind_can_be_switched_on_alone(name: str) -> None:
    system, planted = PLANTED[name]
    alone = replace(NONE, **{name: getattr(BREAKING, name)})
    # An order repeats what its customer's record says, and so shows any change of that.
    assert _kinds(system, alone) - {"other_buyer"} == planted


@pytest.mark.parametrize("name", PLANTED)
def test_each_kind_can_be_switched_off_alone(name: str) -> None:
    system, planted = PLANTED[name]
    whole = BREAKING if name.endswith("column") else DEFAULT
    without = replace(whole, **{name: getattr(NONE, name)})
    swapped = SWAPPED.get(name, set())
    assert _kinds(system, whole) - _kinds(system, without) - swapped == planted
    assert _kinds(system, without) - swapped <= _kinds(system, whole)


@pytest.mark.parametrize("name", ["corrected", "hard_deleted", "late_events"])
def test_what_two_exports_show_needs_none_of_the_others(name: str) -> None:
    """Records that were touched since the first export are corrections, and come with the second alone otherwise."""
    exports = hubspot.exports(_world(), replace(NONE, **{name: 0.05}))
    (_, first), (_, second) = exports.tables["contacts"]
    both = first.join(second, on="id", suffix="_new")
    assert len(both) > 100
    assert (both["lastmodifieddate"] != both["lastmodifieddate_new"]).any() == (name == "corrected")
    assert (len(first) > len(both)) == (name == "hard_deleted")


def test_damage_is_read_from_words() -> None:
    assert read_damage("default") == DEFAULT
    assert read_damage("none,duplicates=0.05, missing_day=true") == replace(NONE, duplicates=0.05, missing_day=True)
    assert read_damage("breaking,broken_rows=5") == replace(BREAKING, broken_rows=5)
    assert read_damage("late_events=0") == replace(DEFAULT, late_events=0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "much",
            r"no damage 'much': give a profile \(default, none, breaking\), or name=value with one of duplicates,",
        ),
        ("none,doubles=1", "no damage 'doubles'"),
        ("none,none", "no damage 'none'"),
        ("duplicates", "duplicates is a share from 0 to 1, not ''"),
        ("duplicates=2", "duplicates is a share from 0 to 1, not '2'"),
        ("duplicates=nan", "not 'nan'"),
        ("broken_rows=-1", "broken_rows is a whole number from 0, not '-1'"),
        ("missing_day=maybe", "missing_day is true or false, not 'maybe': give for instance missing_day=True"),
    ],
)
def test_damage_that_is_none_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_damage(text)
