"""The dbt project, and the manifest in which it says what it holds. Importing this is cheap, unlike Dagster."""

import hashlib
import logging
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from ingestion.errors import UserError
from ingestion.home import PROJECT_ROOT

log = logging.getLogger("tenure.transform")

DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_MANIFEST = DBT_PROJECT_DIR / "target" / "manifest.json"
PARSED = "partial_parse.msgpack"
"""By it dbt parses only what has changed since."""
DBT_EXECUTABLE = str(Path(sys.executable).parent / "tenure-dbt")


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
        _parse(DBT_MANIFEST.parent)
    return DBT_MANIFEST


def _parse(target: Path) -> None:
    """What dbt writes takes the place of what is there when it is whole: two may parse at once, or one be killed."""
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as folder:
        if (target / PARSED).exists():
            shutil.copyfile(target / PARSED, Path(folder, PARSED))
        parse = subprocess.run(
            [DBT_EXECUTABLE, "--quiet", "parse", "--profiles-dir", str(DBT_PROJECT_DIR), "--target-path", folder],
            cwd=DBT_PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if parse.returncode:
            raise UserError(f"The dbt project can't be parsed:\n{parse.stdout.strip()}")
        for name in (PARSED, DBT_MANIFEST.name):
            Path(folder, name).replace(target / name)


def project_version() -> str:
    """A fingerprint of the rules by which dbt makes the marts: the project's models, macros and settings."""
    rules = hashlib.sha256((DBT_PROJECT_DIR / "dbt_project.yml").read_bytes())
    for folder in ("macros", "models"):
        for path in sorted((DBT_PROJECT_DIR / folder).rglob("*.*")):
            if path.suffix in (".sql", ".yml", ".py"):
                rules.update(path.read_bytes())
    return rules.hexdigest()
