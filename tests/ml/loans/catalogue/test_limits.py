"""Sections of the rules: limits that no file may hold."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.catalogue.limits import Risk

SHARES = {
    "private_combustion": 0.4, "commercial_combustion": 0.5, "private_new_energy": 0.4, "commercial_new_energy": 0.5,
    "used": 0.5,
}  # fmt: skip
RISK = {"valid_from": "2026-01-01", "bands": {"A": 0.01, "B": 0.02}, "horizon_months": 12, "loss_given_default": SHARES}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bands": {"A": 0.02, "B": 0.02}}, "limits must rise from band to band"),
        ({"bands": {}}, "bands"),
        ({"horizon_months": 0}, "horizon_months"),
    ],
)
def test_risk_bands_and_assumptions(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Risk.model_validate({**RISK, **changes})
    assert Risk.model_validate(RISK).recovery == 1.0
