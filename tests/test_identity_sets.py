"""Public sets of records with known duplicates, through files and a whole run alone."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ingestion.home import PROJECT_ROOT
from tests.conftest import Run, run_pipeline
from tests.labelled import fodors_zagats

pytestmark = pytest.mark.whole_run
EXAMPLES = PROJECT_ROOT / "ingestion" / "examples"
METRICS = ("pair_precision", "pair_recall", "pair_f1", "b3_precision", "b3_recall", "b3_f1")


@dataclass(frozen=True)
class PublicSet:
    """A set, the mapping that ships for it, and the pairwise marks that it has to reach."""

    name: str
    example: str
    entity: str = "person"
    variables: tuple[tuple[str, str], ...] = ()
    least_f1: float = 0.99
    least_precision: float = 0.0


FEBRL = [PublicSet(f"FEBRL {number}", "febrl", variables=(("FEBRL_SET", str(number)),)) for number in (1, 2, 3)]
SETS = [
    *FEBRL,
    PublicSet("fake_1000", "fake_1000", least_f1=0.80, least_precision=0.95),
    PublicSet("Fodors-Zagats", "fodors_zagats", entity="customer", least_f1=0.95),
]
IN_SUITE = "FEBRL 1"


@pytest.mark.parametrize(
    "public_set",
    [pytest.param(one, id=one.name, marks=() if one.name == IN_SUITE else pytest.mark.wide) for one in SETS],
)
def test_public_set_reaches_its_marks(
    public_set: PublicSet, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = public_set.example
    if not (data / folder).is_dir():
        pytest.skip(f"needs the public set {folder}: set TENURE_DATA to the folder that holds it")
    monkeypatch.setenv("TENURE_DATA", str(data))
    for name, value in public_set.variables:
        monkeypatch.setenv(name, value)
    sources = EXAMPLES / f"{public_set.example}.yml"
    if public_set.example == "fodors_zagats":
        sources = _with_labels(data, sources, tmp_path)
    run = run_pipeline(tmp_path / "home", sources)
    assert run.succeeded, run.errors
    quality = _quality(run, public_set.entity)
    print(f"{public_set.name:14}", " ".join(f"{metric} {quality[metric]:.4f}" for metric in METRICS))
    assert quality["pair_f1"] >= public_set.least_f1
    assert quality["pair_precision"] >= public_set.least_precision


def _quality(run: Run, entity: str) -> dict[str, float]:
    rows = run.sql(
        f"select metric, value from marts.rpt_identity_quality where entity = '{entity}' and segment = 'all'"
    )
    return {str(metric): float(str(value)) for metric, value in rows}


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
