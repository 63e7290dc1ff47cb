"""Two cut-offs on the probability of default, derived from held-out loans: approve, refer, decline.

*Approve* is set on the average: the largest cut-off at which the bad rate of everyone it approves, as observed on the
held-out rows, stays within the target. *Decline* is set on the margin: the probability above which the applicants at
that level, taken alone, go bad too often; observed rates are first made increasing in the probability (isotonic
regression), so one unlucky neighbourhood does not set it.

What the figures can and cannot say: they hold for applicants like the held-out rows. Where outcomes exist only for
loans that were granted, rates among applicants who were declined in the past are not observed. Choosing the *largest*
cut-off that passes favours rows that happened to stay good; the bias is small where the bad rate rises steeply, and
`confidence` removes it by holding an upper bound of the bad rate, instead of the rate itself, to the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ml.domain.arrays import FloatArray
from ml.domain.credit.outcomes import Outcomes, sorted_outcomes
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts


class TargetNotReachable(ValueError):
    """No cut-off meets the target bad rate."""


@dataclass(frozen=True)
class CutOffs:
    """Cut-offs with the evidence for them. Approve at or below `approve`, decline above `decline`, refer between.

    Attributes
    ----------
    approve, decline : Interval
        Cut-offs (probability of default); the intervals are those of cut-offs derived anew from each resample.
    approval_rate, decline_rate : Interval
        Shares of the weight approved and declined, derived anew from each resample.
    bad_rate : Interval
        Bad rate of the approved; the interval holds the cut-off fixed.
    target_bad_rate, maximum_marginal_bad_rate : float
        The limits asked for.
    n_rows, n_bad, n_approved : int
        Rows used, bad ones among them, and rows approved.
    """

    approve: Interval
    decline: Interval
    approval_rate: Interval
    decline_rate: Interval
    bad_rate: Interval
    target_bad_rate: float
    maximum_marginal_bad_rate: float
    n_rows: int
    n_bad: int
    n_approved: int


@dataclass(frozen=True)
class _Limits:
    target: float
    marginal: float
    minimum_approvals: int
    z: float


def derive_cutoffs(
    probability: npt.ArrayLike,
    defaulted: npt.ArrayLike,
    *,
    target_bad_rate: float = 0.012,
    maximum_marginal_bad_rate: float | None = None,
    minimum_approvals: int = 100,
    confidence: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    n_resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
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
    minimum_approvals : int
        Rows that a bad rate must rest on to be believed.
    confidence : float, optional
        Hold the one-sided upper Wilson bound of the bad rate at this confidence to the target (0.95, say) instead of
        the observed rate.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.
    groups : array of shape (n_rows,), optional
        Cluster of each row, resampled whole.
    n_resamples, level, seed : int, float, int
        Bootstrap resamples, share inside the intervals, and seed.

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

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212, with
    Kish's effective sample size for weighted rows.

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
    if confidence is not None and not 0.5 <= confidence < 1:
        raise ValueError(f"confidence must be at least 0.5 and below 1, got {confidence}")
    limits = _Limits(
        target_bad_rate, marginal, minimum_approvals, 0.0 if confidence is None else float(ndtri(confidence))
    )
    rows = sorted_outcomes(probability, defaulted, sample_weight)
    found = _cutoffs(rows, np.ones(len(rows.bad)), limits)
    if found is None:
        raise TargetNotReachable(_unreachable(rows, limits))
    cluster = None if groups is None else np.asarray(groups)[rows.order]
    figures = _figures(rows, rows.weight, found, fixed=found[0])
    draws = []
    for counts in resampled_counts(len(rows.bad), n=n_resamples, seed=seed, groups=cluster):
        cut = _cutoffs(rows, counts, limits) or (0.0, 0.0)
        draws.append(_figures(rows, counts * rows.weight, cut, fixed=found[0]))
    approve, decline, approval_rate, decline_rate, bad_rate = (
        percentile_interval(value, column[np.isfinite(column)], level=level)
        for value, column in zip(figures, np.array(draws).T, strict=True)
    )
    return CutOffs(
        approve=approve,
        decline=decline,
        approval_rate=approval_rate,
        decline_rate=decline_rate,
        bad_rate=bad_rate,
        target_bad_rate=target_bad_rate,
        maximum_marginal_bad_rate=marginal,
        n_rows=len(rows.bad),
        n_bad=int(rows.bad.sum()),
        n_approved=int((rows.probability <= found[0]).sum()),
    )


def _cumulative_bad_rate(rows: Outcomes, counts: FloatArray, z: float) -> FloatArray:
    """Bad rate of all rows up to each row, or its upper Wilson bound z standard errors above; NaN before any weight."""
    mass = counts * rows.weight
    total = np.cumsum(mass)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.cumsum(mass * rows.bad) / total
        if z == 0:
            return rate
        effective = total**2 / np.cumsum(mass * rows.weight)
        centre, spread = rate + z**2 / (2 * effective), rate * (1 - rate) / effective + (z / (2 * effective)) ** 2
        return np.asarray((centre + z * np.sqrt(spread)) / (1 + z**2 / effective))


def _cutoffs(rows: Outcomes, counts: FloatArray, limits: _Limits) -> tuple[float, float] | None:
    rate = _cumulative_bad_rate(rows, counts, limits.z)
    eligible = rows.last & (np.cumsum(counts) >= limits.minimum_approvals)
    passing = np.flatnonzero(eligible & (rate <= limits.target))
    if passing.size == 0:
        return None
    approve = float(rows.probability[passing[-1]])
    decline = _marginal_cutoff(rows, counts, limits.marginal)
    return min(approve, decline), decline


def _marginal_cutoff(rows: Outcomes, counts: FloatArray, maximum: float) -> float:
    """The largest probability whose observed rate, made increasing by isotonic regression, is within the maximum."""
    from scipy.optimize import isotonic_regression

    starts = np.flatnonzero(np.append(True, rows.last[:-1]))
    mass = counts * rows.weight
    weight, bad = np.add.reduceat(mass, starts), np.add.reduceat(mass * rows.bad, starts)
    drawn = weight > 0
    level = isotonic_regression(bad[drawn] / weight[drawn], weights=weight[drawn]).x
    within = rows.probability[rows.last][drawn][level <= maximum]
    return float(within[-1]) if within.size else 0.0


def _figures(rows: Outcomes, mass: FloatArray, cut: tuple[float, float], *, fixed: float) -> tuple[float, ...]:
    """Both cut-offs, the shares they approve and decline, and the bad rate at or below the fixed cut-off (or NaN)."""
    total, approved = float(mass.sum()), mass * (rows.probability <= fixed)
    bad_rate = float(approved @ rows.bad) / float(approved.sum()) if approved.any() else float("nan")
    approval_rate = float(mass @ (rows.probability <= cut[0])) / total
    return *cut, approval_rate, float(mass @ (rows.probability > cut[1])) / total, bad_rate


def _unreachable(rows: Outcomes, limits: _Limits) -> str:
    rate = _cumulative_bad_rate(rows, np.ones(len(rows.bad)), limits.z)
    eligible = np.flatnonzero(rows.last & (np.arange(1, len(rate) + 1) >= limits.minimum_approvals))
    asked = f"a target bad rate of {100 * limits.target:.3g} % with at least {limits.minimum_approvals} approvals"
    if eligible.size == 0:
        return (
            f"{asked} cannot be reached: only {len(rate)} held-out rows; hold out more rows or lower minimum_approvals"
        )
    best = eligible[np.argmin(rate[eligible])]
    return (
        f"{asked} cannot be reached: the lowest reachable is {100 * rate[best]:.3g} % ({best + 1} approvals); "
        "raise the target bad rate or improve the model"
    )
