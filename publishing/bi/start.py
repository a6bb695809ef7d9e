"""Starts Superset on a home's release, with the dashboards of this folder: `make bi`.

Runs in the environment of `requirements.lock`, which has Superset and little else of Tenure's.
"""

import argparse
import logging
import os
import secrets
import socket
import sys
from pathlib import Path

import duckdb

from ingestion.errors import UserError
from ingestion.home import Home, default_home
from publishing.bi.assemble import Assets, bundle, read_assets, uuid_of

HOST = "127.0.0.1"
ADMIN = "admin"


def main() -> None:
    """Set up, import, serve."""
    parser = argparse.ArgumentParser(prog="make bi", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--port", type=int, default=8088)
    given = parser.parse_args()
    try:
        start(Home(given.home.expanduser().resolve()), given.port)
    except UserError as error:
        sys.exit(str(error))


def start(home: Home, port: int) -> None:
    """Import the dashboards into the home's Superset, and serve it until it is interrupted.

    Raises:
        UserError: nothing was published, the release hasn't what the dashboards read, or the port is taken.
    """
    release = home.current / "tenure.duckdb"
    if not release.exists():
        raise UserError(f"No release has been published in {home.root} yet: tenure run publishes one.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Port {port} is taken: end what uses it, or give another, make bi BI_PORT=8089."
            ) from error
    assets = read_assets()
    try:
        with duckdb.connect(str(release.resolve()), read_only=True) as connection:
            files = bundle(assets, connection, f"duckdb:///{release}")
    except duckdb.Error as error:
        raise UserError(
            f"The release {release.resolve().parent.name} hasn't what publishing/bi/datasets.yaml reads: "
            f"{str(error).splitlines()[0]} Publish a new one with tenure run."
        ) from error
    folder = home.root / "bi"
    if not (folder / "superset.db").exists():
        _say("Setting up Superset; this takes a minute, and only the first time.")
    password = prepare_folder(folder)

    from superset.app import create_app
    from werkzeug.serving import run_simple

    app = create_app()
    with app.app_context():
        import_assets(assets, files, password)
    _say(
        f"Open http://{HOST}:{port}/superset/dashboard/{next(iter(assets.dashboards))}/ as {ADMIN}; "
        f"the password is in {folder / 'admin_password'}. Ctrl-C ends it."
    )
    # One user and one machine: Flask's own server does, and ends at once.
    run_simple(HOST, port, app, threaded=True)
    # All is written; to tidy up would take Python seconds.
    os._exit(0)


def prepare_folder(folder: Path) -> str:
    """Make the folder that Superset writes to, with its secrets, for this user only; returns the password."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, length in (("secret_key", 48), ("admin_password", 12)):
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(length))
    os.environ |= {
        "TENURE_BI_FOLDER": str(folder),
        "SUPERSET_HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(Path(__file__).with_name("superset_config.py")),
    }
    return (folder / "admin_password").read_text()


def import_assets(assets: Assets, files: dict[str, str], password: str) -> None:
    """Bring Superset's own database up to date, with one user, and the assets as they are now; in its app context.

    What is no longer among the assets goes; what users made of their own stays.
    """
    import flask_migrate
    import superset
    from flask import g
    from superset import appbuilder, db, security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    # It warns of SQLite, which is enough for one user.
    logging.disable(logging.WARNING)
    flask_migrate.upgrade(str(Path(superset.__file__).parent / "migrations"))
    logging.disable(logging.INFO)
    if security_manager.find_user(ADMIN) is None:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        role = security_manager.find_role("Admin")
        security_manager.add_user(ADMIN, "Tenure", "Admin", "admin@localhost", role, password)
    g.user = security_manager.find_user(ADMIN)
    ImportAssetsCommand(files).run()
    for model, kind, names in (
        (Dashboard, "dashboard", assets.dashboards),
        (Slice, "chart", assets.charts),
        (SqlaTable, "dataset", assets.datasets),
    ):
        kept = {uuid_of(kind, name) for name in names}
        for found in db.session.query(model).filter_by(is_managed_externally=True):
            if str(found.uuid) not in kept:
                db.session.delete(found)
    db.session.commit()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
