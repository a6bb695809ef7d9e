"""Prints HTML on A4: one JSON object {"html", "path"} a line on standard input, one PDF each.

Runs as a process of its own, beside the one that makes the pages: WeasyPrint alone takes as long to import as all the
rest, and that second then overlaps. The same HTML gives the same bytes.
"""

import gc
import json
import logging
import sys

# Collecting garbage takes a fifth of the time of so short a life.
gc.disable()

import weasyprint  # type: ignore[import-untyped]  # noqa: E402

if __name__ == "__main__":
    # Browser-only rules in the style sheet are no news; errors still reach the parent.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    for line in sys.stdin:
        job = json.loads(line)
        weasyprint.HTML(string=job["html"]).write_pdf(job["path"])
