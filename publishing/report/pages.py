"""The pages of the report. A new page is one more entry here, a module and a template of that name."""

from pathlib import Path

from publishing.report import cohorts, identity, revenue, sources
from publishing.report.render import Printer, render_html
from publishing.report.source import open_release

PAGES = {
    "revenue": revenue.context,
    "cohorts": cohorts.context,
    "sources": sources.context,
    "identity": identity.context,
}


def write_pages(release_dir: Path, pdf: Printer) -> None:
    """Writes every page of the release as HTML and hands it to the printer."""
    report_dir = release_dir / "report"
    report_dir.mkdir(exist_ok=True)
    with open_release(release_dir) as release:
        for name, context in PAGES.items():
            html = render_html(release, name, list(PAGES), context(release))
            (report_dir / f"{name}.html").write_text(html, encoding="utf-8")
            pdf.print(html, report_dir / f"{name}.pdf")
