"""How complete recent days are: the distribution of reporting delays, learnt from reports that are still coming in.

A fault of yesterday is known today only if it was reported within a day, so that delays seen so far are short ones:
they are truncated on the right. Read backwards in delay, truncation becomes late entry, and the product-limit estimator
applies: of the reports with a delay of at most d from early enough for d to be seen, what share took exactly d?

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
    """Distribution of delays, given that they do not exceed the longest that could be seen.

    Attributes
    ----------
    reported : ndarray of shape (longest + 1,)
        Share of events known so many whole days after they happened; ends at 1.
    """

    reported: FloatArray

    def completeness(self, age: npt.ArrayLike) -> FloatArray:
        """Share of the events so many days ago that is known by now; 0 of those to come, 1 beyond the longest delay.

        Parameters
        ----------
        age : array
            Days, whole or not.

        Examples
        --------
        >>> ReportingDelay(np.array([0.5, 1.0])).completeness([-1, 0, 0.5, 1, 30]).tolist()
        [0.0, 0.5, 0.75, 1.0, 1.0]
        """
        days = np.asarray(age, dtype=np.float64)
        return np.asarray(np.interp(days, np.arange(-1, len(self.reported)), np.r_[0.0, self.reported]))


def fit_delay(delay: npt.ArrayLike, observable: npt.ArrayLike, *, longest: int) -> ReportingDelay:
    """Learn the distribution of delays from reports that are in.

    Parameters
    ----------
    delay : array of int
        Whole days from the event to its report.
    observable : array of int
        Longest delay with which each could have been seen: days from the event to today. Not below `delay`.
    longest : int
        Delay, in days, taken for the end of the distribution; longer ones count as such.

    Raises
    ------
    ValueError
        No event is old enough to have shown the longest delay, or a delay is negative or longer than can be seen.

    Examples
    --------
    Ten events four days ago, half of them reported at once and half after two days, and five seen of yesterday's:

    >>> found = fit_delay([0] * 5 + [2] * 5 + [0] * 5, [4] * 10 + [1] * 5, longest=2)
    >>> found.reported.round(2).tolist()
    [0.5, 0.5, 1.0]
    """
    days, limit = np.asarray(delay, dtype=np.int64), np.asarray(observable, dtype=np.int64)
    if days.shape != limit.shape or days.ndim != 1:
        raise ValueError(f"delay {days.shape} and observable {limit.shape} must be two columns of one length")
    if longest < 1:
        raise ValueError(f"longest must be at least 1 day, got {longest}")
    if len(days) and (days.min() < 0 or (limit < days).any()):
        raise ValueError("a delay must be at least 0 and at most what could be seen: reports come after their events")
    days, limit = np.minimum(days, longest), np.minimum(limit, longest)
    if not (limit == longest).any():
        raise ValueError(f"no event is {longest} days old: shorten the longest delay or give a longer history")
    exactly = np.bincount(days, minlength=longest + 1).astype(np.float64)
    # Seen with a delay of at most d, and old enough for d: those entered by delay, less those that could not reach d.
    at_risk = np.cumsum(exactly) - np.r_[0.0, np.cumsum(np.bincount(limit, minlength=longest + 1))[:-1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(at_risk > 0, exactly / at_risk, 0.0)
    return ReportingDelay(np.r_[np.cumprod((1 - share)[:0:-1])[::-1], 1.0])
