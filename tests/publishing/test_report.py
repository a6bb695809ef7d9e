"""The leadership report and its page of cohorts, written from small releases."""

import re
import time
import zlib
from pathlib import Path

import duckdb
import pytest

from publishing.report import write_report
from publishing.report.pages import PAGES, write_pages
from publishing.report.render import Printer, printer
from publishing.report.words import Measured, share_change
from tests.publishing.small_release import CANARY_EMAIL, CANARY_NAME, RELEASE_ID, build_release, text_of

# 40 customers come in April; 20 of them again in May and 10 in June. 30 new ones come in May, 12 of them in June.
# Three orders have no customer, two lines are refused, the as-of date lies within June.
STORY = """
    select 'a' || x, 'a1-' || x, timestamp '2024-04-02 10:00' + to_days(x::int % 9), 'Sweden', 'EUR', 10, 'sale', null
    from range(40) as t(x)
    union all
    select 'a' || x, 'a2-' || x, timestamp '2024-05-20 10:00', 'Sweden', 'EUR', 20, 'sale', null from range(20) as t(x)
    union all
    select 'a' || x, 'a3-' || x, timestamp '2024-06-10 10:00', 'Sweden', 'EUR', 20, 'sale', null from range(10) as t(x)
    union all
    select
        'b' || x, 'b1-' || x, timestamp '2024-05-03 10:00', if(x = 29, '<b>Chile</b>', 'Norway'), 'EUR', 30, 'sale',
        null
    from range(30) as t(x)
    union all
    select 'b' || x, 'b2-' || x, timestamp '2024-06-18 10:00', 'Norway', 'EUR', 30, 'sale', null from range(12) as t(x)
    union all
    select null, 'n' || x, timestamp '2024-05-09 10:00', 'Norway', 'EUR', 8, 'sale', null from range(3) as t(x)
    union all
    select null, 'q' || x, timestamp '2024-05-09 10:00', null, 'EUR', null, 'quarantined',
        if(x = 0, 'unit_price is not a number', 'unit_price is below 0')
    from range(2) as t(x)
"""

WARNING = {
    "table": "fct_orders",
    "check": "volume",
    "severity": "warning",
    "passed": False,
    "finding": "fct_orders has 115 rows, 12.4 % fewer than in the last release.",
}
HELD = {"table": "fct_orders", "check": "columns", "severity": "error", "passed": True, "finding": None}

DEGENERATE = {
    "one_customer": "select 'a', 'o1', timestamp '2024-06-02', null, 'EUR', 12.5, 'sale', null",
    "one_complete_month": """
        select 'a' || x, 'o' || x, timestamp '2024-05-02', 'Sweden', 'EUR', x, 'sale', null from range(20) as t(x)
    """,
    "two_currencies": """
        select
            'a' || x % 50, 'o' || x, timestamp '2023-11-01' + to_days(x::int), 'Sweden',
            if(x % 2 = 0, 'EUR', 'SEK'), 10, 'sale', null
        from range(220) as t(x)
    """,
    "no_known_customer": """
        select null, 'o' || x, timestamp '2024-05-02', null, 'EUR', 5, 'sale', null from range(4) as t(x)
    """,
    "only_refused": "select null, 'o1', timestamp '2024-05-02', null, 'EUR', null, 'quarantined', 'no order id'",
    "empty": "select null, null, null, null, null, null, null, null where false",
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that tells `STORY`, with its report."""
    path = build_release(tmp_path_factory.mktemp("story") / "release", STORY, checks=[WARNING, HELD])
    write_report(path)
    return path


class OnePage:
    """Prints the page of cohorts alone: to print takes longer than all else."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def print(self, html: str, path: Path) -> None:
        if path.stem == "cohorts":
            self._printer.print(html, path)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of the same story once more, of one with a smaller minimum size, and of every degenerate release."""
    root = tmp_path_factory.mktemp("others")
    releases = {name: build_release(root / name, lines) for name, lines in DEGENERATE.items()}
    releases["again"] = build_release(root / "again", STORY, checks=[WARNING, HELD])
    releases["every_country"] = build_release(root / "every_country", STORY, min_cell=1)
    with printer() as pdf:
        write_pages(releases.pop("again"), pdf)
        for release_dir in releases.values():
            write_pages(release_dir, OnePage(pdf))
    return {name: root / name / "report" for name in (*releases, "again")}


@pytest.fixture(scope="module")
def page(release: Path) -> str:
    return (release / "report" / "cohorts.html").read_text(encoding="utf-8")


def print_each(*paths: Path) -> None:
    with printer() as pdf:
        for path in paths:
            pdf.print("<p>x</p>", path)


def inflated(stream: bytes) -> bytes:
    """A PDF stream's content; empty where it is none of the compressed ones."""
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_page_needs_nothing_from_outside(page: str) -> None:
    references = re.findall(r"""https?:[^\s"')]*""", page)

    assert set(references) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)", page)


