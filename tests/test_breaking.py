"""A breaking change of an export: the gate says which file, table and column, and readers keep what they have."""

from pathlib import Path

import pytest

from ingestion.demo import PROFILES
from publishing.journal import read_last_run
from publishing.release import current_release
from tests.conftest import Run, copy_home, run_pipeline
from tests.demo import write_small_demo

pytestmark = [pytest.mark.whole_run, pytest.mark.wide]


def test_a_breaking_change_blocks_at_the_gate(demo_run: Run, tmp_path: Path) -> None:
    home = copy_home(demo_run.home, tmp_path / "home")
    before = current_release(home)
    broken = run_pipeline(home.root, write_small_demo(tmp_path / "broken", PROFILES["breaking"]))
    assert not broken.succeeded
    assert current_release(broken.home) == before
    (told,) = broken.errors
    missing = next(line for line in told.splitlines() if "Stripe invoices" in line)
    assert "could not be loaded, what was there stays" in missing
    assert "lacks the column currency" in missing
    assert "take the source out of sources.yml" in told.splitlines()[-1]
    # A required column can't be done without.
    assert "--accept-shrink" not in told.splitlines()[-1]
    last = read_last_run(broken.home)
    assert last is not None
    assert "lacks the column currency" in str(last.reason)
    assert "The exports of HubSpot contacts changed: added hs_whatsapp_opt_in." in last.warnings
