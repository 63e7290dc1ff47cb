"""A bag of LightGBM boosters, averaged in log-odds, with exact contributions and native artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from features.errors import DataError
from ml.estimators.artefact import content_of, damaged, from_json, to_json
from ml.estimators.inputs import FloatArray, labelled, matrix
from ml.estimators.single_row import SingleRowPredictor

_KEYS = frozenset({"params", "n_features", "boosters"})


class BoostedTrees(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient-boosted trees for a probability, as a bag of boosters that differ in their seed.

    The bag is averaged in log-odds, so that its contributions are the average of the boosters' exact SHAP values and
    still add up to its log-odds.

    Parameters
    ----------
    n_estimators, learning_rate, num_leaves, min_data_in_leaf : numbers
        Trees of each booster, shrinkage, leaves of a tree, rows of a leaf.
    feature_fraction, bagging_fraction, bagging_freq : numbers
        Shares of columns of each tree, and of rows drawn anew every `bagging_freq` trees.
    lambda_l1, lambda_l2, path_smooth, max_bin, extra_trees : numbers
        As in LightGBM.
    bag : int
        Boosters.
    seed : int
        Of the first booster; the others follow.
    num_threads : int
        Threads for learning; 0 takes all cores. Answers always use one.
    monotone : mapping of int to {-1, 1}
        Feature position to the direction in which it may move the log-odds.
    categorical : tuple of int
        Positions of category codes.

    Attributes
    ----------
    boosters_ : list of lightgbm.Booster
    n_features_in_ : int
    classes_ : ndarray

    Examples
    --------
    >>> X = np.arange(200.0).reshape(-1, 1)
    >>> y = (X[:, 0] > 99).astype(float)
    >>> trees = BoostedTrees(n_estimators=20, min_data_in_leaf=5, monotone={0: 1}).fit(X, y)
    >>> bool(trees.predict_proba([[180.0]])[0, 1] > 0.6)
    True
    >>> bool(np.allclose(trees.contributions(X).sum(axis=1), trees.decision_function(X)))
    True
    """

    def __init__(
        self,
        *,
        n_estimators: int = 300,
        learning_rate: float = 0.03,
        num_leaves: int = 15,
        min_data_in_leaf: int = 50,
        feature_fraction: float = 0.6,
        bagging_fraction: float = 0.7,
        bagging_freq: int = 1,
        lambda_l1: float = 0.0,
        lambda_l2: float = 1.0,
        path_smooth: float = 0.0,
        max_bin: int = 255,
        extra_trees: bool = False,
        bag: int = 1,
        seed: int = 7,
        num_threads: int = 0,
        monotone: Mapping[int, int] | None = None,
        categorical: tuple[int, ...] = (),
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.bagging_freq = bagging_freq
        self.lambda_l1 = lambda_l1
        self.lambda_l2 = lambda_l2
        self.path_smooth = path_smooth
        self.max_bin = max_bin
        self.extra_trees = extra_trees
        self.bag = bag
        self.seed = seed
        self.num_threads = num_threads
        self.monotone = monotone
        self.categorical = categorical

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn from rows with outcomes 0 and 1.

        Raises
        ------
        DataError
            Numbers, outcomes or weights that cannot be learnt from; see `ml.estimators.inputs`.
        """
        array, outcome, weight = labelled(X, y, sample_weight)
        if self.bag < 1:
            raise DataError(f"bag must be at least 1, got {self.bag}; use 1 for a single booster")
        settings = self._settings(array.shape[1])
        data = lgb.Dataset(
            array,
            outcome,
            weight=weight,
            categorical_feature=list(self.categorical),
            params={k: settings[k] for k in ("max_bin", "verbosity", "min_data_in_leaf", "feature_pre_filter")},
            free_raw_data=False,
        )
        self.boosters_ = [
            lgb.train({**settings, "seed": self.seed + i}, data, num_boost_round=self.n_estimators)
            for i in range(self.bag)
        ]
        self._finish(array.shape[1])
        return self

    def _settings(self, n_features: int) -> dict[str, Any]:
        monotone = self.monotone or {}
        settings: dict[str, Any] = {
            "objective": "binary",
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "num_threads": self.num_threads,
        }
        named = (
            "learning_rate",
            "num_leaves",
            "min_data_in_leaf",
            "feature_fraction",
            "bagging_fraction",
            "bagging_freq",
        )
        for name in (*named, "lambda_l1", "lambda_l2", "path_smooth", "max_bin", "extra_trees"):
            settings[name] = getattr(self, name)
        if any(monotone.values()):
            settings["monotone_constraints"] = [monotone.get(i, 0) for i in range(n_features)]
            settings["monotone_constraints_method"] = "intermediate"
        return settings

    def _finish(self, n_features: int) -> None:
        self.n_features_in_ = n_features
        self.classes_ = np.array([0, 1])
        self._single = [SingleRowPredictor(booster) for booster in self.boosters_]

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Log-odds of outcome 1, shape (n_rows,)."""
        check_is_fitted(self)
        array = matrix(X, n_features=self.n_features_in_)
        if len(array) == 1:
            return np.array([sum(predict(array) for predict in self._single) / len(self._single)])
        total = np.zeros(len(array))
        for booster in self.boosters_:
            total += booster.predict(array, raw_score=True, num_threads=1)
        return total / len(self.boosters_)

    def predict_proba(self, X: npt.ArrayLike) -> FloatArray:
        """Probabilities of outcomes 0 and 1, shape (n_rows, 2); not calibrated."""
        p = expit(self.decision_function(X))
        return np.column_stack([1 - p, p])

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int_]:
        """The likelier outcome of each row."""
        return (self.decision_function(X) > 0).astype(int)

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Exact SHAP values in log-odds, shape (n_rows, n_features + 1); the last column is the base.

        References
        ----------
        S. Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees.
        """
        check_is_fitted(self)
        array = matrix(X, n_features=self.n_features_in_)
        total = np.zeros((len(array), self.n_features_in_ + 1))
        for booster in self.boosters_:
            total += booster.predict(array, pred_contrib=True, num_threads=1)
        return total / len(self.boosters_)

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's own text for each booster, and the parameters as JSON."""
        check_is_fitted(self)
        params = {k: v for k, v in self.get_params().items() if k not in ("monotone", "categorical")}
        params["monotone"] = {str(k): v for k, v in (self.monotone or {}).items()}
        params["categorical"] = list(self.categorical)
        content = {"params": params, "n_features": self.n_features_in_, "boosters": len(self.boosters_)}
        files = {f"booster_{i}.txt": b.model_to_string().encode() for i, b in enumerate(self.boosters_)}
        return {"boosted_trees.json": to_json(content), **files}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound, DataError
            A file is missing or damaged.
        """
        content = from_json(files, "boosted_trees.json", keys=_KEYS)
        params = content["params"]
        params["monotone"] = {int(k): v for k, v in params["monotone"].items()}
        params["categorical"] = tuple(params["categorical"])
        trees = cls(**params)
        trees.boosters_ = [
            _booster(files, f"booster_{i}.txt", content["n_features"]) for i in range(content["boosters"])
        ]
        trees._finish(content["n_features"])
        return trees


def _booster(files: Mapping[str, bytes], name: str, n_features: int) -> lgb.Booster:
    try:
        booster = lgb.Booster(model_str=content_of(files, name).decode())
    except (lgb.basic.LightGBMError, UnicodeDecodeError) as e:
        raise damaged(name, f"LightGBM cannot read it ({' '.join(str(e).split())})") from None
    if booster.num_feature() != n_features:
        raise damaged(name, f"it has {booster.num_feature()} features, the model has {n_features}")
    return booster
