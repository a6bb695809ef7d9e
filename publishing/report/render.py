"""Templates to HTML, and HTML to PDF."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from publishing.report.quality import freshness
from publishing.report.source import Release
from publishing.report.words import day_name, moment, sentence_case

FOLDER = Path(__file__).parent


def render_html(release: Release, page: str, pages: list[str], context: dict[str, Any]) -> str:
    """The page as one HTML document without any outside resource; it links to the other `pages` beside it."""
    return (
        _environment()
        .get_template(f"{page}.html.j2")
        .render(
            page=page,
            pages=pages,
            release_id=release.release_id,
            as_of=day_name(release.as_of_date),
            data_through=freshness(release),
            created_at=moment(release.created_at),
            content_hash=release.manifest.get("content_hash", ""),
            **context,
        )
    )


class Printer:
    """Prints pages while the next ones are made; `printer` below opens and closes it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def print(self, html: str, path: Path) -> None:
        """Hands over one page. The file is there when the printer has closed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"html": html, "path": str(path)}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.close()

    def close(self) -> None:
        """Waits for the last page. Raises RuntimeError with the printer's own words if it failed."""
        _, errors = self._process.communicate()
        if self._process.returncode:
            lines = errors.strip().splitlines() or [f"exit code {self._process.returncode}"]
            raise RuntimeError(f"The report's PDF could not be printed: {lines[-1]}")


@contextmanager
def printer() -> Iterator[Printer]:
    """A running printer; leaving the block waits for all its files."""
    # -P keeps this folder's module names off the printer's import path.
    command = [sys.executable, "-P", str(FOLDER / "print_pdf.py")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        opened = Printer(process)
        yield opened
        opened.close()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence_case"] = sentence_case
    return environment
