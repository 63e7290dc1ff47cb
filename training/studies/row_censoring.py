"""Weights that correct for rows whose outcome is not observed yet (censored rows).

A positive outcome is observed on the day it happens, a negative one only at the end of the horizon. Dropping censored
rows keeps early positives and drops late negatives, which biases the rate upwards. Weighting each observed row by the
inverse of its probability of being observed removes the bias.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray, IntArray


def censoring_weights(as_of: IntArray, known_at: IntArray, *, until: int) -> FloatArray:
    """Return inverse-probability-of-censoring weights of rows at a given instant.

    Every row is followed from `as_of` to `until`, so its censoring time `until - as_of` is known exactly. The
    probability that an outcome which takes the time `t` is observed is the share of rows followed for at least `t`.

    Parameters
    ----------
    as_of : ndarray of int64, shape (n_rows,)
        Prediction time of each row (microseconds since 1970 UTC).
    known_at : ndarray of int64, shape (n_rows,)
        Time at which the outcome of each row is or will be observed (microseconds since 1970 UTC).
    until : int
        End of the follow-up (microseconds since 1970 UTC); not before any `as_of`.

    Returns
    -------
    ndarray of shape (n_rows,)
        Weight of each row, without unit: 0 for a censored row (`known_at` after `until`), else at least 1.

    References
    ----------
    D. M. Vock et al. (2016), Adapting machine learning techniques to censored time-to-event health record data,
    Journal of Biomedical Informatics 61, 119-131.

    Examples
    --------
    Four rows are followed for 4, 3, 2 and 1 microseconds; an outcome that takes 2 is observed in three of the four.

    >>> import numpy as np
    >>> censoring_weights(np.array([0, 1, 2, 3]), np.array([2, 3, 4, 5]), until=4).round(3).tolist()
    [1.333, 1.333, 1.333, 0.0]
    """
    follow_up = np.sort(until - as_of)
    duration = known_at - as_of
    observed_share = (len(follow_up) - np.searchsorted(follow_up, duration, side="left")) / max(len(follow_up), 1)
    observed = known_at <= until
    return np.where(observed, 1 / np.where(observed, observed_share, 1.0), 0.0)
