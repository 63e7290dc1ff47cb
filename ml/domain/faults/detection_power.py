"""Weeks until a raised rate is detected, by simulation of the weekly evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.sequential_evidence import cumulative_evidence

MAX_SAMPLES = 50_000


@dataclass(frozen=True)
class Detection:
    """Simulated weeks to detection of a raised rate, as returned by `weeks_to_detection`.

    Attributes
    ----------
    week : ndarray of shape (samples,)
        Week of the alarm, from 1; infinite where no alarm was raised in the weeks simulated.
    weeks : int
        Weeks simulated.
    """

    week: FloatArray
    weeks: int

    def quantile(self, level: float) -> float | None:
        """Return the week (from 1) by which an alarm is raised with probability `level`; None if later than `weeks`.

        >>> detection = Detection(np.array([1.0, 2.0, np.inf]), 9)
        >>> detection.quantile(0.5), detection.quantile(0.9)
        (2.0, None)
        """
        week = float(np.sort(self.week)[max(int(np.ceil(level * len(self.week))) - 1, 0)])
        return week if np.isfinite(week) else None

    def share(self, by_week: int) -> float:
        """Return the share of samples (0 to 1) with an alarm by the end of week `by_week`, counted from 1.

        >>> Detection(np.array([1.0, 30.0, np.inf, 26.0]), 52).share(26)
        0.5
        """
        return float((self.week <= by_week).mean())


def weeks_to_detection(
    expected: npt.ArrayLike,
    *,
    ratio: float,
    alarm_threshold: float,
    between_model_variance: float = 0.0,
    initial_totals: tuple[float, float] = (0.0, 0.0),
    samples: int = 2_000,
    seed: int = 0,
) -> Detection:
    """Simulate the weeks until a cell whose rate is raised from the first week on raises an alarm.

    Parameters
    ----------
    expected : array of shape (n_weeks,)
        Expected events of each week at the baseline rate.
    ratio : float
        Rate ratio above 0; 1 simulates false alarms.
    alarm_threshold : float
        Log evidence at which an alarm is raised: ``log(n_cells / alpha)`` where all cells have the same share.
    between_model_variance : float
        Variance, between cells without a fault, of their own rate over the baseline rate; 0 if they have the same
        rate. The cell's own rate is drawn from a gamma of mean 1 and this variance.
    initial_totals : tuple of float
        Events counted and events expected before the first week.
    samples : int
        Simulated cells, at most 50,000.
    seed : int
        Seed of the simulation.

    Returns
    -------
    Detection
        Week of the alarm in every sample, with `quantile` and `share`.

    Raises
    ------
    ValueError
        No event is expected, or an argument is out of its range.

    Examples
    --------
    >>> detection = weeks_to_detection(np.full(52, 2.0), ratio=3.0, alarm_threshold=np.log(1_000 / 0.05))
    >>> detection.quantile(0.5), round(detection.share(26), 2)
    (5.0, 1.0)
    """
    weekly = np.asarray(expected, dtype=np.float64)
    if weekly.ndim != 1 or not len(weekly) or not (np.isfinite(weekly) & (weekly >= 0)).all() or weekly.sum() <= 0:
        raise ValueError("expected must hold one finite number not below 0 for each week, and not all 0")
    if not (np.isfinite(ratio) and ratio > 0):
        raise ValueError(f"ratio must be finite and above 0, got {ratio}")
    if not (np.isfinite(between_model_variance) and between_model_variance >= 0):
        raise ValueError(f"between_model_variance must be finite and not below 0, got {between_model_variance}")
    if not (1 <= samples <= MAX_SAMPLES):
        raise ValueError(f"samples must lie between 1 and {MAX_SAMPLES}, got {samples}")
    rng = np.random.default_rng(seed)
    own_rate = np.ones(samples)
    if between_model_variance > 0:
        own_rate = rng.gamma(1 / between_model_variance, between_model_variance, samples)
    count, total_expected = np.full(samples, initial_totals[0]), initial_totals[1]
    week = np.full(samples, np.inf)
    open_ = np.arange(samples)
    for number, e in enumerate(weekly, start=1):
        count[open_] += rng.poisson(e * ratio * own_rate[open_])
        total_expected += e
        if total_expected == 0:
            continue
        log_e = cumulative_evidence(count[open_], np.full(len(open_), total_expected), between_model_variance).log_e
        raised = log_e >= alarm_threshold
        week[open_[raised]] = number
        open_ = open_[~raised]
        if not len(open_):
            break
    return Detection(week, len(weekly))


def smallest_detectable_ratio(
    expected: float, *, alarm_threshold: float, between_model_variance: float = 0.0, max_ratio: float = 50.0
) -> float | None:
    """Return the smallest rate ratio whose expected count reaches the alarm threshold.

    Parameters
    ----------
    expected : float
        Total expected events at the baseline rate.
    alarm_threshold : float
        Log evidence at which an alarm is raised: ``log(n_cells / alpha)`` where all cells have the same share.
    between_model_variance : float
        Variance, between cells without a fault, of their own rate over the baseline rate; 0 if they have the same
        rate.
    max_ratio : float
        Largest ratio to try.

    Returns
    -------
    float or None
        None if it exceeds `max_ratio`.

    Raises
    ------
    ValueError
        `expected` is not finite and above 0.

    Examples
    --------
    >>> round(smallest_detectable_ratio(100.0, alarm_threshold=np.log(1_000 / 0.05)), 1)
    1.5
    """
    if not (np.isfinite(expected) and expected > 0):
        raise ValueError(f"expected must be finite and above 0, got {expected}")
    counts = np.arange(0, int(np.ceil(expected * max_ratio)) + 1, dtype=np.float64)
    evidence = cumulative_evidence(counts, np.full(len(counts), expected), between_model_variance)
    raised = evidence.log_e >= alarm_threshold
    return float(counts[int(raised.argmax())] / expected) if raised.any() else None
