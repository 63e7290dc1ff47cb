"""What another policy would have earned, estimated from the log of the one that was in force.

Each row of the log is something shown in a slot, with the probability it had of standing there (its propensity), the
probability it would have under the other policy, and what came of it. The item-position model: what comes of a slot
depends on what stands in it and where, not on its neighbours.

- inverse propensity scoring (IPS): mean of weight x reward. Unbiased, noisy.
- self-normalised (SNIPS): divided by the mean weight. Slightly biased, much steadier.
- doubly robust (DR): a model's expectation, corrected by the weighted error of that model on the log.

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
from ml.domain.arrays import FloatArray
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts


@dataclass(frozen=True)
class Replay:
    """Estimated mean reward of a row under the other policy, with 95 % intervals over groups.

    Attributes
    ----------
    ips, snips : Interval
    dr : Interval or None
        Where a model's expectations were given.
    effective_rows : float
        Rows that would tell as much if all weights were equal: ``sum(w)^2 / sum(w^2)``.
    largest_weight : float
    """

    ips: Interval
    snips: Interval
    dr: Interval | None
    effective_rows: float
    largest_weight: float


def replay(
    reward: npt.ArrayLike,
    logged: npt.ArrayLike,
    other: npt.ArrayLike,
    *,
    groups: npt.NDArray[Any] | None = None,
    clip: float = np.inf,
    expected: npt.ArrayLike | None = None,
    expected_other: npt.ArrayLike | None = None,
    n: int = 200,
    seed: int = 0,
) -> Replay:
    """Estimate what another policy would have earned a row.

    Parameters
    ----------
    reward : array of shape (n_rows,)
        What came of each row: 1 for a look, or any amount.
    logged : array of shape (n_rows,)
        Probability with which the row was shown, above 0.
    other : array of shape (n_rows,)
        Probability with which the other policy would show it.
    groups : array of shape (n_rows,), optional
        Whose rows they are: intervals are drawn over visitors, not rows. Each row by itself if not given.
    clip : float
        Weights above it are cut down to it: less noise, some bias towards 0.
    expected : array of shape (n_rows,), optional
        A model's expectation of each row's reward, learnt on other rows.
    expected_other : array of shape (n_rows,), optional
        The model's expectation of what the other policy would show in the row's slot; both or none.
    n, seed : int
        Resamples and their seed.

    Raises
    ------
    DataError
        Probabilities out of range, lengths that differ, no rows, or no row that the other policy would show.

    Examples
    --------
    Two vehicles shown evenly; the second is looked at. A policy that always shows the second earns 1:

    >>> found = replay([0.0, 1.0] * 50, [0.5] * 100, [0.0, 1.0] * 50)
    >>> found.ips.value, found.snips.value, found.effective_rows
    (1.0, 1.0, 50.0)
    """
    earned, was, would = (np.asarray(v, dtype=np.float64) for v in (reward, logged, other))
    _check(earned, was, would, clip)
    weight = np.minimum(would / was, clip)
    if not weight.any():
        raise DataError("replay: the other policy would show none of the logged rows, so the log says nothing of it")
    who = np.arange(len(earned)) if groups is None else np.asarray(groups)
    if len(who) != len(earned):
        raise DataError(f"replay: groups must have {len(earned)} rows, got {len(who)}")
    _, code = np.unique(who, return_inverse=True)
    by_group = [np.bincount(code, weights=v) for v in (weight * earned, weight, np.ones_like(weight))]
    correction = _correction(earned, weight, expected, expected_other)
    if correction is not None:
        by_group.append(np.bincount(code, weights=correction))
    sums = np.stack(by_group)
    draws = np.array([sums @ counts for counts in resampled_counts(sums.shape[1], n=n, seed=seed)])
    whole = sums.sum(axis=1)

    def interval(top: int, bottom: int) -> Interval:
        there = draws[:, bottom] > 0
        values = (draws[there, top] / draws[there, bottom]).tolist()
        return percentile_interval(float(whole[top] / whole[bottom]), values, level=0.95)

    return Replay(
        ips=interval(0, 2),
        snips=interval(0, 1),
        dr=None if correction is None else interval(3, 2),
        effective_rows=float(weight.sum() ** 2 / (weight**2).sum()),
        largest_weight=float(weight.max()),
    )


def _check(reward: FloatArray, logged: FloatArray, other: FloatArray, clip: float) -> None:
    if not len(reward) or not len(reward) == len(logged) == len(other):
        sizes = f"{len(reward)}, {len(logged)} and {len(other)}"
        raise DataError(
            f"replay: reward, logged and other must have the same number of rows, at least one, got {sizes}"
        )
    if not np.isfinite(reward).all():
        raise DataError("replay: reward must be finite numbers, got NaN or infinity; leave such rows out")
    for name, values, fits in (
        ("logged", logged, (logged > 0) & (logged <= 1)),
        ("other", other, (other >= 0) & (other <= 1)),
    ):
        if not fits.all():
            low = "above 0" if name == "logged" else "from 0"
            raise DataError(f"replay: {name} must be probabilities {low} up to 1, got {values[~fits][0]:g}")
    if not clip > 0:
        raise DataError(f"replay: clip must be above 0, got {clip:g}")


def _correction(reward: FloatArray, weight: FloatArray, expected: Any, expected_other: Any) -> FloatArray | None:
    if expected is None and expected_other is None:
        return None
    if expected is None or expected_other is None:
        raise DataError("replay: expected and expected_other go together; give both or none")
    here, there = np.asarray(expected, dtype=np.float64), np.asarray(expected_other, dtype=np.float64)
    if not len(here) == len(there) == len(reward):
        raise DataError(f"replay: expected and expected_other must have {len(reward)} rows")
    return there + weight * (reward - here)
