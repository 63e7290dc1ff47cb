"""Approval and decline cut-offs on the probability of default, derived from held-out loans.

The *approval* cut-off is based on the average bad rate: it is the largest cut-off at which the observed bad rate of all
approved held-out rows is within the target. The *decline* cut-off is based on the marginal bad rate: it is the largest
probability at which the bad rate, estimated by isotonic regression, is within its maximum. Isotonic regression keeps a
small neighbourhood with many defaults from setting the cut-off.

Limits: the figures hold for applicants like the held-out rows. If outcomes exist only for granted loans, the bad rate
of applicants who were declined in the past is unknown. Choosing the *largest* admissible cut-off biases the observed
bad rate downwards; the bias is small where the bad rate rises steeply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.statistics.resampling import Interval, bootstrap_interval, resampled_counts

MINIMUM_APPROVALS = 100  # minimum number of approved rows on which a bad rate is estimated


class TargetNotReachable(ValueError):
    """No cut-off with enough approvals meets the target bad rate; raised by `derive_cutoffs`."""


@dataclass(frozen=True)
class CutOffs:
    """Cut-offs with 95% bootstrap intervals: approve up to `approve`, decline above `decline`, refer in between.

    Returned by `derive_cutoffs`. Each `Interval` has the fields `value`, `low`, `high` and `level`.

    Attributes
    ----------
    approve, decline : Interval
        Cut-offs on the probability of default; each resample derives its own cut-offs.
    approval_rate : Interval
        Fraction of rows that are approved; each resample derives its own cut-off.
    bad_rate : Interval
        Fraction of the approved rows that default; the cut-off is fixed in all resamples.
    target_bad_rate, maximum_marginal_bad_rate : float
        Limits of the bad rate, fractions.
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
    """Return approval and decline cut-offs derived from held-out loans.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default, 0 to 1, of rows that are not training rows.
    defaulted : array of shape (n_rows,)
        Outcome, 0 or 1.
    target_bad_rate : float
        Maximum bad rate of all approved rows, a fraction.
    maximum_marginal_bad_rate : float, optional
        Maximum bad rate at a level of risk that is not declined, a fraction; by default four times the target, but at
        most 1.
    n_resamples : int
        Number of bootstrap resamples for the intervals.

    Returns
    -------
    CutOffs
        `approve` is the probability of the last approved row. If the marginal limit is stricter than the target, both
        cut-offs are equal and nobody is referred. A resample without an admissible cut-off counts as cut-off 0.

    Raises
    ------
    TargetNotReachable
        No cut-off with at least 100 approvals meets the target; the message gives the lowest reachable bad rate.
    ValueError
        Lengths differ, there are no rows, a value is out of range, or there is one class only.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.credit.cutoffs import derive_cutoffs
    >>> pd = np.repeat([0.001, 0.02, 0.3], 1000)
    >>> bad = np.concatenate([np.arange(1000) < 1, np.arange(1000) < 20, np.arange(1000) < 300])
    >>> cutoffs = derive_cutoffs(pd, bad, target_bad_rate=0.012, n_resamples=20)
    >>> cutoffs.approve.value, cutoffs.decline.value, cutoffs.bad_rate.value, round(cutoffs.approval_rate.value, 3)
    (0.02, 0.02, 0.0105, 0.667)
    """
    marginal = min(4 * target_bad_rate, 1.0) if maximum_marginal_bad_rate is None else maximum_marginal_bad_rate
    if not 0 < target_bad_rate < marginal:
        raise ValueError(f"bad rates must satisfy 0 < target ({target_bad_rate}) < maximum marginal ({marginal})")
    rows = _sorted_outcomes(probability, defaulted)
    counts_once = np.ones(len(rows.bad))
    cutoffs = _cutoffs(rows, counts_once, target_bad_rate, marginal)
    if cutoffs is None:
        raise TargetNotReachable(_unreachable(rows, target_bad_rate))
    figures = _figures(rows, counts_once, cutoffs, fixed=cutoffs[0])
    draws = []
    for counts in resampled_counts(len(rows.bad), n=n_resamples, seed=0):
        resampled = _cutoffs(rows, counts, target_bad_rate, marginal) or (0.0, 0.0)
        draws.append(_figures(rows, counts, resampled, fixed=cutoffs[0]))
    approve, decline, approval_rate, bad_rate = (
        bootstrap_interval(value, column[np.isfinite(column)])
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
    """Rows in order of probability; `last` marks the last of equal probabilities."""

    probability: FloatArray
    bad: FloatArray
    last: BoolArray


def _sorted_outcomes(probability: npt.ArrayLike, defaulted: npt.ArrayLike) -> _Outcomes:
    pd, bad = np.asarray(probability, dtype=np.float64), np.asarray(defaulted, dtype=np.float64)
    if pd.shape != bad.shape or pd.ndim != 1 or len(pd) == 0:
        shapes = f"probability {pd.shape}, defaulted {bad.shape}"
        raise ValueError(f"{shapes}: both must have one dimension and the same length, at least 1")
    for rule, values, is_valid in (
        ("probability must be between 0 and 1", pd, (pd >= 0) & (pd <= 1)),
        ("defaulted must be 0 or 1", bad, (bad == 0) | (bad == 1)),
    ):
        if not is_valid.all():
            raise ValueError(f"{rule}, got {values[~is_valid][0]}")
    if bad.min() == bad.max():
        raise ValueError(f"both good and bad loans are needed, got {int(bad[0])} in all {len(bad)} rows of defaulted")
    order = np.argsort(pd, kind="stable")
    pd = pd[order]
    return _Outcomes(pd, bad[order], np.append(pd[1:] != pd[:-1], True))


def _cumulative_bad_rate(rows: _Outcomes, counts: FloatArray) -> FloatArray:
    """Return the bad rate of all rows up to each row; NaN before the first row of the resample."""
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
    """Return the largest probability at which the isotonic estimate of the bad rate is within the maximum."""
    from scipy.optimize import isotonic_regression

    starts = np.flatnonzero(np.append(True, rows.last[:-1]))
    weight, bad = np.add.reduceat(counts, starts), np.add.reduceat(counts * rows.bad, starts)
    drawn = weight > 0
    level = isotonic_regression(bad[drawn] / weight[drawn], weights=weight[drawn]).x
    within = rows.probability[rows.last][drawn][level <= maximum]
    return float(within[-1]) if within.size else 0.0


def _figures(rows: _Outcomes, counts: FloatArray, cutoffs: tuple[float, float], *, fixed: float) -> tuple[float, ...]:
    """Return both cut-offs, the approval rate, and the bad rate up to the fixed cut-off (NaN without approvals)."""
    approved = counts * (rows.probability <= fixed)
    bad_rate = float(approved @ rows.bad) / float(approved.sum()) if approved.any() else float("nan")
    return *cutoffs, float(counts @ (rows.probability <= cutoffs[0])) / float(counts.sum()), bad_rate


def _unreachable(rows: _Outcomes, target: float) -> str:
    rate = _cumulative_bad_rate(rows, np.ones(len(rows.bad)))
    eligible = np.flatnonzero(rows.last & (np.arange(1, len(rate) + 1) >= MINIMUM_APPROVALS))
    goal = f"a target bad rate of {100 * target:.3g} % with at least {MINIMUM_APPROVALS} approvals"
    if eligible.size == 0:
        return f"{goal} cannot be reached with {len(rate)} held-out rows; hold out more rows"
    best = eligible[np.argmin(rate[eligible])]
    return (
        f"{goal} cannot be reached: the lowest reachable bad rate is {100 * rate[best]:.3g} % ({best + 1} approvals); "
        "raise the target bad rate or improve the model"
    )
