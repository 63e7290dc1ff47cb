"""Scorecard: optimal bins, weight of evidence, logistic regression with non-negative coefficients.

Only `fit` needs optbinning. The fitted bins are plain JSON and prediction is a table look-up, so that serving needs no
solver.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.domain.statistics.logistic import bounded_logistic_regression
from ml.estimators.contract import BinaryClassifier, check_is_fitted
from ml.estimators.inputs import check_matrix, check_training_data, monotone_directions
from ml.estimators.native_files import params_from_json, params_to_json
from ml.estimators.woe_bins import BinningRules, FeatureBins, assign_bins, fit_bins

STATE = "woe_scorecard.json"


@dataclass(kw_only=True, eq=False, repr=False)
class WoeScorecard(BinaryClassifier):
    """Weight-of-evidence scorecard, comparable to `optbinning.Scorecard` with a binary target.

    Parameters
    ----------
    max_prebins : int, default 30
        Maximum number of bins of the initial fine binning.
    min_prebin_share : float, default 0.02
        Minimum share of the rows in an initial bin.
    max_bins : int, default 10
        Maximum number of final bins of a feature, not counting the bin of missing values.
    min_bin_share : float, default 0.02
        Minimum share of the rows in a final bin.
    trend : str, default "auto_heuristic"
        optbinning's `monotonic_trend` of numeric columns without a constraint in `monotone`.
    prior_rows : float, default 20
        Rows with the overall rate added to each bin before its weight of evidence is computed, which shrinks small
        bins towards 0. With 0 the values are the negatives of optbinning's, which divides goods by bads.
    l2 : float, default 1
        Ridge penalty on the coefficients, 1/C of scikit-learn.
    time_limit : int, default 20
        Maximum solver time for one feature, in seconds.
    monotone : mapping of int to int, optional
        Constraint by column position: 1 where the probability of 1 may only increase with the column, -1 where it may
        only decrease, 0 for none.
    categorical : tuple of int, default ()
        Positions of columns that hold category codes (0, 1, ...; NaN for missing or unseen).

    Attributes
    ----------
    bins_ : list of FeatureBins
        Bins of each column.
    coefficients_ : ndarray of shape (n_features,)
        Coefficients of the weights of evidence, at least 0.
    intercept_ : float
        Log-odds of a row whose weights of evidence are all 0.
    n_features_in_ : int
        Number of columns of the matrix.
    classes_ : ndarray of shape (2,)
        0 and 1.

    Notes
    -----
    `log-odds = intercept_ + sum_j coefficients_[j] * woe_j`, where `woe_j = ln(share of bads / share of goods)` of the
    bin of feature j [1]_ and a bad is a row with outcome 1. Coefficients are bounded below by 0, so that no feature
    contradicts its own weight of evidence. Missing values have a bin of their own. Bins are optimal in the sense
    of [2]_.

    References
    ----------
    .. [1] N. Siddiqi (2006), Credit Risk Scorecards, chapter 6.
    .. [2] G. Navas-Palencia (2020), Optimal binning: mathematical programming formulation, arXiv:2001.08025.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.woe_scorecard import WoeScorecard
    >>> X = np.repeat(np.arange(10.0), 40).reshape(-1, 1)
    >>> y = (np.tile(np.arange(40), 10) < 3 * X[:, 0]).astype(float)
    >>> card = WoeScorecard().fit(X, y)
    >>> low, high = card.decision_function([[0.0], [9.0]])
    >>> bool(low < high)
    True
    """

    max_prebins: int = 30
    min_prebin_share: float = 0.02
    max_bins: int = 10
    min_bin_share: float = 0.02
    trend: str = "auto_heuristic"
    prior_rows: float = 20.0
    l2: float = 1.0
    time_limit: int = 20
    monotone: Mapping[int, int] | None = None
    categorical: tuple[int, ...] = ()

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit the bins, then the coefficients.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Finite numbers; NaN is missing. Constant and entirely missing columns get one bin and contribute nothing.
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows, above 0.

        Returns
        -------
        WoeScorecard
            The fitted classifier.

        Raises
        ------
        DataError
            `X`, `y` or `sample_weight` break one of these rules.
        ConfigError
            `monotone` or `categorical` names a column out of range, or optbinning finds no bins for a feature.
        """
        array, outcome, weight = check_training_data(X, y, sample_weight)
        n_features = array.shape[1]
        directions = monotone_directions(n_features, monotone=self.monotone, categorical=self.categorical)
        rules = BinningRules(**{field.name: getattr(self, field.name) for field in fields(BinningRules)})
        bins = [
            fit_bins(
                array[:, i],
                outcome,
                weight,
                column=i,
                categorical=i in self.categorical,
                direction=direction,
                rules=rules,
            )
            for i, direction in enumerate(directions)
        ]
        evidence = np.column_stack([np.array(b.woe)[assign_bins(array[:, i], b)] for i, b in enumerate(bins)])
        coefficients, intercept = bounded_logistic_regression(
            evidence, outcome, bounds=[(0.0, None)] * n_features, sample_weight=weight, l2=self.l2
        )
        self._set_card(bins, coefficients, intercept)
        return self

    def _set_card(self, bins: list[FeatureBins], coefficients: FloatArray, intercept: float) -> None:
        self.bins_, self.coefficients_, self.intercept_ = bins, coefficients, intercept
        self.n_features_in_ = len(bins)
        self.classes_ = np.array([0, 1])
        # Step function of each column: edges, contribution of each interval, contribution of a missing value.
        self._steps: list[tuple[list[float], list[float], float]] = []
        for feature, coefficient in zip(bins, coefficients.tolist(), strict=True):
            edges, bin_of_interval = feature.steps
            by_bin = [coefficient * woe for woe in feature.woe]
            self._steps.append((edges, [by_bin[i] for i in bin_of_interval], by_bin[-1]))

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Return the log-odds of 1.

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
            The scorecard is not fitted.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        if len(array) == 1:
            return np.array([self._single_row(array[0].tolist())])
        total = np.full(len(array), self.intercept_)
        for column in self._contributions(array):
            total += column
        return total

    def _single_row(self, row: list[float]) -> float:
        total = self.intercept_
        for value, (edges, by_interval, missing) in zip(row, self._steps, strict=True):
            total += by_interval[bisect_right(edges, value)] if value == value else missing  # NaN != NaN
        return total

    def _contributions(self, array: FloatArray) -> list[FloatArray]:
        return [
            np.where(np.isnan(x), missing, np.array(by_interval)[np.searchsorted(edges, x, side="right")])
            for x, (edges, by_interval, missing) in zip(array.T, self._steps, strict=True)
        ]

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Return the contribution of each feature to the log-odds: coefficient times weight of evidence.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Finite numbers; NaN is missing. Columns in the order of `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1)
            Log-odds; the last column is the intercept. Each row sums to `decision_function`.

        Raises
        ------
        DataError
            The number of columns is not that of `fit`, or a value is infinite.
        NotFittedError
            The classifier is not fitted.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        return np.column_stack([*self._contributions(array), np.full(len(array), self.intercept_)])

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "woe_scorecard.json" (bins and coefficients), by file name."""
        check_is_fitted(self)
        content = {
            "params": params_to_json(self),
            "bins": [bins.as_dict() for bins in self.bins_],
            "coefficients": self.coefficients_.tolist(),
            "intercept": self.intercept_,
        }
        return {STATE: to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the scorecard stored in `files`.

        Parameters
        ----------
        files : mapping of str to bytes
            Content by file name, as returned by `to_files`; other files are ignored.

        Raises
        ------
        ModelNotFound
            The file is missing.
        DataError
            The file is damaged.
        """
        content = from_json(files, STATE, keys=frozenset({"params", "bins", "coefficients", "intercept"}))
        try:
            card = cls(**params_from_json(content["params"]))
            bins = [FeatureBins.from_dict(feature) for feature in content["bins"]]
            card._set_card(bins, np.array(content["coefficients"], dtype=np.float64), float(content["intercept"]))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise damaged(STATE, f"it is not a scorecard ({e!r})") from None
        return card
