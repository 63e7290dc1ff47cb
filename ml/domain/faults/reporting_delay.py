"""Distribution of reporting delays from right-truncated data, and the completeness of recent days.

A fault of yesterday is in the data only if it was reported within a day: observed delays are right-truncated. In
reversed delay, truncation becomes late entry (left truncation), and the product-limit estimator applies: among reports
with a delay of at most d from events at least d days old, the share with a delay of exactly d.

Source: J. F. Lawless (1994), Adjustments for reporting delays and the prediction of occurred but not reported events,
Canadian Journal of Statistics 22; S. W. Lagakos, L. M. Barraj and V. De Gruttola (1988), Nonparametric analysis of
truncated survival data, Biometrika 75.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class ReportingDelay:
    """Distribution of reporting delays, conditional on the longest observable delay, as returned by `fit_delay`.

    Attributes
    ----------
    reported : ndarray of shape (longest + 1,)
        Share of events reported within 0, 1, 2, ... whole days; the last entry is 1.
    """

    reported: FloatArray

    def completeness(self, age: npt.ArrayLike) -> FloatArray:
        """Return the share of events that are reported, by their age; 0 for future events, 1 beyond the longest delay.

        Parameters
        ----------
        age : array
            Days since the event, whole or fractional.

        Returns
        -------
        ndarray
            Share from 0 to 1, in the shape of `age`.

        Examples
        --------
        >>> ReportingDelay(np.array([0.5, 1.0])).completeness([-1, 0, 0.5, 1, 30]).tolist()
        [0.0, 0.5, 0.75, 1.0, 1.0]
        """
        days = np.asarray(age, dtype=np.float64)
        return np.asarray(np.interp(days, np.arange(-1, len(self.reported)), np.r_[0.0, self.reported]))


def fit_delay(
    delay: npt.ArrayLike, observable: npt.ArrayLike, *, longest: int, weight: npt.ArrayLike | None = None
) -> ReportingDelay:
    """Estimate the distribution of reporting delays from the reports so far.

    Parameters
    ----------
    delay : array of int
        Whole days from each event to its report.
    observable : array of int
        Longest observable delay of each event: days from the event to today. Not below `delay`.
    longest : int
        Longest delay of the distribution (days); longer delays are set to it.
    weight : array of int, optional
        Number of events that each entry stands for; 1 by default.

    Returns
    -------
    ReportingDelay
        `completeness(age)` returns the share of events that are reported `age` days after the event.

    Raises
    ------
    ValueError
        No event is `longest` days old, or a delay is negative or exceeds its observable delay.

    Examples
    --------
    Ten events of four days ago, half reported on the same day and half after two days, and five events of yesterday:

    >>> delay = fit_delay([0] * 5 + [2] * 5 + [0] * 5, [4] * 10 + [1] * 5, longest=2)
    >>> delay.reported.round(2).tolist()
    [0.5, 0.5, 1.0]
    """
    days, limit = np.asarray(delay, dtype=np.int64), np.asarray(observable, dtype=np.int64)
    if days.shape != limit.shape or days.ndim != 1:
        raise ValueError(f"delay {days.shape} and observable {limit.shape} must be 1-dimensional and of equal length")
    if longest < 1:
        raise ValueError(f"longest must be at least 1 day, got {longest}")
    if len(days) and (days.min() < 0 or (limit < days).any()):
        raise ValueError("delay must be at least 0 and at most observable: reports come after their events")
    days, limit = np.minimum(days, longest), np.minimum(limit, longest)
    if not (limit == longest).any():
        raise ValueError(f"no event is {longest} days old: reduce `longest` or give a longer history")
    exactly = np.bincount(days, weights=weight, minlength=longest + 1).astype(np.float64)
    # Reports with a delay of at most d from events at least d days old.
    at_risk = np.cumsum(exactly) - np.r_[0.0, np.cumsum(np.bincount(limit, weights=weight, minlength=longest + 1))[:-1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(at_risk > 0, exactly / at_risk, 0.0)
    return ReportingDelay(np.r_[np.cumprod((1 - share)[:0:-1])[::-1], 1.0])
