"""Gradient-boosted trees for a binary outcome: LightGBM boosters averaged in log-odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from ml.domain.arrays import FloatArray
from ml.estimators.bag import sequential_mean
from ml.estimators.contract import BinaryClassifier, check_is_fitted
from ml.estimators.inputs import check_matrix, check_training_data, monotone_directions
from ml.estimators.native_files import trees_from_files, trees_to_files
from ml.threads import thread_count

if TYPE_CHECKING:
    import lightgbm as lgb

NAME = "boosted_trees"
NOT_LIGHTGBM_PARAMS = frozenset({"bag", "seed", "n_estimators", "categorical", "monotone"})


@dataclass(kw_only=True, eq=False, repr=False)
class BoostedTrees(BinaryClassifier):
    """Binary classifier with LightGBM, on a float matrix with missing values and category codes.

    Parameters
    ----------
    n_estimators : int, default 300
        Number of trees of each booster.
    learning_rate : float, default 0.03
        Shrinkage of each tree.
    num_leaves : int, default 15
        Maximum number of leaves of a tree.
    min_data_in_leaf : int, default 50
        Minimum number of rows of a leaf.
    feature_fraction : float, default 0.6
        Fraction of the columns sampled for each tree.
    bagging_fraction, bagging_freq : float, default 0.7, and int, default 1
        Fraction of the rows, sampled again after every `bagging_freq` trees.
    lambda_l1, lambda_l2, path_smooth, max_bin, extra_trees, cat_smooth, cat_l2, min_data_per_group
        LightGBM parameters of the same name.
    bag : int, default 1
        Number of boosters to average. With more than one, sampling of columns or rows or `extra_trees` must make them
        differ.
    seed : int, default 7
        Seed of the first booster; booster k uses `seed + k`.
    num_threads : int, default 0
        Threads for fitting; 0 takes `ml.threads.thread_count(0)`. Prediction uses one thread.
    deterministic : bool, default True
        The same data and parameters give the same model, whatever the number of threads.
    monotone : mapping of int to int, optional
        Constraint by column position: 1 where the probability of 1 may only increase with the column, -1 where it may
        only decrease, 0 for none. Columns not named have none.
    monotone_constraints_method : {"basic", "intermediate", "advanced"}, default "intermediate"
        LightGBM parameter of the same name.
    categorical : tuple of int, default ()
        Positions of columns that hold category codes (0, 1, ...; NaN for missing or unseen).

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster
        The `bag` fitted boosters.
    n_features_in_ : int
        Number of columns of the matrix.
    classes_ : ndarray of shape (2,)
        0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.boosted_trees import BoostedTrees
    >>> X, y = np.arange(200.0).reshape(-1, 1), np.arange(200) >= 100
    >>> trees = BoostedTrees(n_estimators=20, monotone={0: 1}).fit(X, y)
    >>> trees.predict(np.array([[3.0], [150.0]])).tolist()
    [0, 1]
    >>> BoostedTrees.from_files(trees.to_files()).predict(np.array([[3.0]])).tolist()
    [0]
    """

    n_estimators: int = 300
    learning_rate: float = 0.03
    num_leaves: int = 15
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.6
    bagging_fraction: float = 0.7
    bagging_freq: int = 1
    lambda_l1: float = 0.0
    lambda_l2: float = 1.0
    path_smooth: float = 0.0
    max_bin: int = 255
    extra_trees: bool = False
    cat_smooth: float = 10.0
    cat_l2: float = 10.0
    min_data_per_group: int = 100
    bag: int = 1
    seed: int = 7
    num_threads: int = 0
    deterministic: bool = True
    monotone: Mapping[int, int] | None = None
    monotone_constraints_method: Literal["basic", "intermediate", "advanced"] = "intermediate"
    categorical: tuple[int, ...] = ()

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit the boosters.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Finite numbers; NaN is missing. Constant and entirely missing columns are allowed.
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows, above 0.

        Returns
        -------
        BoostedTrees
            The fitted classifier.

        Raises
        ------
        DataError
            `X`, `y` or `sample_weight` break one of these rules.
        ConfigError
            Parameters contradict each other, or LightGBM refuses them.
        """
        import lightgbm as lgb

        array, outcome, weight = check_training_data(X, y, sample_weight)
        n_features = array.shape[1]
        constraints = monotone_directions(n_features, monotone=self.monotone, categorical=self.categorical)
        if self.bag < 1:
            raise ConfigError(f"bag must be at least 1, got {self.bag}")
        if self.bag > 1 and not self._is_random():
            raise ConfigError(
                f"bag is {self.bag}, but the boosters would be identical: set feature_fraction below 1, "
                "bagging_fraction below 1 with bagging_freq above 0, or extra_trees"
            )
        params = self._lightgbm(constraints)
        try:
            train = lgb.Dataset(
                array, outcome, weight=weight, params=params, categorical_feature=list(self.categorical)
            )
            boosters = tuple(self._booster(k, params, train) for k in range(self.bag))
        except (lgb.basic.LightGBMError, ValueError) as e:
            raise ConfigError(f"LightGBM refuses the parameters of boosted_trees: {e}") from e
        self._set_boosters(boosters, n_features)
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Return the log-odds of 1, averaged over the boosters.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Finite numbers; NaN is missing. Columns in the order of `fit`.

        Returns
        -------
        ndarray of shape (n_rows,)
            Log-odds; bit-identical whether a row is scored alone or in a batch.

        Raises
        ------
        DataError
            The number of columns is not that of `fit`, or a value is infinite.
        NotFittedError
            The classifier is not fitted.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 1:
            return np.array(
                [sequential_mean((predict(array) for predict in self._single_row), members=len(self.boosters_))]
            )
        if len(array) == 0:
            return np.empty(0)
        scores = (booster.predict(array, raw_score=True, num_threads=1) for booster in self.boosters_)
        return np.asarray(sequential_mean(scores, members=len(self.boosters_)))

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Return the exact SHAP values of the log-odds, averaged over the boosters.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Finite numbers; NaN is missing. Columns in the order of `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1)
            Contribution of each feature in log-odds; the last column is the expected value. Each row sums to
            `decision_function`.

        Raises
        ------
        DataError
            The number of columns is not that of `fit`, or a value is infinite.
        NotFittedError
            The classifier is not fitted.

        References
        ----------
        S. M. Lundberg, G. G. Erion, S.-I. Lee (2018), Consistent individualized feature attribution for tree
        ensembles, arXiv:1802.03888.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 0:
            return np.empty((0, self.n_features_in_ + 1))
        shap = (booster.predict(array, pred_contrib=True, num_threads=1) for booster in self.boosters_)
        return np.asarray(sequential_mean(shap, members=len(self.boosters_)))

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the model's files by name.

        Returns
        -------
        dict of str to bytes
            "boosted_trees.json" (parameters), "booster_0.txt", ... (trees).
        """
        check_is_fitted(self)
        return trees_to_files(self, NAME, dict(zip(_members(self), self.boosters_, strict=True)))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the classifier stored in `files`.

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
        restored, boosters, state = trees_from_files(cls, files, NAME, members=_members)
        restored._set_boosters(boosters, state["n_features"])
        return restored

    def _set_boosters(self, boosters: tuple[lgb.Booster, ...], n_features: int) -> None:
        from ml.estimators.single_row import SingleRowPredictor  # imports LightGBM

        self.boosters_ = boosters
        self.n_features_in_ = n_features
        self.classes_ = np.array([0, 1])
        self._single_row = tuple(SingleRowPredictor(booster) for booster in boosters)

    def _is_random(self) -> bool:
        samples_rows = self.bagging_fraction < 1 and self.bagging_freq > 0
        return samples_rows or self.feature_fraction < 1 or self.extra_trees

    def _lightgbm(self, constraints: list[int]) -> dict[str, Any]:
        params = {name: value for name, value in self.get_params().items() if name not in NOT_LIGHTGBM_PARAMS}
        if any(constraints):
            params["monotone_constraints"] = constraints
        else:
            del params["monotone_constraints_method"]
        # Otherwise LightGBM times both histogram layouts and may choose differently in each run.
        fixed = {"objective": "binary", "verbosity": -1, "force_col_wise": True, "data_random_seed": self.seed}
        return params | fixed | {"num_threads": thread_count(self.num_threads)}

    def _booster(self, k: int, params: dict[str, Any], train: lgb.Dataset) -> lgb.Booster:
        import lightgbm as lgb

        seeds = dict.fromkeys(("bagging_seed", "feature_fraction_seed", "extra_seed"), self.seed + k)
        fitted = lgb.train(params | seeds, train, self.n_estimators)
        # Read back from its text, so that the fitted booster equals the one loaded from files.
        return lgb.Booster(model_str=fitted.model_to_string())


def _members(trees: BoostedTrees) -> list[str]:
    return [f"booster_{k}.txt" for k in range(trees.bag)]
