"""The demo company: a software vendor with an acquired unit and a consumer shop, as fifteen systems would export it.

`story` says what happens there and why, `world` simulates it, a module per system exports it, `damage` spoils it as
life does, and the truth of it all is written apart.
"""

from ingestion.demo.assemble import write_demo
from ingestion.demo.damage import Damage
from ingestion.demo.profiles import PROFILES, read_damage

__all__ = ["PROFILES", "Damage", "read_damage", "write_demo"]
