"""Amounts and shares of the lending files: exact conversion and checks."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from ml.loans.catalogue.fields import Money, Share, Yuan


def test_amounts_are_yuan_in_yaml_fen_in_python_yuan_in_json() -> None:
    assert TypeAdapter(Yuan).validate_python(1234.56) == 123_456
    assert TypeAdapter(Money).dump_json(123_456) == b"1234.56"


@pytest.mark.parametrize("value", [0.001, -1, True, "5", float("inf"), float("nan"), 10**15])
def test_invalid_amounts_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Yuan).validate_python(value)


@pytest.mark.parametrize("value", [-0.1, 1.5, 0.00000001, True, "0.5"])
def test_invalid_shares_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Share).validate_python(value)
