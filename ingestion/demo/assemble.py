"""Writes the demo company's exports, its truth and its `sources.yml`."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from ingestion.demo import (
    billing,
    feedback,
    hubspot,
    loyalty,
    marketing,
    salesforce,
    storefront,
    success,
    support,
)
from ingestion.demo.contradictions import KINDS
from ingestion.demo.damage import DEFAULT, Damage
from ingestion.demo.shop import Shop, simulate_shop
from ingestion.demo.truth import gathered, identity_labels, world_truth
from ingestion.demo.usage import write_events
from ingestion.demo.world import World, build_world
from ingestion.demo.write import Exports, write_exports, write_truth
from ingestion.errors import UserError
from ingestion.text import listed

logger = logging.getLogger("tenure.demo")

SHOPPERS_PER_CUSTOMER = 15
WORLD_SYSTEMS: dict[str, Callable[[World, Damage], Exports]] = {
    "hubspot": hubspot.exports,
    "salesforce": salesforce.exports,
    "stripe": billing.exports,
    "zendesk": support.exports,
    "delighted": feedback.exports,
    "files": success.exports,
}
SHOP_SYSTEMS: dict[str, Callable[[Shop, Damage], Exports]] = {
    "shopify": storefront.exports,
    "klaviyo": marketing.exports,
    "smile": loyalty.exports,
}
# Systems whose exports are JSON lines; the others' are CSV, and the product events are Parquet.
JSON_LINES = ("zendesk", "klaviyo")
# The demo is written here first, so that a demo that was cut off is never taken for a whole one.
DRAFT = ".demo"


def _sources() -> str:
    connectors = [name for name in (*WORLD_SYSTEMS, "segment", *SHOP_SYSTEMS) if name != "files"]
    files = {
        table: {"path": f"exports/files/{table}*.csv", "columns": columns} for table, columns in success.COLUMNS.items()
    }
    document = {name: {"exports": f"exports/{name}"} for name in connectors} | {"files": files}
    text = yaml.safe_dump({"sources": document}, sort_keys=False, width=120)
    return f"# The demo company's exports: a folder per system, and the files of the success teams.\n{text}"


SOURCES = _sources()


def write_demo(
    folder: Path,
    *,
    customers: int = 2000,
    months: int = 24,
    events: int = 3_000_000,
    rng: int = 7,
    is_acausal: bool = False,
    damage: Damage = DEFAULT,
) -> Path:
    """Write the demo company into `folder`: `exports/`, `truth/` and `sources.yml`; returns the path of the latter.

    `customers`: companies; there are 20 people and 15 shoppers to each. `months`: length of the history, before the
    month that 17 June 2026 cuts off. `events`: about how many product events. `is_acausal`: nothing influences
    anything. The same arguments give the same bytes.

    Raises:
        UserError: too few customers, months or events, the folder can't be written, or what is in it isn't the demo's.
    """
    if customers < 1 or months < 1 or events < 1:
        raise UserError("the demo needs at least 1 customer, 1 month and 1 event: give higher numbers.")
    path, draft = folder / "sources.yml", folder / DRAFT
    _check_folder(folder, path)
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write(draft, customers, months, events, rng, is_acausal=is_acausal, damage=damage)
        for name in ("exports", "truth"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (draft / name).rename(folder / name)
        draft.rmdir()
        path.write_text(SOURCES, encoding="utf-8")
    except OSError as error:
        raise UserError(f"the demo can't be written to {folder}: {error.strerror}.") from error
    return path


def _check_folder(folder: Path, path: Path) -> None:
    try:
        is_ours = path.exists() and path.read_text(encoding="utf-8") == SOURCES
        if path.exists() and not is_ours:
            raise UserError(f"{path} is not the demo's: the demo would overwrite it; use another --home, or remove it.")
        for name in ("exports", "truth"):
            if (folder / name).exists() and not is_ours:
                raise UserError(
                    f"{folder / name} is there without the demo's sources.yml: the demo would overwrite it; "
                    "use another --home, or remove it."
                )
    except OSError as error:
        raise UserError(f"the demo can't be written to {folder}: {error.strerror}.") from error


def _write(
    folder: Path, customers: int, months: int, events: int, rng: int, *, is_acausal: bool, damage: Damage
) -> None:
    exported: list[Exports] = []
    stage = _Stage()
    world = build_world(customers=customers, months=months, rng=rng, is_acausal=is_acausal)
    stage.done(f"simulated {customers:,} companies with {len(world.people):,} people over {months} months")
    for system, export in WORLD_SYSTEMS.items():
        exported.append(_deliver(stage, folder, system, export(world, damage)))
    usage = write_events(world, damage, folder / "exports" / "segment", events)
    exported.append(Exports({}, usage))
    stage.done(f"segment: about {events:,} events")
    shop = simulate_shop(
        world.seeds,
        world.months,
        shoppers=SHOPPERS_PER_CUSTOMER * customers,
        reorder=world.story.reorder,
        people=world.people,
    )
    stage.done(f"simulated {len(shop.shoppers):,} shoppers with {len(shop.orders):,} orders")
    for system, export_shop in SHOP_SYSTEMS.items():
        exported.append(_deliver(stage, folder, system, export_shop(shop, damage)))
    truth = world_truth(world) | gathered(exported)
    truth["identity_labels"] = identity_labels(truth["records"], truth["damaged"])
    write_truth(folder / "truth", truth)
    stage.done("wrote the truth")
    absent = [kind for kind in KINDS if kind not in set(truth["contradictions"]["kind"])]
    if damage.contradictions >= len(KINDS) and absent:
        logger.warning("no company fits some kinds of contradictions, so they are missing: %s", listed(absent))


def _deliver(stage: "_Stage", folder: Path, system: str, exports: Exports) -> Exports:
    tables = exports.tables
    write_exports(folder / "exports" / system, tables, json_lines=tables if system in JSON_LINES else ())
    rows = sum(len(frame) for files in tables.values() for _, frame in files)
    stage.done(f"{system}: {rows:,} rows in {len(tables)} tables")
    # What is written needs no place in memory any more.
    return Exports({}, exports.truth)


class _Stage:
    """Says of each stage what it did and how long it took."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def done(self, what: str) -> None:
        now = time.perf_counter()
        logger.info("%s, %.1f s", what, now - self._began)
        self._began = now
