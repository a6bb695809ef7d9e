"""Releases go out: the gate and the release, as one asset."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from expectations.gate import GateResult
from orchestration.dbt_project import DBT_MANIFEST, dbt_manifest
from orchestration.resources import Deployment
from orchestration.transform import transform
from publishing.contract import read_contract
from publishing.journal import LastRun, write_last_run
from publishing.release import GateBlockedError, publish

CONTRACT = read_contract(dbt_manifest())


def _inputs() -> list[dg.AssetKey]:
    """What is published, and the seeds that the gate judges by."""
    nodes = json.loads(dbt_manifest().read_text())["nodes"].values()
    published = {(table.schema, table.name) for table in (*CONTRACT.marts.values(), *CONTRACT.state.values())}
    return [
        get_asset_key_for_model([transform], node["name"])
        for node in nodes
        if node["resource_type"] == "seed" or (node["schema"], node["alias"]) in published
    ]


@dg.asset(
    deps=_inputs(),
    check_specs=[
        dg.AssetCheckSpec(
            name,
            asset="release",
            blocking=True,
            description=f"The gate's suite of marts.{name}, in expectations/suites.",
        )
        for name in CONTRACT.marts
    ],
    group_name="publishing",
)
def release(deployment: Deployment) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """One gated release: database, Parquet files, manifest, gate's result and report, swapped in at once."""
    with deployment.step("publish the release") as home:
        try:
            published, result = publish(
                home,
                DBT_MANIFEST,
                is_as_of_given=deployment.as_of() is not None,
                known_until=deployment.known_until(),
            )
        except GateBlockedError as blocked:
            yield from _check_results(blocked.result)
            raise
        yield from _check_results(result)
        manifest = published.manifest
        write_last_run(home, LastRun.published(published.release_id, [str(c.finding) for c in result.warnings]))
        yield dg.MaterializeResult(
            metadata={
                "release_id": published.release_id,
                "path": dg.MetadataValue.path(published.path),
                "as_of_date": manifest["as_of_date"],
                "content_hash": manifest["content_hash"],
                "changed": manifest["is_changed"],
            }
        )


def _check_results(result: GateResult) -> Iterator[dg.AssetCheckResult]:
    for table, suite in groupby(result.checks, key=lambda check: check.table):
        checks = list(suite)
        failed = [check for check in checks if not check.passed]
        blocks = any(check.severity == "error" for check in failed)
        yield dg.AssetCheckResult(
            check_name=table,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description=" ".join(str(check.finding) for check in failed) or None,
            metadata={"checks": ", ".join(check.check for check in checks)},
        )
