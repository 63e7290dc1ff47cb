"""Two cut-offs on the probability of default, derived from held-out loans: approve, refer, decline.

*Approve* is set on the average: the largest cut-off at which the bad rate of everyone it approves, as observed on the
held-out rows, stays within the target. *Decline* is set on the margin: the probability above which the applicants at
that level, taken alone, go bad too often; observed rates are first made increasing in the probability (isotonic
regression), so one unlucky neighbourhood does not set it.

What the figures can and cannot say: they hold for applicants like the held-out rows. Where outcomes exist only for
loans that were granted, rates among applicants who were declined in the past are not observed. Choosing the *largest*
cut-off that passes favours rows that happened to stay good; the bias is small where the bad rate rises steeply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts

MINIMUM_APPROVALS = 100  # rows that a bad rate must rest on to be believed


class TargetNotReachable(ValueError):
    """No cut-off meets the target bad rate."""


@dataclass(frozen=True)
class CutOffs:
    """Cut-offs with the evidence for them. Approve at or below `approve`, decline above `decline`, refer between.

    Attributes
    ----------
    approve, decline : Interval
        Cut-offs (probability of default); the intervals are those of cut-offs derived anew from each resample.
    approval_rate : Interval
        Share of the rows approved; the interval derives the cut-off anew from each resample.
    bad_rate : Interval
        Bad rate of the approved; the interval holds the cut-off fixed.
    target_bad_rate, maximum_marginal_bad_rate : float
        The limits asked for.
    """

    approve: Interval
    decline: Interval
    approval_rate: Interval
    bad_rate: Interval
    target_bad_rate: float
    maximum_marginal_bad_rate: float


def derive_cutoffs(
    probability: npt.ArrayLike,
    defaulted: npt.ArrayLike,
    *,
    target_bad_rate: float = 0.012,
    maximum_marginal_bad_rate: float | None = None,
    n_resamples: int = 200,
) -> CutOffs:
    """Derive the approve and decline cut-offs from held-out loans.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default, 0 to 1, of rows the model was not fitted on.
    defaulted : array of shape (n_rows,)
        Outcome, 0 or 1.
    target_bad_rate : float
        Highest bad rate of the approved, a fraction.
    maximum_marginal_bad_rate : float, optional
        Bad rate of a level of risk above which it is declined; four times the target when None.
    n_resamples : int
        Bootstrap resamples of the 95 % intervals.

    Returns
    -------
    CutOffs
        `approve` is the probability of the last row approved, so it never passes the largest probability seen. Where
        the marginal limit is met first, both cut-offs are that limit and nobody is referred. A resample in which no
        cut-off meets the target counts as approving nobody (cut-off 0).

    Raises
    ------
    TargetNotReachable
        No cut-off with enough approvals meets the target; the text gives the lowest reachable bad rate.
    ValueError
        Lengths differ, no rows, a value out of range, or one class only.

    Examples
    --------
    >>> pd = np.repeat([0.001, 0.02, 0.3], 1000)
    >>> bad = np.concatenate([np.arange(1000) < 1, np.arange(1000) < 20, np.arange(1000) < 300])
    >>> found = derive_cutoffs(pd, bad, target_bad_rate=0.012, n_resamples=20)
    >>> found.approve.value, found.decline.value, found.bad_rate.value, round(found.approval_rate.value, 3)
    (0.02, 0.02, 0.0105, 0.667)
    """
    marginal = 4 * target_bad_rate if maximum_marginal_bad_rate is None else maximum_marginal_bad_rate
    if not 0 < target_bad_rate < marginal:
        raise ValueError(f"bad rates must satisfy 0 < target ({target_bad_rate}) < maximum marginal ({marginal})")
    rows = _sorted_outcomes(probability, defaulted)
    once = np.ones(len(rows.bad))
    cutoffs = _cutoffs(rows, once, target_bad_rate, marginal)
    if cutoffs is None:
        raise TargetNotReachable(_unreachable(rows, target_bad_rate))
    figures = _figures(rows, once, cutoffs, fixed=cutoffs[0])
    draws = []
    for counts in resampled_counts(len(rows.bad), n=n_resamples, seed=0):
        resampled = _cutoffs(rows, counts, target_bad_rate, marginal) or (0.0, 0.0)
        draws.append(_figures(rows, counts, resampled, fixed=cutoffs[0]))
    approve, decline, approval_rate, bad_rate = (
        percentile_interval(value, column[np.isfinite(column)])
        for value, column in zip(figures, np.array(draws).T, strict=True)
    )
    return CutOffs(
        approve=approve,
        decline=decline,
        approval_rate=approval_rate,
        bad_rate=bad_rate,
        target_bad_rate=target_bad_rate,
        maximum_marginal_bad_rate=marginal,
    )


@dataclass(frozen=True)
class _Outcomes:
    """Rows in the order of their probability; `last` marks the end of a run of equal ones."""

    probability: FloatArray
    bad: FloatArray
    last: BoolArray


def _sorted_outcomes(probability: npt.ArrayLike, defaulted: npt.ArrayLike) -> _Outcomes:
    pd, bad = np.asarray(probability, dtype=np.float64), np.asarray(defaulted, dtype=np.float64)
    if pd.shape != bad.shape or pd.ndim != 1 or len(pd) == 0:
        shapes = f"probability {pd.shape}, defaulted {bad.shape}"
        raise ValueError(f"{shapes}: both must have one dimension and the same length, at least 1")
    for rule, values, right in (
        ("probability must be between 0 and 1", pd, (pd >= 0) & (pd <= 1)),
        ("defaulted must be 0 or 1", bad, (bad == 0) | (bad == 1)),
    ):
        if not right.all():
            raise ValueError(f"{rule}, got {values[~right][0]}")
    if bad.min() == bad.max():
        raise ValueError(f"both good and bad loans are needed, got {int(bad[0])} in all {len(bad)} rows of defaulted")
    order = np.argsort(pd, kind="stable")
    pd = pd[order]
    return _Outcomes(pd, bad[order], np.append(pd[1:] != pd[:-1], True))


def _cumulative_bad_rate(rows: _Outcomes, counts: FloatArray) -> FloatArray:
    """Return the bad rate of all rows up to each row; NaN before the first row drawn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.cumsum(counts * rows.bad) / np.cumsum(counts))


