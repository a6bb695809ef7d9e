"""Dagster's SQLite files: held open while a run writes them, whole and closed after it."""

from pathlib import Path

import pytest
from dagster import DagsterInstance
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from orchestration import history
from orchestration.history import STORAGES, kept_open


def _write(path: Path, *statements: str) -> None:
    """As Dagster does: an engine and a connection for each event."""
    for statement in statements:
        engine = STORAGES[0].create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            connection.execute(text(statement))
        engine.dispose()


def test_the_log_is_written_back_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    log = path.with_name("runs.db-wal")
    with kept_open():
        _write(path, "pragma journal_mode = wal", "create table events (number integer)")
        sizes = []
        for number in range(5):
            _write(path, f"insert into events values ({number})")
            sizes.append(log.stat().st_size)
        assert sizes == sorted(set(sizes)), "the log grows with each event: nobody wrote it back"
    assert not log.exists()
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from events")).scalar_one() == 5
    assert not log.exists()


def test_dagster_keeps_one_engine_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(url: str, **options: object) -> object:
        made.append(url)
        return create_engine(url, **options)

    monkeypatch.setattr(history, "create_engine", counted)
    before = [storage.create_engine for storage in STORAGES]
    with kept_open():
        instance = DagsterInstance.local_temp(str(tmp_path))
        for _ in range(3):
            instance.get_runs()
            instance.all_asset_keys()
    assert len(made) == len(set(made)) >= 2
    assert [storage.create_engine for storage in STORAGES] == before
