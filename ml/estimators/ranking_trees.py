"""Boosted trees that put the rows of each question in order: LightGBM's LambdaRank over graded answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.inputs import check_matrix, monotone_directions
from ml.estimators.native_files import trees_from_files, trees_to_files
from ml.threads import thread_count

NAME, TREES = "ranking_trees", "ranking_trees.txt"
NOT_LIGHTGBM = frozenset({"seed", "n_estimators", "truncation", "monotone"})
MOST_GRADES = 30
MANY_ROWS = 100_000  # at least so many rows are scored by several threads; a page has far fewer


@dataclass(kw_only=True, eq=False, repr=False)
class RankingTrees(SklearnEstimator):
    """LambdaRank over a float matrix with missing values: only the order of scores within a question has a meaning.

    Parameters
    ----------
    n_estimators, learning_rate, num_leaves, min_data_in_leaf
        Trees, shrinkage, leaves of a tree, least rows of a leaf.
    feature_fraction, bagging_fraction, bagging_freq
        Shares of the columns of each tree, and of the questions drawn anew every `bagging_freq` trees.
    lambda_l2 : float
        As in LightGBM.
    truncation : int
        Places from the top whose order counts; a little above the length of the page.
    seed, num_threads : int
        Of fitting (0 threads: as many as `ml.threads.thread_count` grants); a page is scored by one.
    monotone : mapping of int to int, optional
        Column to direction: 1 where the score may only rise as the column grows, -1 fall, 0 free.

    Attributes
    ----------
    booster_ : lightgbm.Booster
    n_features_in_ : int

    References
    ----------
    C. J. C. Burges (2010), From RankNet to LambdaRank to LambdaMART: an overview, MSR-TR-2010-82.

    Examples
    --------
    >>> X = np.tile([[0.0], [1.0], [2.0]], (50, 1))
    >>> trees = RankingTrees(n_estimators=5, min_data_in_leaf=1, num_threads=1).fit(X, np.tile([0, 1, 2], 50), [3] * 50)
    >>> trees.score_rows(X[:3]).argmax()
    np.int64(2)
    """

    n_estimators: int = 300
    learning_rate: float = 0.05
    num_leaves: int = 31
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.8
    bagging_fraction: float = 1.0
    bagging_freq: int = 0
    lambda_l2: float = 1.0
    truncation: int = 20
    seed: int = 7
    num_threads: int = 0
    monotone: Mapping[int, int] | None = None

    def fit(
        self,
        X: npt.ArrayLike,
        grades: npt.ArrayLike,
        sizes: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from graded rows.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            The rows of one question stand together; NaN is missing.
        grades : array of shape (n_rows,)
            0 for what was not wanted; higher is better, only their order counts. At most 30 different ones.
        sizes : array of int, shape (n_questions,)
            Rows of each question, in order.
        sample_weight : array of shape (n_rows,), optional
            Inverse propensities, say.

        Raises
        ------
        DataError
            Lengths that differ, grades that are negative or not finite, or no question with two different grades.
        ConfigError
            A parameter that LightGBM refuses.
        """
        import lightgbm as lgb

        array = check_matrix(X)
        grade, size = np.asarray(grades, dtype=np.float64), np.asarray(sizes, dtype=np.int64)
        level, size = _levels(grade, size, len(array))
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weight is not None and (weight.shape != grade.shape or not (np.isfinite(weight) & (weight >= 0)).all()):
            raise DataError("sample_weight: must be as many as the rows, finite and at least 0")
        params = self._lightgbm(
            monotone_directions(array.shape[1], monotone=self.monotone, categorical=()), int(level.max())
        )
        try:
            data = lgb.Dataset(array, level, group=size, weight=weight, params=params)
            fitted = lgb.train(params, data, self.n_estimators)
        except (lgb.basic.LightGBMError, ValueError) as e:
            raise ConfigError(f"LightGBM refuses the parameters of ranking_trees: {e}") from e
        # Read back from its text, so that what was fitted and what will be loaded are one and the same.
        self.booster_ = lgb.Booster(model_str=fitted.model_to_string())
        self.n_features_in_ = array.shape[1]
        return self

    def score_rows(self, X: npt.ArrayLike) -> FloatArray:
        """Score each row; a row alone gives the same bits as in a batch.

        Raises
        ------
        DataError
            The matrix has other columns than it was fitted on, or infinite values.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 0:
            return np.empty(0)
        threads = thread_count(self.num_threads) if len(array) >= MANY_ROWS else 1
        return np.asarray(self.booster_.predict(array, raw_score=True, num_threads=threads))

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """What each feature adds to the score, shape (n_rows, n_features + 1), the base last: exact SHAP values."""
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 0:
            return np.empty((0, self.n_features_in_ + 1))
        return np.asarray(self.booster_.predict(array, pred_contrib=True, num_threads=1))

    def to_files(self) -> dict[str, bytes]:
        """The parameters as JSON and the trees as LightGBM model text."""
        check_is_fitted(self)
        return trees_to_files(self, NAME, {TREES: self.booster_})

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
        restored, boosters, state = trees_from_files(cls, files, NAME, members=lambda trees: [TREES])
        restored.booster_, restored.n_features_in_ = boosters[0], int(state["n_features"])
        return restored

    def _lightgbm(self, ways: list[int], top: int) -> dict[str, Any]:
        params = {name: value for name, value in self.get_params().items() if name not in NOT_LIGHTGBM}
        if any(ways):
            params["monotone_constraints"] = ways
        return params | {
            "objective": "lambdarank",
            "lambdarank_truncation_level": self.truncation,
            "label_gain": [2**level - 1 for level in range(top + 1)],
            "seed": self.seed,
            "num_threads": thread_count(self.num_threads),
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }


def _levels(grade: FloatArray, size: IntArray, rows: int) -> tuple[npt.NDArray[np.int32], Any]:
    """Grades as consecutive levels from 0, and the sizes once they are known to add up."""
    if grade.shape != (rows,) or size.ndim != 1 or (size < 0).any() or int(size.sum()) != rows:
        told = f"{rows} rows, {len(grade)} grades, sizes that add up to {int(size.sum())}"
        raise DataError(f"sizes: the rows of the questions must add up to all rows, each with a grade; got {told}")
    if not (np.isfinite(grade) & (grade >= 0)).all():
        raise DataError("grades: must be finite and at least 0")
    size = size[size > 0]
    starts = np.cumsum(size) - size
    if rows == 0 or (np.maximum.reduceat(grade, starts) == np.minimum.reduceat(grade, starts)).all():
        raise DataError("grades: no question has two rows of different grade, so there is no order to learn")
    values = np.unique(np.append(grade, 0.0))
    if len(values) > MOST_GRADES:
        raise DataError(f"grades: at most {MOST_GRADES} different ones, got {len(values)}; make them coarser")
    return np.searchsorted(values, grade).astype(np.int32), size
