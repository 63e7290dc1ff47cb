"""Prediction intervals by gradient boosted trees, conformally calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.inputs import check_matrix, monotone_directions
from ml.estimators.native_files import trees_from_files, trees_to_files
from ml.threads import thread_count

if TYPE_CHECKING:
    import lightgbm as lgb

NAME = "quantile_trees"
MEMBERS = ("low.txt", "median.txt", "high.txt")
NOT_LIGHTGBM = frozenset({"n_estimators", "coverage", "seed", "categorical", "monotone"})


@dataclass(kw_only=True, eq=False, repr=False)
class QuantileTrees(SklearnEstimator):
    """Predict median, lower and upper quantile of a number; the median can be monotone in features.

    LightGBM does not support monotone constraints with its quantile objective: the median is a least-squares booster
    plus the median of its errors, and the ends are quantile boosters of those errors.

    Parameters
    ----------
    coverage : float
        Nominal fraction of outcomes between the lower and the upper end; half of the rest lies beyond each end.
    n_estimators, learning_rate, num_leaves, min_data_in_leaf, feature_fraction, bagging_fraction, bagging_freq, \
lambda_l2, max_bin, num_threads, deterministic
        As in LightGBM.
    seed : int
        Seed of bagging and feature sampling.
    monotone : mapping of int to int, optional
        Direction by column: 1 if the prediction may not decrease with the column, -1 not increase, 0 free.
    categorical : tuple of int
        Columns with category codes (0, 1, ...; NaN for missing or unknown).

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster
        Lower end, median, upper end.
    offsets_ : tuple of float
        Calibration offsets added to the lower end, the median and the upper end.
    n_features_in_ : int
        Number of features.

    References
    ----------
    Y. Romano, E. Patterson, E. Candes (2019), Conformalized quantile regression, arXiv:1905.03222, with the two ends
    calibrated separately.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.quantile_trees import QuantileTrees
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 1, (4000, 1))
    >>> y = X[:, 0] + rng.uniform(-1, 1, 4000)
    >>> trees = QuantileTrees(n_estimators=30).fit(X[:2000], y[:2000]).calibrate(X[2000:3000], y[2000:3000])
    >>> low, _, high = trees.predict_quantiles(X[3000:]).T
    >>> bool(0.75 < np.mean((y[3000:] >= low) & (y[3000:] <= high)) < 0.85)
    True
    """

    estimator_type = "regressor"

    coverage: float = 0.8
    n_estimators: int = 400
    learning_rate: float = 0.1
    num_leaves: int = 63
    min_data_in_leaf: int = 20
    feature_fraction: float = 0.8
    bagging_fraction: float = 0.8
    bagging_freq: int = 1
    lambda_l2: float = 1.0
    max_bin: int = 255
    seed: int = 7
    num_threads: int = 0
    deterministic: bool = True
    monotone: Mapping[int, int] | None = None
    categorical: tuple[int, ...] = ()

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit the three boosters; call `calibrate` afterwards to calibrate the ends.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features; NaN for missing.
        y : array of shape (n_rows,)
            Outcomes, finite, in any unit.

        Returns
        -------
        QuantileTrees
            The fitted estimator.

        Raises
        ------
        DataError
            `X` has no rows, `y` has another length, or an outcome is not finite.
        ConfigError
            `coverage` is not between 0 and 1, or LightGBM rejects the parameters.
        """
        import lightgbm as lgb

        if not 0 < self.coverage < 1:
            raise ConfigError(f"coverage must be between 0 and 1, ends excluded, got {self.coverage}")
        array, outcome = _labelled(X, y)
        tail = (1 - self.coverage) / 2
        try:
            middle = self.fit_median(array, outcome)
            error = outcome - middle.predict(array, num_threads=1)
            low, high = (
                self._boost(array, error, {"objective": "quantile", "alpha": level}) for level in (tail, 1 - tail)
            )
        except (lgb.basic.LightGBMError, ValueError) as e:
            raise ConfigError(f"LightGBM rejects the parameters of quantile_trees: {e}") from e
        self.boosters_ = (low, middle, high)
        self.n_features_in_ = array.shape[1]
        self.offsets_ = (0.0, 0.0, 0.0)
        return self

    def fit_median(self, X: npt.ArrayLike, y: npt.ArrayLike) -> lgb.Booster:
        """Return the booster of the median alone, fitted; the estimator does not change.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features; NaN for missing.
        y : array of shape (n_rows,)
            Outcomes, finite, in any unit.
        """
        array, outcome = _labelled(X, y)
        constraints = monotone_directions(array.shape[1], monotone=self.monotone, categorical=self.categorical)
        return self._boost(array, outcome, {"objective": "l2"} | _constrained(constraints))

    def calibrate(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Set the offsets so that each end has its nominal coverage on calibration rows.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features of rows that were not passed to `fit`.
        y : array of shape (n_rows,)
            Their outcomes, finite, in the unit of `fit`.

        Returns
        -------
        QuantileTrees
            The estimator, with new `offsets_`.

        Raises
        ------
        DataError
            `X` has no rows, `y` has another length, an outcome is not finite, or the rows are too few for the coverage.
        """
        check_is_fitted(self)
        array, outcome = _labelled(X, y)
        tail = (1 - self.coverage) / 2
        n = len(outcome)
        level = np.ceil((n + 1) * (1 - tail)) / n
        if level > 1:
            raise DataError(
                f"{n} calibration rows are too few for a coverage of {self.coverage:g}: "
                f"provide at least {int(np.ceil(1 / tail))}"
            )
        raw = self._raw(array)
        below = np.quantile(raw[:, 0] - outcome, level, method="higher")
        above = np.quantile(outcome - raw[:, 2], level, method="higher")
        self.offsets_ = (-float(below), float(np.median(outcome - raw[:, 1])), float(above))
        return self

    def predict_quantiles(self, X: npt.ArrayLike) -> FloatArray:
        """Return lower end, median and upper end, never crossing.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows, 3)
            In the unit of the outcomes.

        Raises
        ------
        DataError
            `X` has another number of columns than in `fit`, or infinite values.
        """
        check_is_fitted(self)
        ends = self._raw(check_matrix(X, n_features=self.n_features_in_))
        ends += self.offsets_
        ends[:, 0] = np.minimum(ends[:, 0], ends[:, 1])
        ends[:, 2] = np.maximum(ends[:, 2], ends[:, 1])
        return ends

    def predict(self, X: npt.ArrayLike) -> FloatArray:
        """Return the median.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows,)
            In the unit of the outcomes.
        """
        return self.predict_quantiles(X)[:, 1]

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Return exact SHAP values of the uncalibrated median.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1)
            In the unit of the outcomes; the last column is the base value.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        return np.asarray(self.boosters_[1].predict(array, pred_contrib=True, num_threads=1))

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the model's files by name.

        Returns
        -------
        dict of str to bytes
            "quantile_trees.json" (parameters), "low.txt", "median.txt" and "high.txt" (trees).
        """
        check_is_fitted(self)
        boosters = dict(zip(MEMBERS, self.boosters_, strict=True))
        return trees_to_files(self, NAME, boosters, offsets=list(self.offsets_))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore an estimator.

        Parameters
        ----------
        files : mapping of str to bytes
            Content by file name, as returned by `to_files`; other files are ignored.

        Raises
        ------
        ModelNotFound
            A file is missing.
        DataError
            A file is damaged.
        """
        restored, boosters, state = trees_from_files(
            cls, files, NAME, members=lambda trees: MEMBERS, learned=("offsets",)
        )
        low, middle, high = state["offsets"]
        restored.boosters_, restored.offsets_ = boosters, (float(low), float(middle), float(high))
        restored.n_features_in_ = int(state["n_features"])
        return restored

    def _raw(self, array: FloatArray) -> FloatArray:
        if len(array) == 0:
            return np.empty((0, 3))
        low, middle, high = (b.predict(array, num_threads=1) for b in self.boosters_)
        return np.column_stack([middle + low, middle, middle + high])

    def _boost(self, array: FloatArray, outcome: FloatArray, objective: dict[str, Any]) -> lgb.Booster:
        import lightgbm as lgb

        params = self._lightgbm() | objective
        train = lgb.Dataset(array, outcome, params=params, categorical_feature=list(self.categorical))
        # Restored from its text, so that the fitted booster equals the one that will be loaded.
        return lgb.Booster(model_str=lgb.train(params, train, self.n_estimators).model_to_string())

    def _lightgbm(self) -> dict[str, Any]:
        params = {name: value for name, value in self.get_params().items() if name not in NOT_LIGHTGBM}
        seeds = dict.fromkeys(("data_random_seed", "bagging_seed", "feature_fraction_seed"), self.seed)
        fixed = {"verbosity": -1, "force_col_wise": True, "num_threads": thread_count(self.num_threads)}
        return params | seeds | fixed


def _constrained(constraints: list[int]) -> dict[str, Any]:
    if not any(constraints):
        return {}
    return {"monotone_constraints": constraints, "monotone_constraints_method": "intermediate"}


def _labelled(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    array, outcome = check_matrix(X), np.asarray(y, dtype=np.float64)
    if outcome.shape != (len(array),) or len(array) == 0:
        raise DataError(
            f"y must have one outcome for each of the {len(array)} rows, at least one; got shape {outcome.shape}"
        )
    if not np.isfinite(outcome).all():
        raise DataError(f"outcomes must be finite, got {outcome[~np.isfinite(outcome)][0]}")
    return array, outcome
