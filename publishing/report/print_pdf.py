"""Prints HTML on A4: one JSON object {"html", "path"} a line on standard input, one PDF each.

Runs as a process of its own, beside the one that makes the pages: WeasyPrint alone takes as long to import as all the
rest, and that second then overlaps. The same HTML gives the same bytes.
"""

import gc
import importlib.util
import json
import logging
import os
import sys
import warnings
from pathlib import Path

# Collecting garbage takes a fifth of the time of so short a life.
gc.disable()

# The time of printing would stand in every font that is embedded.
os.environ["SOURCE_DATE_EPOCH"] = "0"

# WeasyPrint says on import, and only there, that the machine has no font.
with warnings.catch_warnings(record=True) as on_import:
    warnings.simplefilter("always")
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

# Open-licensed (SIL OFL), and installed wherever the gate is.
SPARE_FONTS = "render/view/static/fonts/HKGrotesk"
SPARE_WEIGHTS = {400: "HKGrotesk-Regular.otf", 700: "HKGrotesk-Bold.otf"}


def print_all() -> None:
    """Prints each job of standard input."""
    fonts = FontConfiguration()
    has_fonts = not any("FontConfig" in str(warning.message) for warning in on_import)
    styles = [] if has_fonts else [weasyprint.CSS(string=_spare_fonts(), font_config=fonts)]
    for line in sys.stdin:
        job = json.loads(line)
        weasyprint.HTML(string=job["html"]).write_pdf(job["path"], stylesheets=styles, font_config=fonts)


def _spare_fonts() -> str:
    """A style sheet for a bare server: without any font installed there would be no text at all."""
    package = importlib.util.find_spec("great_expectations")
    if package is None or package.origin is None:
        raise SystemExit("this machine has no font; install one, such as fonts-liberation")
    folder = Path(package.origin).parent / SPARE_FONTS
    faces = (
        f'@font-face {{ font-family: Spare; font-weight: {weight}; src: url("{(folder / name).as_uri()}") }}'
        for weight, name in SPARE_WEIGHTS.items()
    )
    everywhere = "html body, html body * { font-family: Spare !important }"
    margins = "@page { @bottom-left { font-family: Spare } @bottom-right { font-family: Spare } }"
    return "\n".join((*faces, everywhere, margins))


if __name__ == "__main__":
    # Browser-only rules in the style sheet are no news; errors still reach the parent.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    print_all()
