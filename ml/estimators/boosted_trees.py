"""Gradient-boosted trees for a yes/no outcome: a bag of LightGBM boosters averaged in log-odds."""

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
NOT_LIGHTGBM = frozenset({"bag", "seed", "n_estimators", "categorical", "monotone"})


@dataclass(kw_only=True, eq=False, repr=False)
class BoostedTrees(BinaryClassifier):
    """Binary classifier over a float matrix with missing values and coded categories.

    Parameters
    ----------
    n_estimators : int
        Trees of each booster.
    learning_rate, num_leaves, min_data_in_leaf : float, int, int
        Shrinkage, leaves of a tree, least rows of a leaf.
    feature_fraction, bagging_fraction, bagging_freq : float, float, int
        Shares of the columns of each tree, and of the rows drawn anew every `bagging_freq` trees.
    lambda_l1, lambda_l2, path_smooth, max_bin, extra_trees, cat_smooth, cat_l2, min_data_per_group
        As in LightGBM.
    bag : int
        Boosters to average; above 1 they must differ by columns, rows or `extra_trees`.
    seed : int
        Of the first booster; the others count up from it.
    num_threads : int
        Threads for fitting, 0 for as many as `ml.threads.thread_count` grants. Answers use one.
    deterministic : bool
        Same data and parameters, same model, whatever the number of threads.
    monotone : mapping of int to int, optional
        Column to direction: 1 when the outcome may only become more likely as the column grows, -1 less, 0 free.
    monotone_constraints_method : {"basic", "intermediate", "advanced"}
        As in LightGBM.
    categorical : tuple of int
        Columns that hold category codes (0, 1, ...; NaN for missing or unseen).

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster
        Fitted members.
    n_features_in_ : int
        Columns of the matrix.
    classes_ : array
        0 and 1.

    Examples
    --------
    >>> X, y = np.arange(200.0).reshape(-1, 1), np.arange(200) >= 100
    >>> trees = BoostedTrees(n_estimators=20, monotone={0: 1}).fit(X, y)
    >>> trees.predict(np.array([[3.0], [150.0]])).tolist()
    [0, 1]
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
        """Fit the members.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            NaN is missing. Constant and wholly missing columns do no harm.
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows.

        Raises
        ------
        DataError
            The matrix, outcomes or weights break a rule.
        ConfigError
            Parameters that contradict each other or that LightGBM refuses.
        """
        import lightgbm as lgb

        array, outcome, weight = check_training_data(X, y, sample_weight)
        n_features = array.shape[1]
        ways = monotone_directions(n_features, monotone=self.monotone, categorical=self.categorical)
        if self.bag < 1:
            raise ConfigError(f"bag must be at least 1, got {self.bag}")
        if self.bag > 1 and not self._random():
            raise ConfigError(
                f"bag is {self.bag}, but its members would be identical: set feature_fraction below 1, "
                "bagging_fraction below 1 with bagging_freq above 0, or extra_trees"
            )
        params = self._lightgbm(ways)
        try:
            train = lgb.Dataset(
                array, outcome, weight=weight, params=params, categorical_feature=list(self.categorical)
            )
            members = tuple(self._member(k, params, train) for k in range(self.bag))
        except (lgb.basic.LightGBMError, ValueError) as e:
            raise ConfigError(f"LightGBM refuses the parameters of boosted_trees: {e}") from e
        self._open(members, n_features)
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Log-odds of 1, the mean over the bag; a row alone gives the same bits as in a batch.

        Raises
        ------
        DataError
            The matrix has other columns than it was fitted on, or infinite values.
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
        """What each feature adds to the log-odds: exact SHAP values of the trees, the mean over the bag.

        Returns
        -------
        array of shape (n_rows, n_features + 1)
            The last column is the base; each row sums to `decision_function`.

        Raises
        ------
        DataError
            As `decision_function`.

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
        """The parameters as JSON and each member as LightGBM model text."""
        check_is_fitted(self)
        return trees_to_files(self, NAME, dict(zip(_members(self), self.boosters_, strict=True)))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound
            A file is missing.
        DataError
            A file is damaged.
        """
        restored, boosters, state = trees_from_files(cls, files, NAME, members=_members)
        restored._open(boosters, state["n_features"])
        return restored

    def _open(self, boosters: tuple[lgb.Booster, ...], n_features: int) -> None:
        from ml.estimators.single_row import SingleRowPredictor  # imports LightGBM

        self.boosters_ = boosters
        self.n_features_in_ = n_features
        self.classes_ = np.array([0, 1])
        self._single_row = tuple(SingleRowPredictor(booster) for booster in boosters)

    def _random(self) -> bool:
        bagged = self.bagging_fraction < 1 and self.bagging_freq > 0
        return bagged or self.feature_fraction < 1 or self.extra_trees

    def _lightgbm(self, ways: list[int]) -> dict[str, Any]:
        params = {name: value for name, value in self.get_params().items() if name not in NOT_LIGHTGBM}
        if any(ways):
            params["monotone_constraints"] = ways
        else:
            del params["monotone_constraints_method"]
        # A fixed histogram layout: LightGBM would otherwise time both and might choose differently each run.
        fixed = {"objective": "binary", "verbosity": -1, "force_col_wise": True, "data_random_seed": self.seed}
        return params | fixed | {"num_threads": thread_count(self.num_threads)}

    def _member(self, k: int, params: dict[str, Any], train: lgb.Dataset) -> lgb.Booster:
        import lightgbm as lgb

        seeds = dict.fromkeys(("bagging_seed", "feature_fraction_seed", "extra_seed"), self.seed + k)
        fitted = lgb.train(params | seeds, train, self.n_estimators)
        # Read back from its text, so that what was fitted and what will be loaded are one and the same.
        return lgb.Booster(model_str=fitted.model_to_string())


def _members(trees: BoostedTrees) -> list[str]:
    return [f"booster_{k}.txt" for k in range(trees.bag)]
