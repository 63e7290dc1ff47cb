"""Boosted trees on top of a conditional logit: a choice model with non-linear utility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from benchmarks.peers.conditional_logit import STATE as LINEAR
from benchmarks.peers.conditional_logit import ConditionalLogit, Floats, choice_sizes, softmax_of_each
from features.errors import DataError
from ml.artefacts.json_files import content_of, damaged, from_json, to_json
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.threads import thread_count

if TYPE_CHECKING:
    import lightgbm as lgb

STATE, TREES = "choice_trees.json", "choice_trees.txt"
KEYS = frozenset(
    {
        "n_estimators",
        "learning_rate",
        "num_leaves",
        "min_data_in_leaf",
        "feature_fraction",
        "lambda_l2",
        "l2",
        "seed",
        "num_threads",
    }
)


@dataclass(kw_only=True, eq=False, repr=False)
class ChoiceTrees(SklearnEstimator):
    """Choice model with utility = linear part + trees, fitted by maximum likelihood of the choices (softmax).

    The linear part is a conditional logit. Boosting starts from its utilities and adds thresholds and interactions. The
    trees may read further columns, such as those of the person, which matter only in interaction with attributes.

    Parameters
    ----------
    n_estimators, learning_rate, num_leaves, min_data_in_leaf, feature_fraction, lambda_l2
        As in LightGBM.
    l2 : float
        L2 penalty of the linear part.
    seed, num_threads : int
        Seed and threads of fitting; 0 threads: as many as `ml.threads.thread_count` returns. Prediction uses one.

    Attributes
    ----------
    linear_ : ConditionalLogit
        Fitted linear part.
    booster_ : lightgbm.Booster
        Fitted trees.

    Examples
    --------
    >>> x = np.tile([[-1.0], [0.0], [1.0]], (200, 1))  # the middle alternative is chosen: not a linear utility
    >>> trees = ChoiceTrees(n_estimators=30, learning_rate=0.2, min_data_in_leaf=5, num_threads=1)
    >>> _ = trees.fit(x, x, [0, 1, 0] * 200, [3] * 200)
    >>> bool(trees.probabilities(x[:3], x[:3], [3])[1] > 0.9)
    True
    """

    n_estimators: int = 400
    learning_rate: float = 0.02
    num_leaves: int = 6
    min_data_in_leaf: int = 100
    feature_fraction: float = 0.6
    lambda_l2: float = 10.0
    l2: float = 20.0
    seed: int = 7
    num_threads: int = 0

    def fit(self, linear: npt.ArrayLike, X: npt.ArrayLike, chosen: npt.ArrayLike, sizes: npt.ArrayLike) -> Self:
        """Fit on choices.

        Parameters
        ----------
        linear : array of shape (n_rows, n_linear)
            Columns of the linear utility.
        X : array of shape (n_rows, n_columns)
            Columns of the trees; NaN where missing.
        chosen, sizes
            As in `ConditionalLogit.fit`.

        Raises
        ------
        DataError, ConfigError
            As for `ConditionalLogit.fit`.
        """
        import lightgbm as lgb

        size = choice_sizes(sizes, chosen)
        table = np.ascontiguousarray(np.asarray(X, dtype=np.float64))
        if table.ndim != 2 or len(table) != size.sum():
            raise DataError(f"choice trees: X must have {size.sum()} rows, the sum of sizes, got shape {table.shape}")
        self.linear_ = ConditionalLogit(l2=self.l2).fit(linear, chosen, size)
        label = np.asarray(chosen, dtype=np.float64)
        start = self.linear_.utilities(linear)

        def gradient(raw: Floats, data: lgb.Dataset) -> tuple[Floats, Floats]:
            p = softmax_of_each(raw, size)
            return p - label, np.maximum(p * (1 - p), 1e-6)

        params: dict[str, Any] = {
            "objective": gradient,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.lambda_l2,
            "seed": self.seed,
            "num_threads": thread_count(self.num_threads),
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        data = lgb.Dataset(table, label=label, init_score=start, free_raw_data=False)
        self.booster_ = lgb.train(params, data, num_boost_round=self.n_estimators)
        return self

    def utilities(self, linear: npt.ArrayLike, X: npt.ArrayLike) -> Floats:
        """Return the utility of each row, shape (n_rows,), comparable within a choice only."""
        check_is_fitted(self, "booster_")
        table = np.ascontiguousarray(np.asarray(X, dtype=np.float64))
        added = self.booster_.predict(table, raw_score=True, num_threads=1)
        return np.asarray(self.linear_.utilities(linear) + added)

    def probabilities(self, linear: npt.ArrayLike, X: npt.ArrayLike, sizes: npt.ArrayLike) -> Floats:
        """Return the probability that each alternative is chosen, shape (n_rows,)."""
        return softmax_of_each(self.utilities(linear, X), np.asarray(sizes, dtype=np.int64))

    def to_files(self) -> dict[str, bytes]:
        """Return the trees as LightGBM text and the other parameters as JSON, by file name."""
        check_is_fitted(self, "booster_")
        files = {STATE: to_json(self.get_params()), TREES: self.booster_.model_to_string().encode()}
        return files | self.linear_.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore a fitted model from the files returned by `to_files`."""
        import lightgbm as lgb

        params: Any = from_json(files, STATE, keys=KEYS)
        model = cls(**params)
        model.linear_ = ConditionalLogit.from_files({LINEAR: content_of(files, LINEAR)})
        try:
            model.booster_ = lgb.Booster(model_str=content_of(files, TREES).decode())
        except (lgb.basic.LightGBMError, UnicodeDecodeError) as e:
            raise damaged(TREES, str(e)) from None
        return model
