"""Internal rates of return of many loans at once, by Newton's method on the logarithm of the present value.

The logarithm of the present value, ``log(sum p_k exp(-x t_k))``, is convex and decreasing in x, and close to a straight
line. The first of Newton's steps from x = 0, ``log(sum p / received) / (mean time of the payments)``, is therefore not
above the root, and the following ones approach it without overshooting: no bracket is needed, and few steps are.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray

_STEPS = 60
_TOLERANCE = 1e-7  # of a step: the error after it is in proportion to its square


def monthly_rates(received: FloatArray, paid: FloatArray, months: FloatArray) -> FloatArray:
    """Return the monthly internal rate of each loan, as a fraction, shape (n,); NaN for a loan without one.

    A loan that receives nothing or pays nothing has no internal rate.

    Parameters
    ----------
    received : array of float, shape (n,)
        Amount received at time 0, in any unit of money, such as fen.
    paid : array of float, shape (n_periods, n)
        Payments in the same unit, at least 0. A last payment may be negative (a deposit that comes back) if the sum of
        ``paid x months`` is positive; the rate is then the only one that is not negative.
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
        value = np.einsum("tn,tn->n", paid, discount)
        step = np.log(value / received) * value / np.einsum("tn,tn->n", weighted, discount)
        x = x + step
        if np.abs(step).max() < _TOLERANCE:
            break
    return np.asarray(np.expm1(x))
