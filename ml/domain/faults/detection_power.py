"""Weeks until a raised rate is detected, by the evidence function of the weekly run.

The rate of some or all builds of a cell is raised. For each week the smallest number of faults of the affected vehicles
with which `ml.domain.faults.build_range_evidence` reaches the alarm threshold is searched by bisection; the probability
of as many faults follows from the Poisson distribution, given the cell's own rate, and is averaged over the own rate.
The search does not depend on the rate ratio, so that the probability rises with the ratio. Vehicles that are not
affected have their expected number of faults. An alarm that comes before the evidence falls below the threshold again
is not counted: the weeks are an upper estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv
from scipy.stats import poisson

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.build_range_evidence import CellReference

OWN_RATES = 5  # quantiles of the cell's own rate over which the probability is averaged
MAX_WEEKS_SEARCHED = 26  # weeks for which the alarm is searched; the weeks between are interpolated
MAX_RATIO = 50.0
BISECTIONS = 24


@dataclass(frozen=True)
class DetectionPower:
    """Faults of the affected vehicles that raise an alarm, week by week, as returned by `detection_power`.

    Attributes
    ----------
    weeks : ndarray of int64, shape (n_weeks,)
        Weeks from the begin of the fault, from 1.
    own_ratios : ndarray of shape (n_own_rates,)
        Equally probable values of the cell's own rate ratio.
    expected : float
        Expected faults per week of the affected vehicles at the baseline rate.
    alarm_counts : ndarray of shape (n_weeks, n_own_rates)
        Smallest number of faults of the affected vehicles that raises an alarm; infinite where none does.
    """

    weeks: IntArray
    own_ratios: FloatArray
    expected: float
    alarm_counts: FloatArray

    def probability(self, ratio: float) -> FloatArray:
        """Return the probability of an alarm by the end of each of `weeks`, if the rate is `ratio` times as high."""
        mean = ratio * self.expected * self.weeks[:, None] * self.own_ratios[None, :]
        at_week = poisson.sf(self.alarm_counts - 1, mean).mean(axis=1)
        return np.asarray(np.maximum.accumulate(at_week))

    def probability_by(self, week: float, ratio: float) -> float:
        """Return the probability of an alarm by the end of a week, from 0 to the last of `weeks`."""
        return float(np.interp(week, np.r_[0, self.weeks], np.r_[0.0, self.probability(ratio)]))

    def quantile(self, level: float, ratio: float) -> int | None:
        """Return the week by whose end an alarm is raised with probability `level`; None if later than `weeks`."""
        probability = np.r_[0.0, self.probability(ratio)]
        if probability[-1] < level:
            return None
        last = int(np.argmax(probability >= level))
        week = np.interp(level, probability[last - 1 : last + 1], np.r_[0, self.weeks][last - 1 : last + 1])
        return max(int(np.ceil(week - 1e-9)), 1)

    def smallest_ratio(self, week: int, *, level: float = 0.5) -> float | None:
        """Return the smallest rate ratio that is detected by a week with probability `level`; None if above 50."""
        low, high = 1.0, MAX_RATIO
        if self.probability_by(week, high) < level:
            return None
        for _ in range(BISECTIONS):
            stop_if_abandoned()
            middle = (low + high) / 2
            low, high = (low, middle) if self.probability_by(week, middle) >= level else (middle, high)
        return high


def detection_power(
    reference: CellReference,
    weekly: npt.ArrayLike,
    *,
    alarm_threshold: float,
    affected: npt.ArrayLike = 1.0,
    weeks: int = 260,
    initial: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> DetectionPower:
    """Return the faults that raise an alarm in each week, for a fault that begins now and stays.

    Parameters
    ----------
    reference : CellReference
        Reference weeks of the cell.
    weekly : array of shape (n_builds,)
        Expected faults per week at the baseline rate, by build period; the fleet stays as it is.
    alarm_threshold : float
        Log evidence at which the cell raises an alarm.
    affected : float or array of shape (n_builds,)
        Share of the vehicles of each build period that have the fault, 0 to 1.
    weeks : int
        Last week, at least 1.
    initial : tuple of two arrays of shape (n_builds,), optional
        Faults and expected faults (at the baseline rate) of the test weeks before the fault begins; none by default.

    Returns
    -------
    DetectionPower
        `quantile` returns weeks, `probability_by` a probability, `smallest_ratio` a rate ratio.

    Raises
    ------
    ValueError
        A number is out of its range, or no fault of an affected vehicle is expected.

    Examples
    --------
    >>> reference = CellReference(np.full(4, 25.0), np.full(4, 25.0), 0.04)
    >>> power = detection_power(reference, np.full(4, 0.5), alarm_threshold=np.log(1_000 / 0.05))
    >>> power.quantile(0.5, 4.0), power.quantile(0.5, 2.0)
    (3, 26)
    """
    rates = np.asarray(weekly, dtype=np.float64)
    share = np.broadcast_to(np.asarray(affected, dtype=np.float64), rates.shape)
    if rates.shape != reference.count.shape or not (np.isfinite(rates) & (rates >= 0)).all():
        raise ValueError("weekly must hold one finite number not below 0 for each build period of the reference weeks")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError("affected must hold shares from 0 to 1")
    if weeks < 1:
        raise ValueError(f"weeks must be at least 1, got {weeks}")
    if (rates * share).sum() <= 0:
        raise ValueError("no fault of an affected vehicle is expected: affected vehicles must be in service")
    before = (
        [np.zeros(len(rates)), np.zeros(len(rates))] if initial is None else [np.asarray(v, float) for v in initial]
    )
    shape = reference.test_shape + before[0].sum()
    rate = reference.test_shape / reference.mean + before[1].sum()
    own = np.asarray(gammaincinv(shape, (np.arange(OWN_RATES) + 0.5) / OWN_RATES) / rate)
    numbers = np.unique(np.geomspace(1, weeks, MAX_WEEKS_SEARCHED).round()).astype(np.int64)
    week, ratio = (v.ravel()[:, None] for v in np.meshgrid(numbers, own, indexing="ij"))
    expected = before[1] + week * rates
    others = before[0] + week * ratio * rates * (1 - share)
    parts = rates * share / (rates * share).sum()

    def raised(count: FloatArray) -> npt.NDArray[np.bool_]:
        return reference.log_e(others + count[:, None] * parts, expected) >= alarm_threshold

    low = np.zeros(len(week))
    high = 10 + MAX_RATIO * (rates * share).sum() * (week * ratio)[:, 0]
    reached = raised(high)
    for _ in range(BISECTIONS):
        stop_if_abandoned()
        middle = np.floor((low + high) / 2)
        above = raised(middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
        if (high - low <= 1).all():
            break
    counts = np.where(reached, np.where(raised(low), low, np.ceil(high)), np.inf)
    return DetectionPower(numbers, own, float((rates * share).sum()), counts.reshape(len(numbers), OWN_RATES))
