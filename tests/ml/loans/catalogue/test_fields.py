"""Money and shares of the lending files: exact, and refused where they are not."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from ml.loans.catalogue.fields import Money, Share, Yuan


def test_yuan_in_a_file_are_fen_inside_and_yuan_again_in_json() -> None:
    assert TypeAdapter(Yuan).validate_python(1234.56) == 123_456
    assert TypeAdapter(Money).dump_json(123_456) == b"1234.56"


@pytest.mark.parametrize("value", [0.001, -1, True, "5", float("inf"), float("nan"), 10**15])
def test_what_is_no_amount_in_yuan_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Yuan).validate_python(value)


@pytest.mark.parametrize("value", [-0.1, 1.5, 0.00000001, True, "0.5"])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Share).validate_python(value)
