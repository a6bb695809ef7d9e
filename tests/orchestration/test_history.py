"""Dagster's SQLite files: held open while a run writes them, whole and closed after it."""

from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from orchestration.history import kept_open


def _write(path: Path, *statements: str) -> None:
    """As Dagster does: an engine and a connection for each event."""
    for statement in statements:
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            connection.execute(text(statement))


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


def test_other_databases_are_left_alone() -> None:
    with kept_open(), create_engine("duckdb:///:memory:").connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    with kept_open(), create_engine("sqlite://").connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
