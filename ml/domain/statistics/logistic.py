"""Logistic regression with bounds on its coefficients: scorecards and calibration need their signs to be right."""

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
    """Coefficients and intercept that minimise the penalised log loss within bounds.

    Minimises `sum_i w_i * log(1 + exp(-s_i * (x_i b + c))) + l2 / 2 * |b - centre|^2`, s = 1 if y = 1, else -1.
    The problem is convex, so a bound that binds gives the same answer as dropping the column and refitting.

    Parameters
    ----------
    X : array of shape (n_rows, n_columns)
        Finite numbers of similar scale.
    y : array of shape (n_rows,)
        0 or 1.
    bounds : sequence of (low, high)
        One pair a column; None for no bound. The intercept, which is not penalised, has none.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.
    l2 : float
        Strength of the penalty, 1/C of scikit-learn.
    centre : float
        Value of the coefficients that costs no penalty.

    Returns
    -------
    coefficients : array of shape (n_columns,)
    intercept : float

    Raises
    ------
    ValueError
        The minimiser did not converge.

    Examples
    --------
    >>> X, y = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 1.0, 1.0])
    >>> slope, intercept = bounded_logistic_regression(X, y, bounds=[(None, 0.0)])
    >>> round(float(slope[0]), 6) == 0.0, round(float(expit(intercept)), 4)
    (True, 0.75)
    """
    from scipy.optimize import minimize

    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    total = float(weight.sum())

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        away, z = theta[:-1] - centre, X @ theta[:-1] + theta[-1]
        residual = weight * (expit(z) - y)
        value = weight @ (np.logaddexp(0.0, z) - y * z) + l2 / 2 * away @ away
        gradient = np.append(X.T @ residual + l2 * away, residual.sum())
        return float(value) / total, gradient / total

    start = np.append(np.zeros(X.shape[1]), np.log((weight @ y) / (weight @ (1 - y))))
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)], options=options)
    if not np.all(np.isfinite(found.x)) or found.nit >= options["maxiter"]:
        raise ValueError(f"logistic regression did not converge in {found.nit} steps: {found.message}")
    return found.x[:-1], float(found.x[-1])
