"""LambdaRank with LightGBM: gradient-boosted trees that order the rows of each query."""

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
MAX_GRADES = 30
MANY_ROWS = 100_000  # from here on several threads score faster than one; a page has far fewer rows


@dataclass(kw_only=True, eq=False, repr=False)
class RankingTrees(SklearnEstimator):
    """LambdaRank on a float matrix with missing values; scores are comparable within a query only.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    learning_rate, num_leaves, min_data_in_leaf, feature_fraction, bagging_fraction, bagging_freq, lambda_l2
        As in LightGBM; bagging samples queries.
    truncation : int
        `lambdarank_truncation_level` of LightGBM: the number of top places that the loss considers. Set it a little
        above the length of the page.
    seed, num_threads : int
        Seed and threads of fitting; 0 threads: as many as `ml.threads.thread_count` returns. Scoring uses one thread
        below `MANY_ROWS` rows.
    monotone : mapping of int to int, optional
        Monotone constraint by column number: 1 if the score must not fall as the column rises, -1 if it must not rise,
        0 for none.

    Attributes
    ----------
    booster_ : lightgbm.Booster
        Fitted trees.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    C. J. C. Burges (2010), From RankNet to LambdaRank to LambdaMART: an overview, MSR-TR-2010-82.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.ranking_trees import RankingTrees
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
        """Fit on graded rows.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features; the rows of one query are adjacent; NaN is missing.
        grades : array of shape (n_rows,)
            Relevance grades, 0 for irrelevant rows; only their order matters. At most 30 different values.
        sizes : array of int, shape (n_queries,)
            Number of rows of each query, in order.
        sample_weight : array of shape (n_rows,), optional
            Weights, for example inverse propensities.

        Returns
        -------
        RankingTrees
            The fitted estimator.

        Raises
        ------
        DataError
            Lengths differ, a grade or weight is negative or not finite, or no query has two different grades.
        ConfigError
            LightGBM rejects a parameter.
        """
        import lightgbm as lgb

        array = check_matrix(X)
        grade, size = np.asarray(grades, dtype=np.float64), np.asarray(sizes, dtype=np.int64)
        level, size = _levels(grade, size, len(array))
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weight is not None and (weight.shape != grade.shape or not (np.isfinite(weight) & (weight >= 0)).all()):
            raise DataError(
                f"sample_weight must be {len(array)} finite numbers, at least 0, one per row; got shape {weight.shape}"
            )
        params = self._lightgbm(
            monotone_directions(array.shape[1], monotone=self.monotone, categorical=()), int(level.max())
        )
        try:
            data = lgb.Dataset(array, level, group=size, weight=weight, params=params)
            fitted = lgb.train(params, data, self.n_estimators)
        except (lgb.basic.LightGBMError, ValueError) as e:
            raise ConfigError(f"LightGBM rejects the parameters of ranking_trees: {e}") from e
        # Parsed from its text, so that the fitted model and the loaded one score identically.
        self.booster_ = lgb.Booster(model_str=fitted.model_to_string())
        self.n_features_in_ = array.shape[1]
        return self

    def score_rows(self, X: npt.ArrayLike) -> FloatArray:
        """Return the score of each row; higher is better, comparable within a query only.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN is missing.

        Returns
        -------
        ndarray of shape (n_rows,)
            A single row scores bit for bit as in a batch.

        Raises
        ------
        DataError
            The number of columns differs from fitting, or a value is infinite.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 0:
            return np.empty(0)
        threads = thread_count(self.num_threads) if len(array) >= MANY_ROWS else 1
        return np.asarray(self.booster_.predict(array, raw_score=True, num_threads=threads))

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Return exact SHAP values of the score.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN is missing.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1)
            In the unit of the score; the last column is the base value.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 0:
            return np.empty((0, self.n_features_in_ + 1))
        return np.asarray(self.booster_.predict(array, pred_contrib=True, num_threads=1))

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the model's files by name.

        Returns
        -------
        dict of str to bytes
            "ranking_trees.json" (parameters) and "ranking_trees.txt" (trees).
        """
        check_is_fitted(self)
        return trees_to_files(self, NAME, {TREES: self.booster_})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore a fitted estimator.

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
        restored, boosters, state = trees_from_files(cls, files, NAME, members=lambda trees: [TREES])
        restored.booster_, restored.n_features_in_ = boosters[0], int(state["n_features"])
        return restored

    def _lightgbm(self, directions: list[int], top: int) -> dict[str, Any]:
        params = {name: value for name, value in self.get_params().items() if name not in NOT_LIGHTGBM}
        if any(directions):
            params["monotone_constraints"] = directions
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
    """Return grades as consecutive levels from 0, and the sizes without empty queries, after checking both."""
    if grade.shape != (rows,) or size.ndim != 1 or (size < 0).any() or int(size.sum()) != rows:
        lengths = f"{rows} rows, {len(grade)} grades and sizes with sum {int(size.sum())}"
        raise DataError(f"group sizes must sum to the number of rows, with one grade per row; got {lengths}")
    if not (np.isfinite(grade) & (grade >= 0)).all():
        raise DataError(f"grades must be finite and at least 0, got {grade[~(np.isfinite(grade) & (grade >= 0))][0]:g}")
    size = size[size > 0]
    starts = np.cumsum(size) - size
    if rows == 0 or (np.maximum.reduceat(grade, starts) == np.minimum.reduceat(grade, starts)).all():
        raise DataError("grades: no query has two rows with different grades, so there is no order to learn")
    values = np.unique(np.append(grade, 0.0))
    if len(values) > MAX_GRADES:
        raise DataError(f"grades must have at most {MAX_GRADES} different values, got {len(values)}; round them")
    return np.searchsorted(values, grade).astype(np.int32), size
