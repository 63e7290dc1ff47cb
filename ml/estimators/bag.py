"""The mean over a bag of models, the same bits for one row as for many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ml.domain.arrays import FloatArray

Scores = TypeVar("Scores", float, FloatArray)


def sequential_sum(scores: Iterable[Scores]) -> Scores:
    """Return the sum of the scores of a bag's members, added one after the other.

    Neither `numpy.sum` nor `sum` does so for one row as for many: NumPy adds up eight and more values of one row in
    pairs, and Python from 3.12 on adds up floats with compensation (what rounding loses is added at the end).

    Parameters
    ----------
    scores : iterable of float or of array
        At least one; arrays of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> scores = [1e16, 1.0, -1e16]
    >>> sequential_sum(scores), float(sequential_sum(np.array([[s]]) for s in scores)[0, 0])
    (0.0, 0.0)
    """
    members = iter(scores)
    total = next(members)
    for score in members:
        total = total + score
    return total


def sequential_mean(scores: Iterable[Scores], *, members: int) -> Scores:
    """Return the mean of the scores of so many members; see `sequential_sum`."""
    return sequential_sum(scores) / members
