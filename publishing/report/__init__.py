"""The leadership report of a release: one HTML file a page, and the same as PDF.

A page is a module with `context(release)` and a template of its name in `templates/`; `pages.PAGES` lists them.
"""

from pathlib import Path


def write_report(release_dir: Path) -> None:
    """Writes `report/<page>.html` and `report/<page>.pdf` of the release in `release_dir`.

    Reads only `tenure.duckdb` (read-only), `manifest.json` and `gate.json` of that folder. Raises FileNotFoundError
    or duckdb.Error where one of them is missing or isn't a release, RuntimeError where a PDF can't be printed.
    """
    from publishing.report.render import printer

    # The printer loads its library while the others are imported and the page is made here.
    with printer() as pdf:
        from publishing.report.pages import write_pages

        write_pages(release_dir, pdf)
