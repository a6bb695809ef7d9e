"""What is left of a value that is masked."""

import pytest

from orchestration.masks import mask


@pytest.mark.parametrize(
    ("id_type", "value", "masked"),
    [
        ("email", "ann@x.example", "a***@x.example"),
        ("phone", "+4915112345618", "+49…18"),
        ("phone", "12345", "…"),
        ("name", "ann lee", "A** L**"),
        ("birth_date", "1990-02-03", "****-**-**"),
        ("national_id", "12345678", "12***"),
        ("domain", "x.example", "x.example"),
    ],
)
def test_masks(id_type: str, value: str, masked: str) -> None:
    assert mask(id_type, value) == masked
