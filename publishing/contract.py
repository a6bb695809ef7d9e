"""What is to be published: the marts and state tables of the dbt project, as its manifest declares them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

MARTS_SCHEMA = "marts"
STATE_SCHEMA = "state"


@dataclass(frozen=True)
class PublishedTable:
    """One table of a release: its columns in order, name → (declared type, description)."""

    schema: str
    name: str
    description: str
    columns: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class PublicationContract:
    """All tables of a release, by name."""

    marts: dict[str, PublishedTable]
    state: dict[str, PublishedTable]

    @property
    def content_hash(self) -> str:
        """Changes whenever a published column is added, dropped, renamed, moved or retyped."""
        shape = {name: [(column, kind) for column, (kind, _) in t.columns.items()] for name, t in self.marts.items()}
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def read_contract(dbt_manifest: Path) -> PublicationContract:
    """Read the tables of the schemas `marts` and `state` from dbt's `manifest.json`."""
    nodes = json.loads(dbt_manifest.read_text())["nodes"].values()
    tables = [
        PublishedTable(
            schema=node["schema"],
            name=node["alias"],
            description=node["description"].strip(),
            columns={
                name: (column["data_type"] or "", column["description"]) for name, column in node["columns"].items()
            },
        )
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] in (MARTS_SCHEMA, STATE_SCHEMA)
    ]
    tables.sort(key=lambda table: table.name)
    return PublicationContract(
        marts={table.name: table for table in tables if table.schema == MARTS_SCHEMA},
        state={table.name: table for table in tables if table.schema == STATE_SCHEMA},
    )
