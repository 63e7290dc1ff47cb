"""An interpretable scorecard: bins, weight of evidence, logistic regression; after fitting it is a table of numbers.

optbinning finds the bins and is needed for fitting alone. What it found is extracted to plain JSON, and answers are
look-ups, so that the service does not carry a solver.
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
    """Weight-of-evidence scorecard.

    Each feature is cut into bins; a bin's weight of evidence is `ln(share of bads / share of goods)`, and log-odds
    are a weighted sum of the features' evidence. Weights are at least 0, so that evidence always counts in its own
    direction. Missing values are a bin of their own.

    Parameters
    ----------
    max_prebins, min_prebin_share : int, float
        Fine bins to start from, and the least share of rows in one.
    max_bins : int
        Bins of a feature in the end, missing aside.
    min_bin_share : float
        Least share of rows in a bin.
    trend : str
        optbinning's `monotonic_trend` for number columns that `monotone` leaves free.
    prior_rows : float
        Rows of the average rate added to each bin before its evidence is taken: a missing value seen three times
        says little. 0 gives optbinning's own numbers.
    l2 : float
        Penalty on the weights.
    time_limit : int
        Seconds that the solver may spend on one feature.
    monotone : mapping of int to int, optional
        Column to direction: 1 when 1 may only become more likely as the column grows, -1 less, 0 free.
    categorical : tuple of int
        Columns that hold category codes (0, 1, ...; NaN for missing or unseen).

    Attributes
    ----------
    bins_ : list of FeatureBins
        Bins of each column.
    coefficients_ : ndarray of shape (n_features,)
        Weights of the evidence, at least 0.
    intercept_ : float
        Log-odds where no feature says anything.

    References
    ----------
    N. Siddiqi, Credit Risk Scorecards (2006), chapter 6. G. Navas-Palencia (2020), Optimal binning: mathematical
    programming formulation, arXiv:2001.08025.

    Examples
    --------
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
        """Find the bins, then the weights.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            NaN is missing. Constant and wholly missing columns get one bin and no say.
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows.

        Raises
        ------
        DataError
            The matrix, outcomes or weights break a rule.
        ConfigError
            A column that is not there, or bins that cannot be found.
        """
        array, outcome, weight = check_training_data(X, y, sample_weight)
        n_features = array.shape[1]
        ways = monotone_directions(n_features, monotone=self.monotone, categorical=self.categorical)
        rules = BinningRules(**{field.name: getattr(self, field.name) for field in fields(BinningRules)})
        bins = [
            fit_bins(
                array[:, i], outcome, weight, column=i, categorical=i in self.categorical, direction=way, rules=rules
            )
            for i, way in enumerate(ways)
        ]
        evidence = np.column_stack([np.array(b.woe)[assign_bins(array[:, i], b)] for i, b in enumerate(bins)])
        coefficients, intercept = bounded_logistic_regression(
            evidence, outcome, bounds=[(0.0, None)] * n_features, sample_weight=weight, l2=self.l2
        )
        self._open(bins, coefficients, intercept)
        return self

    def _open(self, bins: list[FeatureBins], coefficients: FloatArray, intercept: float) -> None:
        self.bins_, self.coefficients_, self.intercept_ = bins, coefficients, intercept
        self.n_features_in_ = len(bins)
        self.classes_ = np.array([0, 1])
        # Step function of each column: edges, contribution between each two, and contribution of a missing value.
        self._steps: list[tuple[list[float], list[float], float]] = []
        for each, coefficient in zip(bins, coefficients.tolist(), strict=True):
            edges, place = each.steps
            worth = [coefficient * woe for woe in each.woe]
            self._steps.append((edges, [worth[i] for i in place], worth[-1]))

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Log-odds of 1, shape (n_rows,); a row alone gives the same bits as in a batch.

        Raises
        ------
        DataError
            The matrix has other columns than it was fitted on, or infinite values.
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
        for value, (edges, worth, missing) in zip(row, self._steps, strict=True):
            total += worth[bisect_right(edges, value)] if value == value else missing  # NaN is not equal to itself
        return total

    def _contributions(self, array: FloatArray) -> list[FloatArray]:
        return [
            np.where(np.isnan(x), missing, np.array(worth)[np.searchsorted(edges, x, side="right")])
            for x, (edges, worth, missing) in zip(array.T, self._steps, strict=True)
        ]

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """What each feature adds to the log-odds: weight times evidence, exact.

        Returns
        -------
        array of shape (n_rows, n_features + 1)
            The last column is the intercept; each row sums to `decision_function`.

        Raises
        ------
        DataError
            As `decision_function`.
        """
        check_is_fitted(self)
        array = check_matrix(X, n_features=self.n_features_in_)
        return np.column_stack([*self._contributions(array), np.full(len(array), self.intercept_)])

    def to_files(self) -> dict[str, bytes]:
        """Bins and weights as JSON."""
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
        """Restore what `to_files` wrote.

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
            bins = [FeatureBins.from_dict(each) for each in content["bins"]]
            card._open(bins, np.array(content["coefficients"], dtype=np.float64), float(content["intercept"]))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise damaged(STATE, f"it does not hold a scorecard ({e!r})") from None
        return card
