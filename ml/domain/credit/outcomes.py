"""Probabilities with the outcomes that came true: checked and sorted once, for cut-offs and bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class Outcomes:
    """Rows in the order of their probability.

    Attributes
    ----------
    order : array of shape (n_rows,)
        Position of each row in what was given.
    probability, bad, weight : array of shape (n_rows,)
        Probability of default, outcome (0 or 1) and weight.
    last : array of shape (n_rows,)
        Whether the row ends a run of equal probabilities.
    """

    order: npt.NDArray[np.intp]
    probability: FloatArray
    bad: FloatArray
    weight: FloatArray
    last: npt.NDArray[np.bool_]


def sorted_outcomes(
    probability: npt.ArrayLike, defaulted: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
) -> Outcomes:
    """Check probabilities, outcomes and weights, and sort them by probability.

    Raises
    ------
    ValueError
        Lengths differ, no rows, a probability outside 0 to 1, an outcome that is neither 0 nor 1, a weight that is
        not above 0, or one class only.

    Examples
    --------
    >>> sorted_outcomes([0.3, 0.1, 0.1], [1, 0, 0]).last.tolist()
    [False, True, True]
    """
    pd, bad = np.asarray(probability, dtype=np.float64), np.asarray(defaulted, dtype=np.float64)
    weight = np.ones(len(pd)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if not (pd.shape == bad.shape == weight.shape) or pd.ndim != 1 or len(pd) == 0:
        shapes = f"probability {pd.shape}, defaulted {bad.shape}, sample_weight {weight.shape}"
        raise ValueError(f"{shapes}: all must have one dimension and the same length, at least 1")
    for rule, values, right in (
        ("probability must be between 0 and 1", pd, (pd >= 0) & (pd <= 1)),
        ("defaulted must be 0 or 1", bad, (bad == 0) | (bad == 1)),
        ("sample_weight must be above 0 and finite", weight, (weight > 0) & np.isfinite(weight)),
    ):
        if not right.all():
            raise ValueError(f"{rule}, got {values[~right][0]}")
    if bad.min() == bad.max():
        raise ValueError(f"both good and bad loans are needed, got {int(bad[0])} in all {len(bad)} rows of defaulted")
    order = np.argsort(pd, kind="stable")
    pd = pd[order]
    return Outcomes(order, pd, bad[order], weight[order], np.append(pd[1:] != pd[:-1], True))
