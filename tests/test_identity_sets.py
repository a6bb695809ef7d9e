"""Public sets of records with known duplicates reach their marks, through files and a whole run alone."""

from pathlib import Path

import pytest

from tests.marts import ask
from tests.public_sets import SETS, PublicSet

pytestmark = pytest.mark.whole_run


def _reaches_its_marks(public_set: PublicSet, quality: dict[str, tuple[float, float, float]]) -> None:
    assert quality["pair_f1"][0] >= public_set.least_f1
    assert quality["pair_precision"][0] >= public_set.least_precision


def test_a_public_set_s_identity_reaches_its_marks(data: Path, tmp_path: Path) -> None:
    """Without the gate and what doesn't measure identity; whole runs of all sets are a wide test."""
    (febrl_1,) = (one for one in SETS if one.name == "FEBRL 1")
    _needs(febrl_1, data)
    home = febrl_1.identity(data, tmp_path)
    _reaches_its_marks(febrl_1, febrl_1.quality(lambda query: ask(home, query)))


@pytest.mark.wide
@pytest.mark.parametrize("public_set", SETS, ids=lambda one: one.name)
def test_public_set_reaches_its_marks(public_set: PublicSet, data: Path, tmp_path: Path) -> None:
    _needs(public_set, data)
    run = public_set.run(data, tmp_path)
    assert run.succeeded, run.errors
    _reaches_its_marks(public_set, public_set.quality(run.sql))


def _needs(public_set: PublicSet, data: Path) -> None:
    if not (data / public_set.example).is_dir():
        pytest.skip(f"needs the public set {public_set.example}: set TENURE_DATA to the folder that holds it")
