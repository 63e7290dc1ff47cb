"""Sum and mean over the members of an ensemble, bit-identical for one row and for a batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ml.domain.arrays import FloatArray

Scores = TypeVar("Scores", float, FloatArray)


def sequential_sum(scores: Iterable[Scores]) -> Scores:
    """Return the sum of the members' scores, added from left to right.

    `numpy.sum` and `sum` round a single row differently from a batch: NumPy adds eight or more values of one row
    pairwise, and Python 3.12 or later adds floats with compensated summation.

    Parameters
    ----------
    scores : iterable of float or of ndarray
        Scores of each member, at least one member; arrays of equal shape.

    Returns
    -------
    float or ndarray
        Same type and shape as one element of `scores`.

    Raises
    ------
    StopIteration
        `scores` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.bag import sequential_sum
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
    """Return `sequential_sum(scores) / members`.

    Parameters
    ----------
    scores : iterable of float or of ndarray
        Scores of each member; may be a generator, which is why the count is an argument.
    members : int
        Number of members.

    Returns
    -------
    float or ndarray
        Same type and shape as one element of `scores`.

    Examples
    --------
    >>> from ml.estimators.bag import sequential_mean
    >>> sequential_mean([1.0, 2.0, 6.0], members=3)
    3.0
    """
    return sequential_sum(scores) / members
