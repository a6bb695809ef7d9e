"""Records come in: the raw tables, their quarantine, and the load manifest, as assets."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.contracts import read_contracts
from ingestion.home import connect_warehouse, sources_path
from ingestion.load import load_sources
from ingestion.sources import read_sources
from orchestration.dbt_project import DBT_PROJECT_DIR, dbt_manifest
from orchestration.resources import Deployment
from publishing.release import restore_state

log = logging.getLogger("tenure.ingestion")


def _raw_tables() -> list[dg.AssetSpec]:
    """Every dbt source table, under the key that dagster-dbt gives it, so that lineage joins by itself."""
    sources = json.loads(dbt_manifest().read_text())["sources"].values()
    return [
        dg.AssetSpec([node["source_name"], node["name"]], description=node["description"], group_name="ingestion")
        for node in sources
    ]


RAW_TABLES = _raw_tables()


@dg.multi_asset(specs=RAW_TABLES, name="ingest")
def ingest(deployment: Deployment) -> Iterator[dg.MaterializeResult[Any]]:
    """Load what is new in the connected sources; what breaks a contract is quarantined."""
    with deployment.step("load the sources") as home:
        sources = read_sources(sources_path(home, Path(deployment.sources) if deployment.sources else None))
        contracts = read_contracts(DBT_PROJECT_DIR)
        restore_state(home)
        with connect_warehouse(home) as warehouse:
            loaded = load_sources(
                warehouse,
                sources,
                contracts,
                landing=home.landing,
                accept_shrink=deployment.accept_shrink,
                received_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            )
        for spec in RAW_TABLES:
            new = [
                load for load in loaded.loads if load.is_new and [load.source, load.table_name] == list(spec.key.path)
            ]
            yield dg.MaterializeResult(
                asset_key=spec.key,
                metadata={
                    "loads": len(new),
                    "received": sum(load.received_count for load in new),
                    "loaded": sum(load.loaded_count for load in new),
                    "quarantined": sum(load.quarantined_count for load in new),
                    "superseded": sum(load.superseded_count for load in new),
                },
            )
