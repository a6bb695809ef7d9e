"""Public sets of records with known duplicates, through files and a whole run: what the command line makes of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl

from ingestion.home import PROJECT_ROOT, Home
from tests.conftest import Run, run_pipeline
from tests.labelled import fodors_zagats
from tests.marts import made

EXAMPLES = PROJECT_ROOT / "ingestion" / "examples"


@dataclass(frozen=True)
class PublicSet:
    """A set, the mapping that ships for it, and the pairwise marks that it has to reach."""

    name: str
    example: str
    entity: str = "person"
    variables: tuple[tuple[str, str], ...] = ()
    least_f1: float = 0.99
    least_precision: float = 0.0

    def run(self, data: Path, folder: Path) -> Run:
        """A whole run of the set, with its labels, in a home in `folder`."""
        with patch.dict(os.environ, {"TENURE_DATA": str(data), **dict(self.variables)}):
            return run_pipeline(folder / "home", self._sources(data, folder))

    def identity(self, data: Path, folder: Path) -> Home:
        """The set's identity alone, with its quality, in a home in `folder`."""
        with patch.dict(os.environ, {"TENURE_DATA": str(data), **dict(self.variables)}):
            return made(folder / "home", self._sources(data, folder), "rpt_identity_quality")

    def _sources(self, data: Path, folder: Path) -> Path:
        sources = EXAMPLES / f"{self.example}.yml"
        return _with_labels(data, sources, folder) if self.example == "fodors_zagats" else sources

    def quality(self, sql: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, tuple[float, float, float]]:
        """Value and 95 % interval of each metric of all records, as `sql` finds them."""
        rows = sql(
            f"""select metric, value, ci_low, ci_high from marts.rpt_identity_quality
            where entity = '{self.entity}' and segment = 'all'"""
        )
        return {metric: (value, low, high) for metric, value, low, high in rows}


SETS = (
    *(PublicSet(f"FEBRL {number}", "febrl", variables=(("FEBRL_SET", str(number)),)) for number in (1, 2, 3)),
    PublicSet("fake_1000", "fake_1000", least_f1=0.80, least_precision=0.95),
    PublicSet("Fodors-Zagats", "fodors_zagats", entity="customer", least_f1=0.95),
)


def _with_labels(data: Path, example: Path, folder: Path) -> Path:
    """A sources.yml with the labels too: the set has pairs that match, and a label is of one record."""
    labels = fodors_zagats(data).entities.select(
        record_id=pl.lit("restaurant-") + pl.col("record_id").str.extract(r"(\d+)"), entity_label="entity_id"
    )
    labels.write_csv(folder / "labels.csv")
    mapping = """    identity_labels:
      path: labels.csv
      columns:
        list_kind: "'customer'"
        record_id: record_id
        entity_label: entity_label
"""
    sources = folder / "sources.yml"
    sources.write_text(example.read_text() + mapping)
    return sources
