"""Rows whose outcome was not known yet: left out, and stood in for by rows of the same waiting time.

A yes is known on the day it happens, a no only when the horizon is over. Leaving out what is not known yet keeps the
early yeses and drops the later noes; weighting each known row by the inverse of its chance of being known undoes it.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray, IntArray


def censoring_weights(as_of: IntArray, known_at: IntArray, *, until: int) -> FloatArray:
    """Inverse-probability-of-censoring weights of rows as they stand at one moment.

    Every row is watched from its `as_of` to `until`, so the time it can be watched is known exactly, and the chance
    that an outcome which takes `t` is seen is the share of rows that can be watched at least `t`.

    Parameters
    ----------
    as_of, known_at : ndarray of shape (n_rows,)
        When each row was asked about, and when its outcome could be known (us).
    until : int
        The moment of learning (us).

    Returns
    -------
    ndarray of shape (n_rows,)
        0 where the outcome was not known, else at least 1.

    References
    ----------
    D. M. Vock et al. (2016), Adapting machine learning techniques to censored time-to-event health record data,
    Journal of Biomedical Informatics 61, 119-131.

    Examples
    --------
    Four rows, watched for 4, 3, 2 and 1 units; an outcome that takes 2 is seen in three of four.

    >>> censoring_weights(np.array([0, 1, 2, 3]), np.array([2, 3, 4, 5]), until=4).round(3).tolist()
    [1.333, 1.333, 1.333, 0.0]
    """
    watched = np.sort(until - as_of)
    takes = known_at - as_of
    seen = (len(watched) - np.searchsorted(watched, takes, side="left")) / max(len(watched), 1)
    known = known_at <= until
    return np.where(known, 1 / np.where(known, seen, 1.0), 0.0)
