"""Internal rates of return of many loans at once, by Newton's method.

The present value of the payments, ``sum p_k exp(-x t_k)``, is convex and decreasing in x. By Jensen's inequality
``log(sum p / received) / (mean time of the payments)`` is at or below the root. From there Newton's steps approach the
root without overshooting, so no bracket is needed.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray

_STEPS = 60
_TOLERANCE = 1e-14


def monthly_rates(received: FloatArray, paid: FloatArray, months: FloatArray) -> FloatArray:
    """Return the monthly internal rate of each loan, as a fraction, shape (n,); NaN for a loan without one.

    A loan that receives nothing or pays nothing has no internal rate.

    Parameters
    ----------
    received : array of float, shape (n,)
        Amount received at time 0, in any unit of money, such as fen.
    paid : array of float, shape (n_periods, n)
        Payments in the same unit, at least 0.
    months : array of float, shape (n_periods, n) or (n_periods, 1)
        Times of the payments, in months after time 0.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.internal_rate import monthly_rates
    >>> monthly_rates(np.array([1000.0]), np.array([[0.0], [1020.1]]), np.array([[1.0], [2.0]])).round(9).tolist()
    [0.01]
    """
    exists = (received > 0) & (paid.sum(axis=0) > 0)
    if exists.all():
        return _monthly_rates(received, paid, months)
    rates = np.full(len(received), np.nan)
    if exists.any():
        times = months if months.shape[1] == 1 else months[:, exists]
        rates[exists] = _monthly_rates(received[exists], paid[:, exists], times)
    return rates


def _monthly_rates(received: FloatArray, paid: FloatArray, months: FloatArray) -> FloatArray:
    weighted, total = paid * months, paid.sum(axis=0)
    x = np.log(total / received) * total / weighted.sum(axis=0)
    for _ in range(_STEPS):
        discount = np.exp(-x * months)
        step = (np.einsum("tn,tn->n", paid, discount) - received) / np.einsum("tn,tn->n", weighted, discount)
        x = x + step
        if np.abs(step).max() < _TOLERANCE:
            break
    return np.asarray(np.expm1(x))
