"""Values so that only who knows them recognises them: what `tenure explain` shows unless asked for all."""

import re


def mask(id_type: str, value: str) -> str:
    """A value so that only who knows it recognises it: a***@x.example, +49…18, A** L**; ids and domains stay."""
    if "@" in value:
        mailbox, _, domain = value.rpartition("@")
        return f"{mailbox[:1]}***@{domain}"
    if id_type in ("external_id", "domain", "customer", "device"):
        return value
    if id_type == "phone":
        return f"{value[:3]}…{value[-2:]}" if len(value) > 6 else "…"
    if id_type in ("name", "first_name"):
        return " ".join(f"{word[:1].upper()}**" for word in value.split())
    if id_type == "birth_date":
        return re.sub(r"\d", "*", value)
    return f"{value[:2]}***"


def shown_record(record_id: str, show_values: bool) -> str:
    """A record as source/list/id; an id that is an address is masked."""
    source, list_kind, number = record_id.split("/", 2)
    return f"{source}/{list_kind}/{shown_id(number, show_values)}"


def shown_id(source_record_id: str, show_values: bool) -> str:
    """A source's id of a record; one that is an address is masked."""
    return source_record_id if show_values or "@" not in source_record_id else mask("email", source_record_id)
