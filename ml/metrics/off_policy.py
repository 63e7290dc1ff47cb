"""Off-policy evaluation: estimate the mean reward of a target policy from the log of another policy.

Each row of the log is one exposure: an item shown at a place, the probability `p` that the logging policy put it there
(its propensity), the probability `q` that the target policy would put it there, and the reward `r`. Item-position
model: the reward depends on the item and its place, not on neighbouring items. With the weight ``w = q / p``:

- inverse propensity scoring (IPS): ``mean(w r)``. Unbiased if the logging policy can show everything that the target
  policy shows; high variance.
- self-normalised IPS (SNIPS): ``sum(w r) / sum(w)``. Slightly biased, much lower variance.
- doubly robust (DR): ``mean(m + w (r - e))``, where a reward model predicts `e` for the shown item and `m` for the item
  of the target policy. Unbiased if either the propensities or the reward model are right.

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
from ml.domain.statistics.resampling import Interval, bootstrap_interval, resampled_counts


@dataclass(frozen=True)
class OffPolicyEstimate:
    """Estimates of the mean reward per exposure, with 95% bootstrap intervals. Returned by `off_policy_estimate`.

    Attributes
    ----------
    logged : Interval
        Mean reward of the logging policy.
    ips, snips, dr : Interval
        Estimated mean reward of the target policy.
    gain : Interval
        `dr` minus `logged`, on the same resamples.
    mean_weight : Interval
        Mean weight. Its expectation is the share of the target policy's exposures that the logging policy can show: 1
        with complete overlap.
    effective_rows : float
        Effective sample size ``sum(w)^2 / sum(w^2)``.
    largest_weight : float
        Largest weight.
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
    target: npt.ArrayLike,
    *,
    expected: npt.ArrayLike,
    expected_target: npt.ArrayLike,
    groups: npt.NDArray[Any] | None = None,
    n: int = 200,
    seed: int = 0,
) -> OffPolicyEstimate:
    """Estimate the mean reward per exposure of a target policy.

    Parameters
    ----------
    reward : array of shape (n_rows,)
        Reward of each exposure, for example 1 if it was viewed, else 0.
    propensity : array of shape (n_rows,)
        Probability that the logging policy shows the item at its place, above 0.
    target : array of shape (n_rows,)
        Probability that the target policy shows the item at the same place.
    expected : array of shape (n_rows,)
        Predicted reward of the shown item, by a model fitted on other rows; zeros for no model.
    expected_target : array of shape (n_rows,)
        Predicted reward of what the target policy shows at the place of the row.
    groups : array of shape (n_rows,), optional
        Cluster of each row, for example the visitor; the bootstrap resamples clusters. By default single rows.
    n, seed : int
        Number of bootstrap resamples and their seed.

    Returns
    -------
    OffPolicyEstimate
        Mean rewards per exposure, in the unit of `reward`; each `Interval` has `value`, `low` and `high`.

    Raises
    ------
    DataError
        A probability is out of range, lengths differ, there are no rows, or the target policy shows none of the
        exposures.

    Examples
    --------
    Two vehicles shown with equal probability; the second is viewed. A policy that always shows the second earns 1:

    >>> from ml.metrics.off_policy import off_policy_estimate
    >>> zeros = [0.0] * 100
    >>> estimate = off_policy_estimate(
    ...     [0.0, 1.0] * 50, [0.5] * 100, [0.0, 1.0] * 50, expected=zeros, expected_target=zeros
    ... )
    >>> estimate.ips.value, estimate.snips.value, estimate.logged.value, estimate.effective_rows
    (1.0, 1.0, 0.5, 50.0)
    """
    columns = {"reward": reward, "propensity": propensity, "target": target,
               "expected": expected, "expected_target": expected_target}  # fmt: skip
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    cluster = np.arange(len(arrays["reward"])) if groups is None else np.asarray(groups)
    _check(arrays | {"groups": cluster})
    rewards, weight = arrays["reward"], arrays["target"] / arrays["propensity"]
    if not weight.any():
        raise DataError(
            "target: the target policy shows none of the logged exposures at its place, so the log cannot evaluate it"
        )
    robust = arrays["expected_target"] + weight * (rewards - arrays["expected"])
    _, code = np.unique(cluster, return_inverse=True)
    terms = {"logged": rewards, "ips": weight * rewards, "weight": weight, "dr": robust, "rows": np.ones_like(weight)}
    sums = np.stack([np.bincount(code, weights=term) for term in terms.values()])
    draws = np.array([sums @ counts for counts in resampled_counts(sums.shape[1], n=n, seed=seed)])
    total, resampled = (dict(zip(terms, values, strict=True)) for values in (sums.sum(axis=1), draws.T))

    def interval(top: str, bottom: str = "rows", *, less: str | None = None) -> Interval:
        present = resampled[bottom] > 0
        minus = 0.0 if less is None else total[less] / total[bottom]
        minus_drawn = 0.0 if less is None else (resampled[less] / resampled[bottom])[present]
        drawn = resampled[top][present] / resampled[bottom][present] - minus_drawn
        return bootstrap_interval(float(total[top] / total[bottom] - minus), drawn, level=0.95)

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
        raise DataError(f"all columns must have the same number of rows, at least one, got {sizes}")
    for name in ("reward", "expected", "expected_target"):
        if not np.isfinite(arrays[name]).all():
            raise DataError(f"{name} must be finite, got NaN or infinity; leave such rows out")
    for name, values, rule in (("propensity", arrays["propensity"], "above 0"), ("target", arrays["target"], "from 0")):
        valid = (values > 0 if name == "propensity" else values >= 0) & (values <= 1)
        if not valid.all():
            raise DataError(f"{name} must be probabilities {rule} up to 1, got {values[~valid][0]:g}")
