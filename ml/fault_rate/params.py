"""Settings of `configs/fault_rate.yaml` under `params`."""

from __future__ import annotations

from pydantic import Field

from features.yaml_config import Section


class FaultParams(Section):
    """Settings of the weekly surveillance: `params` in `configs/fault_rate.yaml`.

    Attributes
    ----------
    reference_weeks : int
        Weeks at the start of the records used to estimate the baseline rates; every later week is tested.
    false_alarm_rate : float
        Family-wise false-alarm rate: probability of one or more false alarms over all cells and all test weeks.
    longest_delay_days : int
        Days after which a fault counts as reported.
    rate_drift : float
        Change of a normal rate against the reference weeks that is no fault (one standard deviation, as a share):
        vehicles older than any before, a mild winter, other habits of recording.
    distance_bands : int
        Number of bands of monthly distance with equally many vehicles.
    comeback_days : int
        Days after a fault within which the same component of the same vehicle has no new fault: a comeback is the same
        failure, repaired again. 0 merges only the lines of one day or one job.
    """

    reference_weeks: int = Field(52, ge=2, le=2_000)
    false_alarm_rate: float = Field(0.05, gt=0, lt=1, allow_inf_nan=False)
    longest_delay_days: int = Field(120, ge=1, le=3_650)
    rate_drift: float = Field(0.05, ge=0, le=1, allow_inf_nan=False)
    distance_bands: int = Field(3, ge=1, le=20)
    comeback_days: int = Field(7, ge=0, le=365)
