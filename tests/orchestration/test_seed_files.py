"""Seeds that are no table are told in one sentence each, before anything is built."""

from pathlib import Path

import pytest

from ingestion.errors import UserError
from orchestration.dbt_project import DBT_PROJECT_DIR
from orchestration.seed_files import check_seed_files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\nx,two branches, one owner\n", "line 3 has 3 values, but there are 2 columns; put a text"),
        ("a,b\n1\n", "line 2 has 1 values, but there are 2 columns"),
        ("a;b\n1;2\n", "its values are parted by semicolons; write commas."),
        ("", "the file is empty; it needs a first line"),
    ],
)
def test_a_file_that_is_no_table_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text('a,b\n1,"two branches, one owner"\n\n')
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UserError) as caught:
        check_seed_files(tmp_path)
    assert "good.csv" not in str(caught.value)
    assert f"- bad.csv: {said}" in str(caught.value)


def test_the_project_s_seeds_are_tables() -> None:
    check_seed_files(DBT_PROJECT_DIR / "seeds")
