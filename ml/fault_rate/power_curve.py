"""Power of the surveillance for one cell of a snapshot: weeks to detection by rate ratio."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.domain.arrays import FloatArray
from ml.domain.faults.build_range_evidence import CellReference
from ml.domain.faults.detection_power import DetectionPower, detection_power
from ml.fault_rate.cell_counts import BLOCK_QUARTERS
from ml.fault_rate.model_years import QUARTER_DAYS
from ml.fault_rate.snapshot import Snapshot

RATIOS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
SHORT_TERM, LONG_TERM = 26, 52  # weeks at which the probability of detection is reported
WEEKS = 260  # five years: a fault that takes longer has been on the road for most of the life of a vehicle


def cell_power(
    snapshot: Snapshot,
    row: int,
    *,
    built: tuple[int | None, int | None] = (None, None),
    newest_share: float = 1.0,
    weeks: int = WEEKS,
    from_now: bool = False,
) -> DetectionPower:
    """Return the faults that raise an alarm in each week, if some builds of a cell have a fault.

    The evidence is that of the weekly run: the cell's reference weeks, all build ranges and its alarm threshold. The
    fleet and its expected faults per week stay those of the last 13 weeks.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    row : int
        Row of `snapshot.cells`, from `Snapshot.row`.
    built : tuple of int or None
        Affected builds as days from 1970-01-01: from the first and before the second; None leaves a side open.
    newest_share : float
        Above 0, at most 1: share of the expected faults per week that belongs to affected vehicles, newest builds
        first. 1 leaves the choice to `built`.
    weeks : int
        Last week, at least 1.
    from_now : bool
        Whether the fault begins today, after the test weeks so far; by default it is present from the first test week.

    Returns
    -------
    DetectionPower
        `quantile`, `probability_by` and `smallest_ratio` answer for any rate ratio.

    Raises
    ------
    ValueError
        No fault of an affected vehicle is expected.
    """
    rows = snapshot.builds[snapshot.builds[:, 0] == row]
    period, reference_count, reference_expected, count, expected, weekly = rows.T[1:]
    if not len(rows):
        raise ValueError("no vehicle of the cell is in service")
    reference = CellReference(
        reference_count, reference_expected, variance=snapshot.between_model_variance, drift=snapshot.rate_drift
    )
    affected = _built(period, built) * _newest(weekly, newest_share)
    return detection_power(
        reference,
        weekly,
        alarm_threshold=float(snapshot.alarm_threshold[row]),
        affected=affected,
        weeks=weeks,
        initial=(count, expected) if from_now else None,
    )


def _built(period: FloatArray, built: tuple[int | None, int | None]) -> FloatArray:
    """Return the share of each half-year of builds that lies in a range of days."""
    days = BLOCK_QUARTERS * QUARTER_DAYS
    first, last = period * days, (period + 1) * days
    begin = np.maximum(first, -np.inf if built[0] is None else built[0])
    end = np.minimum(last, np.inf if built[1] is None else built[1])
    return np.asarray(np.clip((end - begin) / days, 0.0, 1.0))


def _newest(weekly: FloatArray, share: float) -> FloatArray:
    """Return the affected share of each build period if `share` of the expected faults is, newest builds first."""
    newer = weekly.sum() - weekly.cumsum()
    return np.asarray(np.clip((share * weekly.sum() - newer) / np.maximum(weekly, 1e-300), 0.0, 1.0))


def power_rows(power: DetectionPower) -> list[dict[str, Any]]:
    """Return weeks to detection and probabilities of detection by rate ratio, one row for each of `RATIOS`.

    Returns
    -------
    list of dict
        `rate_ratio`, `weeks_p10`, `weeks_p50` and `weeks_p90` (None: later than the last week), `detected_in_26_weeks`
        and `detected_in_52_weeks`.

    Examples
    --------
    >>> from ml.domain.faults.build_range_evidence import CellReference
    >>> from ml.domain.faults.detection_power import detection_power
    >>> reference = CellReference(np.full(4, 25.0), np.full(4, 25.0), 0.04)
    >>> rows = power_rows(detection_power(reference, np.full(4, 0.5), alarm_threshold=9.9))
    >>> rows[-1]["rate_ratio"], rows[-1]["weeks_p50"]
    (4.0, 3)
    """
    return [
        {
            "rate_ratio": ratio,
            **{f"weeks_p{level}": power.quantile(level / 100, ratio) for level in (10, 50, 90)},
            "detected_in_26_weeks": power.probability_by(SHORT_TERM, ratio),
            "detected_in_52_weeks": power.probability_by(LONG_TERM, ratio),
        }
        for ratio in RATIOS
    ]