def _cutoffs(rows: _Outcomes, counts: FloatArray, target: float, marginal: float) -> tuple[float, float] | None:
    rate = _cumulative_bad_rate(rows, counts)
    eligible = rows.last & (np.cumsum(counts) >= MINIMUM_APPROVALS)
    passing = np.flatnonzero(eligible & (rate <= target))
    if passing.size == 0:
        return None
    approve = float(rows.probability[passing[-1]])
    decline = _marginal_cutoff(rows, counts, marginal)
    return min(approve, decline), decline


def _marginal_cutoff(rows: _Outcomes, counts: FloatArray, maximum: float) -> float:
    """The largest probability whose observed rate, made increasing by isotonic regression, is within the maximum."""
    from scipy.optimize import isotonic_regression

    starts = np.flatnonzero(np.append(True, rows.last[:-1]))
    weight, bad = np.add.reduceat(counts, starts), np.add.reduceat(counts * rows.bad, starts)
    drawn = weight > 0
    level = isotonic_regression(bad[drawn] / weight[drawn], weights=weight[drawn]).x
    within = rows.probability[rows.last][drawn][level <= maximum]
    return float(within[-1]) if within.size else 0.0


def _figures(rows: _Outcomes, counts: FloatArray, cutoffs: tuple[float, float], *, fixed: float) -> tuple[float, ...]:
    """Return both cut-offs, the share approved, and the bad rate at or below the fixed cut-off (or NaN)."""
    approved = counts * (rows.probability <= fixed)
    bad_rate = float(approved @ rows.bad) / float(approved.sum()) if approved.any() else float("nan")
    return *cutoffs, float(counts @ (rows.probability <= cutoffs[0])) / float(counts.sum()), bad_rate


def _unreachable(rows: _Outcomes, target: float) -> str:
    rate = _cumulative_bad_rate(rows, np.ones(len(rows.bad)))
    eligible = np.flatnonzero(rows.last & (np.arange(1, len(rate) + 1) >= MINIMUM_APPROVALS))
    goal = f"a target bad rate of {100 * target:.3g} % with at least {MINIMUM_APPROVALS} approvals"
    if eligible.size == 0:
        return f"{goal} cannot be reached: only {len(rate)} held-out rows; hold out more rows"
    best = eligible[np.argmin(rate[eligible])]
    return (
        f"{goal} cannot be reached: the lowest reachable is {100 * rate[best]:.3g} % ({best + 1} approvals); "
        "raise the target bad rate or improve the model"
    )
