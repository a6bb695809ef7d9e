"""Who is who in the demo company, against its truth: precision, recall, and recall by kind of planted damage."""

from pathlib import Path

import polars as pl
import pytest

from analytics.linkage_quality import estimates
from ingestion.demo import write_demo
from ingestion.demo.truth import IDENTITY_DAMAGE
from tests.conftest import Run, run_pipeline
from tests.demo import connect, connected

pytestmark = pytest.mark.whole_run
LABELS = {name: name for name in ("list_kind", "source", "record_id", "entity_label", "label_group")}


def test_the_small_demo_s_records_are_put_together_as_they_belong(demo_run: Run) -> None:
    """The truth is joined to what analysts see, without labels in the run."""
    labels = demo_run.home.root / "truth" / "identity_labels.parquet"
    rows = demo_run.sql(
        f"""select map.entity, map.durable_id as cluster_id, labels.entity_label as entity_id
        from marts.map_source_records as map
        inner join '{labels}' as labels using (source, list_kind)
        where map.is_current and labels.record_id = map.source_record_id"""
    )
    frame = pl.DataFrame(rows, schema=["entity", "cluster_id", "entity_id"], orient="row")
    people, customers = (estimates(frame.filter(pl.col("entity") == entity)) for entity in ("person", "customer"))
    # Of so few pairs one merger of two shoppers is .003: that the interval reaches the mark is all that can be asked.
    for found, metric, mark in (
        (people, "pair_precision", 0.999),
        (people, "pair_recall", 0.97),
        (customers, "pair_precision", 0.995),
        (customers, "pair_recall", 0.95),
    ):
        assert found[metric].interval.high >= mark
        assert found[metric].value >= mark - 0.005


@pytest.mark.wide
def test_the_whole_demo_reaches_its_marks(tmp_path: Path) -> None:
    sources = write_demo(tmp_path)
    labels = {"path": str(tmp_path / "truth" / "identity_labels.parquet"), "columns": LABELS}
    systems = connected(sources)
    systems["files"]["identity_labels"] = labels
    run = run_pipeline(tmp_path / "home", connect(sources, "labelled.yml", systems))
    assert run.succeeded, run.errors
    rows = run.sql("select entity, metric, segment, value, num, den from marts.rpt_identity_quality order by all")
    for row in rows:
        print(*row)
    found = {(entity, metric, segment): value for entity, metric, segment, value, *_ in rows}
    assert found["person", "pair_precision", "all"] >= 0.999
    assert found["person", "pair_recall", "all"] >= 0.97
    assert found["customer", "pair_precision", "company"] >= 0.995
    assert found["customer", "pair_recall", "company"] >= 0.95
    shown = {segment for _, metric, segment in found if metric == "group_pair_recall"}
    # Of a child with a parent's mailbox, and of a tester, there is one record: no pair to be found.
    assert shown == set(IDENTITY_DAMAGE) - {"parents_email", "test_account"}
