"""The leadership report of a release: one HTML file a page, and the same as PDF.

A page is a module with `context(release)` and a template of its name in `templates/`; `PAGES` lists them.
"""

from pathlib import Path

PAGES = ("cohorts",)


def write_report(release_dir: Path) -> None:
    """Writes `report/<page>.html` and `report/<page>.pdf` of the release in `release_dir`.

    Reads only `tenure.duckdb` (read-only), `manifest.json` and `gate.json` of that folder. Raises FileNotFoundError
    or duckdb.Error where one of them is missing or isn't a release, RuntimeError where a PDF can't be printed.
    """
    from importlib import import_module

    from publishing.report.render import printer, render_html
    from publishing.report.source import open_release

    report_dir = release_dir / "report"
    report_dir.mkdir(exist_ok=True)
    # The printer starts first: it loads its library while the charts and tables are made here.
    with printer() as pdf, open_release(release_dir) as release:
        for page in PAGES:
            html = render_html(release, page, import_module(f"publishing.report.{page}").context(release))
            (report_dir / f"{page}.html").write_text(html, encoding="utf-8")
            pdf.print(html, report_dir / f"{page}.pdf")
