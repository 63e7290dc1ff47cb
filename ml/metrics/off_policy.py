"""Off-policy evaluation: the mean reward of another policy, estimated from the log of the policy in force.

Each row of the log is one exposure: what was shown at a place, with the probability `p` that the logging policy put it
there (its propensity), the probability `q` that the other policy would have, and the reward `r` that followed. The
item-position model: a reward depends on what stands at a place and where, not on its neighbours. With `w = q / p`:

- inverse propensity scoring (IPS): ``mean(w r)``. Unbiased where the log could have shown all that the other policy
  shows; noisy.
- self-normalised (SNIPS): ``sum(w r) / sum(w)``. Slightly biased, much less noisy.
- doubly robust (DR): ``mean(m + w (r - e))``, where a model expects the reward `e` of what was shown and `m` of what
  the other policy would have shown. Unbiased if either the propensities or the model are right.

References
----------
D. G. Horvitz and D. J. Thompson (1952), JASA 47, 663-685. A. Swaminathan and T. Joachims (2015), The self-normalized
estimator for counterfactual learning, NeurIPS. M. Dudik, J. Langford and L. Li (2011), Doubly robust policy evaluation
and learning, ICML. S. Li et al. (2018), Offline evaluation of ranking policies with click models, KDD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts


@dataclass(frozen=True)
class OffPolicyEstimate:
    """Mean reward of an exposure, with 95 % bootstrap intervals.

    Attributes
    ----------
    logged : Interval
        Under the logging policy: the mean of the log.
    ips, snips, dr : Interval
        Under the other policy, by each estimator.
    gain : Interval
        `dr` minus `logged`, on the same resamples.
    mean_weight : Interval
        Mean of the weights. Its expectation is the share of what the other policy shows that the log could have shown:
        1 where the overlap is complete.
    effective_rows : float
        Number of equally weighted rows with the same information: ``sum(w)^2 / sum(w^2)``.
    largest_weight : float
    """

    logged: Interval
    ips: Interval
    snips: Interval
    dr: Interval
    gain: Interval
    mean_weight: Interval
    effective_rows: float
    largest_weight: float


def off_policy_estimate(
    reward: npt.ArrayLike,
    propensity: npt.ArrayLike,
    other: npt.ArrayLike,
    *,
    expected: npt.ArrayLike,
    expected_other: npt.ArrayLike,
    groups: npt.NDArray[Any] | None = None,
    n: int = 200,
    seed: int = 0,
) -> OffPolicyEstimate:
    """Estimate the mean reward of an exposure under another policy.

    Parameters
    ----------
    reward : array of shape (n_rows,)
        Reward of each exposure: 1 for a view, or any amount.
    propensity : array of shape (n_rows,)
        Probability with which the logging policy showed it, above 0.
    other : array of shape (n_rows,)
        Probability with which the other policy would show it at the same place.
    expected : array of shape (n_rows,)
        A model's expectation of the reward, fitted on other rows; zeros for no model.
    expected_other : array of shape (n_rows,)
        The model's expectation of the reward of what the other policy would show at the place of the row.
    groups : array of shape (n_rows,), optional
        Cluster of each row: the bootstrap draws whole clusters. Each row by itself if not given.
    n, seed : int
        Number of resamples and their seed.

    Raises
    ------
    DataError
        Probabilities out of range, lengths that differ, no rows, or no row that the other policy would show.

    Examples
    --------
    Two vehicles shown with equal probability; the second is viewed. A policy that always shows the second earns 1:

    >>> zeros = [0.0] * 100
    >>> estimate = off_policy_estimate(
    ...     [0.0, 1.0] * 50, [0.5] * 100, [0.0, 1.0] * 50, expected=zeros, expected_other=zeros
    ... )
    >>> estimate.ips.value, estimate.snips.value, estimate.logged.value, estimate.effective_rows
    (1.0, 1.0, 0.5, 50.0)
    """
    columns = {"reward": reward, "propensity": propensity, "other": other,
               "expected": expected, "expected_other": expected_other}  # fmt: skip
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    cluster = np.arange(len(arrays["reward"])) if groups is None else np.asarray(groups)
    _check(arrays | {"groups": cluster})
    earned, weight = arrays["reward"], arrays["other"] / arrays["propensity"]
    if not weight.any():
        raise DataError("the other policy shows none of the logged exposures at its place: the log cannot evaluate it")
    robust = arrays["expected_other"] + weight * (earned - arrays["expected"])
    _, code = np.unique(cluster, return_inverse=True)
    terms = {"logged": earned, "ips": weight * earned, "weight": weight, "dr": robust, "rows": np.ones_like(weight)}
    sums = np.stack([np.bincount(code, weights=term) for term in terms.values()])
    draws = np.array([sums @ counts for counts in resampled_counts(sums.shape[1], n=n, seed=seed)])
    total, resampled = (dict(zip(terms, values, strict=True)) for values in (sums.sum(axis=1), draws.T))

    def interval(top: str, bottom: str = "rows", *, less: str | None = None) -> Interval:
        present = resampled[bottom] > 0
        minus = 0.0 if less is None else total[less] / total[bottom]
        minus_drawn = 0.0 if less is None else (resampled[less] / resampled[bottom])[present]
        drawn = resampled[top][present] / resampled[bottom][present] - minus_drawn
        return percentile_interval(float(total[top] / total[bottom] - minus), drawn, level=0.95)

    return OffPolicyEstimate(
        logged=interval("logged"),
        ips=interval("ips"),
        snips=interval("ips", "weight"),
        dr=interval("dr"),
        gain=interval("dr", less="logged"),
        mean_weight=interval("weight"),
        effective_rows=float(weight.sum() ** 2 / (weight**2).sum()),
        largest_weight=float(weight.max()),
    )


def _check(arrays: dict[str, npt.NDArray[Any]]) -> None:
    sizes = {name: len(values) for name, values in arrays.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise DataError(f"the columns must have the same number of rows, at least one, got {sizes}")
    for name in ("reward", "expected", "expected_other"):
        if not np.isfinite(arrays[name]).all():
            raise DataError(f"{name} must be finite numbers, got NaN or infinity: leave such rows out")
    for name, values, rule in (("propensity", arrays["propensity"], "above 0"), ("other", arrays["other"], "from 0")):
        valid = (values > 0 if name == "propensity" else values >= 0) & (values <= 1)
        if not valid.all():
            raise DataError(f"{name} must be probabilities {rule} up to 1, got {values[~valid][0]:g}")
