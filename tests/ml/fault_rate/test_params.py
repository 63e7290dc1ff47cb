"""Settings of the surveillance."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ml.fault_rate.params import FaultParams


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reference_weeks": 1}, "reference_weeks"),
        ({"false_alarm_rate": 1.0}, "false_alarm_rate"),
        ({"false_alarm_rate": float("nan")}, "false_alarm_rate"),
        ({"longest_delay_days": 0}, "longest_delay_days"),
        ({"distance_bands": 21}, "distance_bands"),
        ({"weeks": 3}, "weeks"),
    ],
)
def test_settings_out_of_range_are_named(values: dict[str, float], field: str) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{field}$"):
        FaultParams.model_validate(values)
    assert FaultParams().reference_weeks == 52
