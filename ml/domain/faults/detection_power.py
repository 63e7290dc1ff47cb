"""How long until a raised rate would be known: by simulation of the evidence itself, week after week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.sequential_evidence import cumulative_evidence

AT_ONCE = 50_000


@dataclass(frozen=True)
class Detection:
    """When a raised rate raises the alarm.

    Attributes
    ----------
    week : ndarray of shape (samples,)
        Week of the alarm, from 1; infinite where there was none in the weeks simulated.
    weeks : int
        Weeks simulated.
    """

    week: FloatArray
    weeks: int

    def quantile(self, level: float) -> float | None:
        """Week by which the alarm has come with this chance; None if later than the weeks simulated.

        >>> found = Detection(np.array([1.0, 2.0, np.inf]), 9)
        >>> found.quantile(0.5), found.quantile(0.9)
        (2.0, None)
        """
        found = float(np.sort(self.week)[max(int(np.ceil(level * len(self.week))) - 1, 0)])
        return found if np.isfinite(found) else None

    def share(self, by_week: int) -> float:
        """Share detected by the end of a week.

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
    """Simulate a cell whose rate is raised from the first week on.

    Parameters
    ----------
    expected : array of shape (n_weeks,)
        Events to be expected in each week without a fault; what they add up to counts, their order decides when.
    ratio : float
        How many times as many come; 1 gives the chance of a false alarm.
    alarm_threshold : float
        Logarithm of the evidence at which the alarm is raised: ``log(n_cells / alpha)`` where all cells share alike.
    between_model_variance : float
        Variance of the cells' own rates, as in `cumulative_evidence`; the cell is drawn from among them.
    initial_totals : tuple of float
        Events counted and expected before the first week.

    Raises
    ------
    ValueError
        Nothing is expected, or a number is out of its range.

    Examples
    --------
    >>> found = weeks_to_detection(np.full(52, 2.0), ratio=3.0, alarm_threshold=np.log(1_000 / 0.05))
    >>> found.quantile(0.5), round(found.share(26), 2)
    (5.0, 1.0)
    """
    due = np.asarray(expected, dtype=np.float64)
    if due.ndim != 1 or not len(due) or not (np.isfinite(due) & (due >= 0)).all() or due.sum() <= 0:
        raise ValueError("expected must hold one finite number not below 0 for each week, and not all 0")
    if not (np.isfinite(ratio) and ratio > 0):
        raise ValueError(f"ratio must be finite and above 0, got {ratio}")
    if not (np.isfinite(between_model_variance) and between_model_variance >= 0):
        raise ValueError(f"between_model_variance must be finite and not below 0, got {between_model_variance}")
    if not (1 <= samples <= AT_ONCE):
        raise ValueError(f"samples must lie between 1 and {AT_ONCE}, got {samples}")
    rng = np.random.default_rng(seed)
    own = (
        rng.gamma(1 / between_model_variance, between_model_variance, samples)
        if between_model_variance > 0
        else np.ones(samples)
    )
    count, sum_due = np.full(samples, initial_totals[0]), initial_totals[1]
    week = np.full(samples, np.inf)
    open_ = np.arange(samples)
    for number, e in enumerate(due, start=1):
        count[open_] += rng.poisson(e * ratio * own[open_])
        sum_due += e
        if sum_due == 0:
            continue
        log_e = cumulative_evidence(count[open_], np.full(len(open_), sum_due), between_model_variance).log_e
        raised = log_e >= alarm_threshold
        week[open_[raised]] = number
        open_ = open_[~raised]
        if not len(open_):
            break
    return Detection(week, len(due))


def smallest_detectable_ratio(
    expected: float, *, alarm_threshold: float, between_model_variance: float = 0.0, max_ratio: float = 50.0
) -> float | None:
    """Rate ratio whose expected count alone would raise the alarm: below it, chance has to help.

    Parameters
    ----------
    expected : float
        Events to be expected in all.

    Examples
    --------
    >>> round(smallest_detectable_ratio(100.0, alarm_threshold=np.log(1_000 / 0.05)), 1)
    1.5
    """
    if not (np.isfinite(expected) and expected > 0):
        raise ValueError(f"expected must be finite and above 0, got {expected}")
    counts = np.arange(0, int(np.ceil(expected * max_ratio)) + 1, dtype=np.float64)
    raised = (
        cumulative_evidence(counts, np.full(len(counts), expected), between_model_variance).log_e >= alarm_threshold
    )
    return float(counts[int(raised.argmax())] / expected) if raised.any() else None
