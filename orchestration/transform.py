"""dbt: its manifest, and the assets that it builds."""

import importlib.metadata
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets
from packaging.version import Version

from ingestion.errors import UserError
from ingestion.failures import is_full_disk
from ingestion.home import PROJECT_ROOT, Home, memory_limit
from orchestration.resources import Deployment
from publishing.release import load_libraries

log = logging.getLogger("tenure.transform")

DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_MANIFEST = DBT_PROJECT_DIR / "target" / "manifest.json"
DBT_EXECUTABLE = str(Path(sys.executable).parent / "dbt")


class DbtCli(DbtCliResource):
    """dbt without two detours: `dbt --version` asks PyPI, and an adapter in this process would hold the warehouse."""

    @property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> None:
        pass


@cache
def dbt_manifest() -> Path:
    """Path of an up-to-date `manifest.json`: the project is parsed anew where any of its files is newer."""
    changed = max(
        path.stat().st_mtime
        for path in (DBT_PROJECT_DIR, *DBT_PROJECT_DIR.rglob("*"))
        if not {"target", "logs"} & set(path.relative_to(DBT_PROJECT_DIR).parts) and path.name != ".user.yml"
    )
    if not DBT_MANIFEST.exists() or DBT_MANIFEST.stat().st_mtime < changed:
        log.info("parsing the dbt project")
        parse = subprocess.run(
            [DBT_EXECUTABLE, "--quiet", "parse", "--profiles-dir", str(DBT_PROJECT_DIR)],
            cwd=DBT_PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if parse.returncode:
            raise UserError(f"The dbt project can't be parsed:\n{parse.stdout.strip()}")
    return DBT_MANIFEST


def dbt_resource() -> DbtCli:
    return DbtCli(project_dir=str(DBT_PROJECT_DIR), profiles_dir=str(DBT_PROJECT_DIR), dbt_executable=DBT_EXECUTABLE)


@dbt_assets(manifest=dbt_manifest(), name="transform")
def transform(context: dg.AssetExecutionContext, dbt: DbtCli, deployment: Deployment) -> Iterator[Any]:
    """Seeds, staging, intermediate and marts, with the data tests on the way."""
    with deployment.step("build the marts") as home:
        # The judge's and the report's libraries take seconds to import; dbt works in a process of its own meanwhile.
        threading.Thread(target=load_libraries, daemon=True).start()
        as_of = deployment.as_of()
        # Unit tests guard the code, not the data: they run with the test suite, not every night.
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        if as_of:
            arguments += ["--vars", json.dumps({"as_of_date": as_of.isoformat()})]
        os.environ.update(
            DBT_ENV_SECRET_WAREHOUSE=str(home.warehouse),
            DBT_ENV_SECRET_TEMP=str(home.temp),
            DBT_ENV_SECRET_MEMORY_LIMIT=memory_limit(),
        )
        home.dbt_results.unlink(missing_ok=True)
        invocation = dbt.cli(arguments, context=context, target_path=home.dbt_target, raise_on_error=False)
        for event in invocation.stream():
            if isinstance(event, dg.Output):
                log.info("built %s", str(event.metadata["unique_id"].value).split(".")[-1])
            yield event
        if invocation.process.returncode:
            raise UserError(_failure(home))


def _failure(home: Home) -> str:
    """One line for each node that failed. A database's own message stays in dbt's log: it may quote a value."""
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
        elif result["status"] == "error":
            lines.append(f"- {kind} {name} could not be built ({result['message'].strip().splitlines()[0]})")
    return "dbt stopped; readers keep the last release.\n" + "\n".join(lines)
