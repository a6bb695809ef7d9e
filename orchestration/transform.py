"""dbt: the assets that it builds."""

import importlib.metadata
import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets
from packaging.version import Version

from ingestion.errors import UserError
from ingestion.failures import is_full_disk
from ingestion.home import Home, connect_warehouse, memory_limit
from ingestion.tables import set_as_of
from ingestion.text import sql_value
from orchestration.dbt_project import DBT_EXECUTABLE, DBT_MANIFEST, DBT_PROJECT_DIR, dbt_manifest, project_version
from orchestration.resources import Deployment
from orchestration.seed_files import check_seed_files
from publishing.release import lend_last_release, load_libraries

log = logging.getLogger("tenure.transform")


_SEEDS = "|".join(sorted(re.escape(path.name) for path in (DBT_PROJECT_DIR / "seeds").rglob("*.csv")))
SAID = re.compile(rf"(?:^|Error: )((?:{_SEEDS}|state\.linkage_models)[:,] [^\n]+)", re.MULTILINE)
"""What a model says about a table that people write, within a database's message or a traceback."""


class DbtCli(DbtCliResource):
    """dbt without two detours: `dbt --version` asks PyPI, and an adapter in this process would hold the warehouse."""

    @property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        pass


def dbt_resource() -> DbtCli:
    return DbtCli(project_dir=str(DBT_PROJECT_DIR), profiles_dir=str(DBT_PROJECT_DIR), dbt_executable=DBT_EXECUTABLE)


@dbt_assets(manifest=dbt_manifest(), name="transform")
def transform(context: dg.AssetExecutionContext, dbt: DbtCli, deployment: Deployment) -> Iterator[Any]:
    """Seeds, staging, intermediate and marts, with the data tests on the way."""
    with deployment.step("build the marts") as home:
        check_seed_files(DBT_PROJECT_DIR / "seeds")
        # The judge's and the report's libraries take seconds to import; dbt works in a process of its own meanwhile.
        threading.Thread(target=load_libraries, daemon=True).start()
        with connect_warehouse(home) as warehouse:
            set_as_of(warehouse, deployment.as_of(), deployment.known_until())
            warehouse.execute(f"create or replace macro main.project_version() as ({sql_value(project_version())})")
        lend_last_release(home, DBT_MANIFEST, until=deployment.as_of(), known_until=deployment.known_until())
        os.environ.update(
            DBT_ENV_SECRET_WAREHOUSE=str(home.warehouse),
            DBT_ENV_SECRET_TEMP=str(home.temp),
            DBT_ENV_SECRET_MEMORY_LIMIT=memory_limit(),
            # Thousands of lines of no use: the SQL of each node is in a file of its own, and errors are told.
            DBT_LOG_LEVEL_FILE="info",
        )
        home.dbt_results.unlink(missing_ok=True)
        # Unit tests guard the code, not the data: they run with the test suite, not every night.
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        invocation = dbt.cli(arguments, context=context, target_path=home.dbt_target, raise_on_error=False)
        for event in invocation.stream():
            if isinstance(event, dg.Output):
                log.info("built %s", str(event.metadata["unique_id"].value).split(".")[-1])
            yield event
        if invocation.process.returncode:
            raise UserError(_failure(home))


def _failure(home: Home) -> str:
    """One line for each node that failed. A database's own message stays in dbt's log, for it may quote a value; but a
    sentence about a row of a seed, or about a linkage model, is meant to be read."""
    path = home.dbt_results
    if not path.exists():
        return f"dbt could not start; {home.dbt_target / 'dbt.log'} says why."
    lines = []
    if is_full_disk(path.read_text()):
        return "The disk is full (or a file-size limit was met): free space, then run again."
    for result in json.loads(path.read_text())["results"]:
        kind, _, name = result["unique_id"].split(".")[:3]
        if result["status"] == "fail":
            lines.append(f"- test {name} failed on {result['failures']} rows")
        elif result["status"] == "error" and (said := SAID.search(result["message"])):
            lines.append(f"- {said[1].strip()}")
        elif result["status"] == "error":
            lines.append(f"- {kind} {name} could not be built ({result['message'].strip().splitlines()[0]})")
    return "dbt stopped; readers keep the last release.\n" + "\n".join(dict.fromkeys(lines))
