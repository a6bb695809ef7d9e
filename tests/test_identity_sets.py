"""Public sets of records with known duplicates reach their marks, through files and a whole run alone."""

from pathlib import Path

import pytest

from tests.public_sets import SETS, PublicSet

pytestmark = pytest.mark.whole_run
IN_SUITE = "FEBRL 1"


@pytest.mark.parametrize(
    "public_set",
    [pytest.param(one, id=one.name, marks=() if one.name == IN_SUITE else pytest.mark.wide) for one in SETS],
)
def test_public_set_reaches_its_marks(public_set: PublicSet, data: Path, tmp_path: Path) -> None:
    if not (data / public_set.example).is_dir():
        pytest.skip(f"needs the public set {public_set.example}: set TENURE_DATA to the folder that holds it")
    run = public_set.run(data, tmp_path)
    assert run.succeeded, run.errors
    quality = public_set.quality(run)
    assert quality["pair_f1"][0] >= public_set.least_f1
    assert quality["pair_precision"][0] >= public_set.least_precision
