"""Logistic regression with bounds on the coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from ml.domain.arrays import FloatArray

Bound = tuple[float | None, float | None]


def bounded_logistic_regression(
    X: FloatArray,
    y: FloatArray,
    *,
    bounds: Sequence[Bound],
    sample_weight: FloatArray | None = None,
    l2: float = 0.0,
    centre: float = 0.0,
) -> tuple[FloatArray, float]:
    """Return the coefficients and intercept that minimise the penalised log loss within bounds.

    The objective is `sum_i w_i * log(1 + exp(-s_i * (x_i b + c))) + l2 / 2 * |b - centre|^2` with s = 1 for y = 1 and
    s = -1 for y = 0. It is convex: an active bound at 0 gives the same solution as refitting without the column.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Finite numbers of similar scale.
    y : ndarray of shape (n_rows,)
        0 or 1; both must occur.
    bounds : sequence of (low, high), length n_columns
        Bounds of each coefficient; None for no bound. The intercept is neither bounded nor penalised.
    sample_weight : ndarray of shape (n_rows,), optional
        Weights of the rows.
    l2 : float, default 0
        Ridge penalty, 1/C of scikit-learn.
    centre : float, default 0
        Value towards which the penalty shrinks the coefficients.

    Returns
    -------
    coefficients : ndarray of shape (n_columns,)
        Change of the log-odds of y = 1 per unit of the column.
    intercept : float
        Log-odds at X = 0.

    Raises
    ------
    ValueError
        The optimiser does not converge in 1000 iterations, or `y` has one class only.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> from ml.domain.statistics.logistic import bounded_logistic_regression
    >>> X, y = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 1.0, 1.0])
    >>> slope, intercept = bounded_logistic_regression(X, y, bounds=[(None, 0.0)])
    >>> round(float(slope[0]), 6) == 0.0, round(float(expit(intercept)), 4)
    (True, 0.75)
    """
    from scipy.optimize import minimize

    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    total = float(weight.sum())

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        deviation, z = theta[:-1] - centre, X @ theta[:-1] + theta[-1]
        residual = weight * (expit(z) - y)
        value = weight @ (np.logaddexp(0.0, z) - y * z) + l2 / 2 * deviation @ deviation
        gradient = np.append(X.T @ residual + l2 * deviation, residual.sum())
        return float(value) / total, gradient / total

    start = np.append(np.zeros(X.shape[1]), np.log((weight @ y) / (weight @ (1 - y))))
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)], options=options)
    if not np.all(np.isfinite(optimum.x)) or optimum.nit >= options["maxiter"]:
        raise ValueError(f"logistic regression did not converge in {optimum.nit} iterations: {optimum.message}")
    return optimum.x[:-1], float(optimum.x[-1])
