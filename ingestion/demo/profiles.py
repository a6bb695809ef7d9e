"""Damage as a command line names it: a profile, single kinds of damage, or a profile with some of them changed."""

from dataclasses import fields, replace
from typing import Any

from ingestion.demo.damage import BREAKING, DEFAULT, NONE, Damage
from ingestion.errors import UserError
from ingestion.text import listed

PROFILES = {"default": DEFAULT, "none": NONE, "breaking": BREAKING}
WORDS = {"true": True, "false": False}


def read_damage(text: str) -> Damage:
    """The damage that a text such as `none,duplicates=0.05` means; without a profile, the default with changes.

    Raises:
        UserError: a part is neither a profile nor a known kind with a value that it can have.
    """
    first, *others = (part.strip() for part in text.split(","))
    damage, changes = PROFILES.get(first), others
    if damage is None:
        damage, changes = DEFAULT, [first, *others]
    for change in changes:
        name, _, value = (part.strip() for part in change.partition("="))
        known = {setting.name: type(getattr(DEFAULT, setting.name)) for setting in fields(Damage)}
        if name not in known:
            raise UserError(
                f"there is no damage {name!r}: give a profile ({listed(PROFILES)}), or name=value with one of "
                f"{listed(known)}."
            )
        setting: dict[str, Any] = {name: _value(name, value, known[name])}
        damage = replace(damage, **setting)
    return damage


def _value(name: str, text: str, kind: type) -> float | bool:
    """A setting's value: a share, a count or a switch, as its default is."""
    try:
        value = WORDS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        value = None
    if value is None or not 0 <= value <= (1 if kind is float else value):
        expected = {bool: "true or false", int: "a whole number from 0", float: "a share from 0 to 1"}[kind]
        raise UserError(
            f"damage {name} is {expected}, not {text!r}: give for instance {name}={getattr(DEFAULT, name)}."
        )
    return value
