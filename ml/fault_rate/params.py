"""What `configs/fault_rate.yaml` may set under `params`."""

from __future__ import annotations

from pydantic import Field

from features.yaml_config import Section


class FaultParams(Section):
    """How faults are watched.

    Attributes
    ----------
    reference_weeks : int
        First weeks of the records, from which usual rates are learnt; later ones are watched.
    false_alarm_rate : float
        Chance of any false alarm in all weeks watched.
    longest_delay_days : int
        By which a fault has been reported.
    distance_bands : int
        Bands of monthly distance.
    """

    reference_weeks: int = Field(52, ge=2, le=2_000)
    false_alarm_rate: float = Field(0.05, gt=0, lt=1, allow_inf_nan=False)
    longest_delay_days: int = Field(120, ge=1, le=3_650)
    distance_bands: int = Field(3, ge=1, le=20)
