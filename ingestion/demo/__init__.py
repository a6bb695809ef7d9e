"""The demo company: a software vendor with an acquired unit and a consumer shop, as fifteen systems would export it.

`story` says what happens there and why, `world` simulates it, a module per system exports it, `damage` spoils it as
life does, and the truth of it all is written apart.
"""

from ingestion.demo.assemble import write_demo
from ingestion.demo.damage import BREAKING, DEFAULT, NONE, Damage

PROFILES = {"default": DEFAULT, "none": NONE, "breaking": BREAKING}

__all__ = ["PROFILES", "Damage", "write_demo"]
