"""Internal rates of many loans at once, by Newton's method.

The value of the payments, ``sum p_k exp(-x t_k)``, is convex and falls in x. Jensen's inequality puts
``log(sum p / received) / (mean time of the payments)`` on the low side of the root, from where Newton's steps approach
it without overshooting; so there is nothing to bracket.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray
from ml.domain.loans.cost import NoInternalRate

_STEPS = 60
_TOLERANCE = 1e-14


def monthly_rates(received: FloatArray, paid: FloatArray, months: FloatArray) -> FloatArray:
    """Monthly internal rate of each column.

    Parameters
    ----------
    received : array of float, shape (n,)
        What is received at time 0.
    paid : array of float, shape (n_periods, n)
        What is paid, at least 0.
    months : array of float, shape (n_periods, n) or (n_periods, 1)
        When, in months.

    Raises
    ------
    NoInternalRate
        A column receives nothing or pays nothing; the text gives its place.

    Examples
    --------
    >>> monthly_rates(np.array([1000.0]), np.array([[0.0], [1020.1]]), np.array([[1.0], [2.0]])).round(9).tolist()
    [0.01]
    """
    total = paid.sum(axis=0)
    wrong = ~((received > 0) & (total > 0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise NoInternalRate(f"loan {i} receives {received[i]:g} fen and pays {total[i]:g}: both must be above 0")
    weighted = paid * months
    x = np.log(total / received) * total / weighted.sum(axis=0)
    for _ in range(_STEPS):
        discount = np.exp(-x * months)
        step = (np.einsum("tn,tn->n", paid, discount) - received) / np.einsum("tn,tn->n", weighted, discount)
        x = x + step
        if np.abs(step).max() < _TOLERANCE:
            break
    return np.asarray(np.expm1(x))