def test_headline_figures_are_those_of_the_last_complete_month(page: str) -> None:
    text = text_of(page)

    assert "In May 2024, the last complete month, 50 customers ordered, up 25.0% on April (40)." in text
    assert "Net revenue was EUR 1,324, up 231.0% on April (400)." in text
    assert "20 of them, 40.0%, had ordered in an earlier month, up 40.0 points on April (0.0%)." in text
    assert "Of the 40 customers who first ordered in April 2024, 50.0% ordered in the month after." in text
    assert "June 2024 is not over yet and left out" in text


def test_heat_map_marks_what_is_incomplete_and_leaves_it_out_of_the_average(page: str) -> None:
    text = text_of(re.search(r'<table class="heat.*?</table>', page, re.DOTALL)[0])

    assert "Apr 2024 40 50 25 *" in text
    assert "May 2024 30 40 *" in text
    assert "Average, complete 50" in text
    assert (
        '<td class="incomplete" title="12 of 30 customers ordered in June 2024, a month that is not over yet">' in page
    )


def test_every_line_is_accounted_for(page: str) -> None:
    text = text_of(page)

    assert "All lines received 112 3 117 100.0%" in text
    assert "Quarantined: unit_price is below 0 — — 1" in text
    assert "Quarantined: unit_price is not a number — — 1" in text
    assert "3 (2.6%) have no known customer" in text


def test_gate_warning_and_release_are_shown(page: str) -> None:
    text = text_of(page)

    assert "1 of 2 checks held; 1 warning." in text
    assert WARNING["finding"] in text
    assert RELEASE_ID in text
    assert "c0ffee" * 10 in text
    assert "Data through 18 June 2024" in text


def test_small_countries_are_not_shown_and_names_are_escaped(page: str, others: dict[str, Path]) -> None:
    assert "1 country under the minimum size" in text_of(page)
    assert "Chile" not in page

    html = (others["every_country"] / "cohorts.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Chile&lt;/b&gt;" in html
    assert "<b>Chile" not in html


def test_no_personal_data(release: Path, page: str) -> None:
    assert CANARY_NAME not in page
    assert CANARY_EMAIL not in page
    assert "source_customer_id" not in page
    with duckdb.connect(str(release / "tenure.duckdb"), read_only=True) as connection:
        assert connection.sql("select any_value(email) from marts.dim_customers").fetchall() == [(CANARY_EMAIL,)]


def test_same_release_gives_the_same_bytes(release: Path, others: dict[str, Path]) -> None:
    for name in (f"{page}.{ending}" for page in PAGES for ending in ("html", "pdf")):
        assert (release / "report" / name).read_bytes() == (others["again"] / name).read_bytes()


def test_printing_at_another_time_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = tmp_path / "now.pdf", tmp_path / "later.pdf"
    with printer() as opened:
        opened.print("<p>Anything</p>", paths[0])
    # The time in a font has whole seconds.
    time.sleep(1.1)
    with printer() as opened:
        opened.print("<p>Anything</p>", paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_pdf_has_pages(release: Path) -> None:
    content = (release / "report" / "cohorts.pdf").read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    plain = b"".join(inflated(stream) for stream in streams)

    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type ?/Page\b", content + plain)) >= 2


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_release_still_gives_a_report(name: str, others: dict[str, Path]) -> None:
    text = text_of((others[name] / "cohorts.html").read_text(encoding="utf-8"))

    assert RELEASE_ID in text
    assert "nan" not in text.lower().split()
    assert "None" not in text
    assert (others[name] / "cohorts.pdf").stat().st_size > 5_000
    if name == "two_currencies":
        assert "several currencies, which are not added up" in text
    if name in ("empty", "only_refused"):
        assert "This release holds no orders" in text


def test_printer_needs_no_font_and_fails_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fonts.conf").write_text(f"<fontconfig><cachedir>{tmp_path}</cachedir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))

    with pytest.raises(RuntimeError, match="PDF could not be printed: FileNotFoundError"):
        print_each(tmp_path / "one.pdf", tmp_path / "missing" / "two.pdf")

    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        ((50, 100, 0.5, 0.4, 0.6), (20, 100, 0.2, 0.13, 0.29), "up 30.0 points on May (20.0%)"),
        ((20, 100, 0.2, 0.13, 0.29), (50, 100, 0.5, 0.4, 0.6), "down 30.0 points on May (50.0%)"),
        ((50, 100, 0.5, 0.4, 0.6), (45, 100, 0.45, 0.36, 0.55), "no clear change on May (45.0%)"),
        ((9, 10, 0.9, 0.6, 0.98), (1, 100, 0.01, 0.0, 0.05), "too few customers to call a change on May (1.0%)"),
    ],
)
def test_a_share_changed_only_if_the_intervals_part(now: tuple, before: tuple, text: str) -> None:
    assert share_change(Measured(*now), Measured(*before), "May").text == text
