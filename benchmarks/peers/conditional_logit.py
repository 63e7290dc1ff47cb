"""Conditional logit: probabilities of a choice between alternatives, from their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import from_json, to_json
from ml.estimators.contract import SklearnEstimator, check_is_fitted

STATE = "conditional_logit.json"
KEYS = frozenset({"l2", "coefficients", "standard_errors"})
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(kw_only=True, eq=False, repr=False)
class ConditionalLogit(SklearnEstimator):
    """Conditional logit ``P(i) = exp(x_i'b) / sum_j exp(x_j'b)``, fitted by penalised maximum likelihood.

    Parameters
    ----------
    l2 : float
        Penalty ``l2 / 2 * |b|^2`` on the coefficients of standardised columns, 0 or more.

    Attributes
    ----------
    coefficients_, standard_errors_ : ndarray of float64, shape (n_columns,)
        Per unit of each column; standard errors from the inverse observed information. A constant column has
        coefficient 0 and standard error NaN.

    References
    ----------
    D. McFadden (1974), Conditional logit analysis of qualitative choice behavior.

    Examples
    --------
    >>> X = np.tile([[0.0], [1.0]], (4, 1))  # the second is chosen in three of four choices: odds 3 to 1
    >>> model = ConditionalLogit().fit(X, [0, 1, 0, 1, 0, 1, 1, 0], [2, 2, 2, 2])
    >>> round(float(np.exp(model.coefficients_[0])), 4)
    3.0
    """

    l2: float = 0.0

    def fit(self, X: npt.ArrayLike, chosen: npt.ArrayLike, sizes: npt.ArrayLike) -> Self:
        """Fit on choices.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Attributes of the alternatives; the rows of one choice are adjacent.
        chosen : array of shape (n_rows,)
            1 for the one alternative that was chosen, 0 for the others.
        sizes : array of int, shape (n_choices,)
            Number of alternatives of each choice, in order.

        Raises
        ------
        DataError
            A value is missing, a choice does not have exactly one chosen alternative, or the fit does not converge.
        ConfigError
            `l2` is negative or not finite.
        """
        if not 0 <= self.l2 < np.inf:
            raise ConfigError(f"conditional logit: l2 must be 0 or more, got {self.l2}")
        x, size = _attributes(X), choice_sizes(sizes, chosen)
        if len(x) != size.sum():
            raise DataError(f"conditional logit: X must have {size.sum()} rows, the sum of sizes, got {len(x)}")
        label = np.asarray(chosen, dtype=np.float64)
        mean, spread = x.mean(axis=0), x.std(axis=0)
        varies = spread > 1e-12 * np.maximum(np.abs(mean), 1.0)
        z = (x[:, varies] - mean[varies]) / spread[varies]

        def loss(b: Floats) -> tuple[float, Floats]:
            u = z @ b
            p = softmax_of_each(u, size)
            likelihood = float(np.log(np.maximum(p[label > 0], 1e-300)).sum())
            return -likelihood + self.l2 / 2 * float(b @ b), z.T @ (p - label) + self.l2 * b

        optimum = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 1_000})
        if not optimum.success:
            raise DataError(f"conditional logit: the fit did not converge ({optimum.message}); set l2 above 0")
        self.coefficients_ = np.zeros(x.shape[1])
        self.coefficients_[varies] = optimum.x / spread[varies]
        self.standard_errors_ = np.full(x.shape[1], np.nan)
        self.standard_errors_[varies] = _errors(z, softmax_of_each(z @ optimum.x, size), size, self.l2) / spread[varies]
        return self

    def utilities(self, X: npt.ArrayLike) -> Floats:
        """Return the linear utility of each row, shape (n_rows,), comparable within a choice only."""
        check_is_fitted(self, "coefficients_")
        return np.asarray(_attributes(X) @ self.coefficients_)

    def probabilities(self, X: npt.ArrayLike, sizes: npt.ArrayLike) -> Floats:
        """Return the probability that each alternative is chosen, shape (n_rows,)."""
        return softmax_of_each(self.utilities(X), np.asarray(sizes, dtype=np.int64))

    def to_files(self) -> dict[str, bytes]:
        """Return the coefficients as a JSON file, by file name."""
        errors = [None if np.isnan(e) else e for e in self.standard_errors_.tolist()]
        state = {"l2": self.l2, "coefficients": self.coefficients_.tolist(), "standard_errors": errors}
        return {STATE: to_json(state)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore a fitted model from the files returned by `to_files`."""
        state: Any = from_json(files, STATE, keys=KEYS)
        model = cls(l2=state["l2"])
        model.coefficients_ = np.array(state["coefficients"], dtype=np.float64)
        model.standard_errors_ = np.array([np.nan if e is None else e for e in state["standard_errors"]])
        return model


def softmax_of_each(utility: Floats, sizes: Ints) -> Floats:
    """Return the softmax of the utilities within each choice, shape (n_rows,).

    >>> softmax_of_each(np.array([0.0, 0.0, 5.0]), np.array([2, 1])).tolist()
    [0.5, 0.5, 1.0]
    """
    begins = np.cumsum(sizes) - sizes
    e = np.exp(utility - np.repeat(np.maximum.reduceat(utility, begins), sizes))
    return np.asarray(e / np.repeat(np.add.reduceat(e, begins), sizes))


def choice_sizes(sizes: npt.ArrayLike, chosen: npt.ArrayLike) -> Ints:
    """Return the sizes after checking that each choice has exactly one chosen alternative.

    Raises
    ------
    DataError
        Sizes do not add up, `chosen` is neither 0 nor 1, or a choice does not have exactly one chosen alternative.
    """
    size, label = np.asarray(sizes, dtype=np.int64), np.asarray(chosen, dtype=np.float64)
    if not len(size) or (size < 1).any() or size.sum() != len(label):
        raise DataError(f"choices: sizes must be at least 1 and add up to the {len(label)} rows, got {size.sum()}")
    if not np.isin(label, (0.0, 1.0)).all():
        raise DataError(f"choices: chosen must be 0 or 1, got {label[~np.isin(label, (0.0, 1.0))][0]:g}")
    count = np.add.reduceat(label, np.cumsum(size) - size)
    if (count != 1).any():
        wrong = int(np.flatnonzero(count != 1)[0])
        raise DataError(
            f"choices: each choice needs exactly one chosen alternative, choice {wrong} has {count[wrong]:g}"
        )
    return size


def _attributes(X: npt.ArrayLike) -> Floats:
    x = np.asarray(X, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise DataError(
            f"conditional logit: X must be a two-dimensional array of finite numbers, got shape "
            f"{x.shape}; impute missing values first"
        )
    return x


def _errors(z: Floats, p: Floats, size: Ints, l2: float) -> Floats:
    begins = np.cumsum(size) - size
    mean = np.add.reduceat(p[:, None] * z, begins)
    centred = z - np.repeat(mean, size, axis=0)
    information = (centred * p[:, None]).T @ centred + l2 * np.eye(z.shape[1])
    return np.asarray(np.sqrt(np.diag(np.linalg.pinv(information))))
