"""Partially pooled calibration: a random intercept in log-odds for each group with enough rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy.special import expit

from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

STATE = "group_calibration.json"
NEWTON_STEPS = 25
MAX_SHIFT = 3.0  # log-odds


class GroupCalibration(SklearnEstimator):
    """Random intercepts by group, added to calibrated log-odds.

    Parameters
    ----------
    min_rows : int, default 200
        Groups with fewer rows get a shift of 0: the pooled calibration.

    Attributes
    ----------
    spread_ : float
        Standard deviation of the shifts between groups, in log-odds; 0 where the groups do not differ.
    shifts_ : dict of str to float
        Shift of each group with at least `min_rows` rows, in log-odds.

    Notes
    -----
    `logit p = log_odds + shift[group]` with `shift ~ normal(0, spread_^2)`. `spread_` maximises the marginal likelihood
    of the groups' one-step estimates; the shifts are posterior modes given `spread_`, clipped to -3..3.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.group_calibration import GroupCalibration
    >>> log_odds = np.zeros(3000)
    >>> store = ["a"] * 1500 + ["b"] * 1450 + ["c"] * 50
    >>> y = np.array(([1.0] * 1050 + [0.0] * 450) + ([1.0] * 435 + [0.0] * 1015) + [1.0] * 50)
    >>> fitted = GroupCalibration(min_rows=200).fit(log_odds, y, store)
    >>> fitted.shift(["a", "b", "c", None]).round(1).tolist(), fitted.has_shift("a"), fitted.has_shift("c")
    ([0.8, -0.8, 0.0, 0.0], True, False)
    """

    def __init__(self, *, min_rows: int = 200) -> None:
        self.min_rows = min_rows

    def fit(
        self, log_odds: FloatArray, y: FloatArray, group: Sequence[str | None], weight: FloatArray | None = None
    ) -> Self:
        """Fit the shifts on held-out rows.

        Parameters
        ----------
        log_odds : ndarray of shape (n_rows,)
            Calibrated log-odds of 1, as returned by `Calibrator.log_odds`.
        y : ndarray of shape (n_rows,)
            0 or 1.
        group : sequence of str or None, length n_rows
            Group of each row; None or "" for no group.
        weight : ndarray of shape (n_rows,), optional
            Weights of the rows.

        Returns
        -------
        GroupCalibration
            The fitted estimator.
        """
        w = np.ones(len(y)) if weight is None else weight
        names, member = np.unique(np.array(["" if g is None else g for g in group], dtype=str), return_inverse=True)
        size = len(names)
        enough = (np.bincount(member, minlength=size) >= self.min_rows) & (names != "")
        p = expit(log_odds)
        score = np.bincount(member, w * (y - p), size)[enough]
        information = np.bincount(member, w * p * (1 - p), size)[enough]
        self.spread_ = _spread(score, information)
        shift = np.zeros(size)
        if self.spread_ > 0:
            for _ in range(NEWTON_STEPS):
                p = expit(log_odds + shift[member])
                gradient = np.bincount(member, w * (y - p), size) - shift / self.spread_**2
                curvature = np.bincount(member, w * p * (1 - p), size) + self.spread_**-2
                shift = np.where(enough, np.clip(shift + gradient / curvature, -MAX_SHIFT, MAX_SHIFT), 0.0)
        self.shifts_ = {str(n): float(s) for n, s, e in zip(names, shift, enough, strict=True) if e}
        return self

    def shift(self, group: Sequence[str | None]) -> FloatArray:
        """Return the shift of each row's group in log-odds, shape (len(group),); 0 for groups without one.

        `group` is a sequence of str or None, one per row; None for no group.

        Raises
        ------
        NotFittedError
            The estimator is not fitted.
        """
        check_is_fitted(self)
        return np.array([0.0 if g is None else self.shifts_.get(g, 0.0) for g in group], dtype=np.float64)

    def has_shift(self, group: str | None) -> bool:
        """Return whether the group had at least `min_rows` rows in `fit`; False for None."""
        return group in self.shifts_

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "group_calibration.json" (the shifts), by file name."""
        check_is_fitted(self)
        content = {"min_rows": self.min_rows, "spread": self.spread_, "shifts": self.shifts_}
        return {STATE: to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the estimator stored in `files`.

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
        content: dict[str, Any] = from_json(files, STATE, keys=frozenset({"min_rows", "spread", "shifts"}))
        if not isinstance(content["shifts"], dict):
            raise damaged(STATE, "shifts must map each group to a number")
        restored = cls(min_rows=content["min_rows"])
        restored.spread_, restored.shifts_ = float(content["spread"]), content["shifts"]
        return restored


def _spread(score: FloatArray, information: FloatArray) -> float:
    """Return the standard deviation between groups that maximises the marginal likelihood.

    The estimate of a group is `score / information`, normal with variance `1 / information` around its shift.
    """
    from scipy.optimize import minimize_scalar

    informative = information > 0
    if informative.sum() < 2:
        return 0.0
    estimate, noise = score[informative] / information[informative], 1 / information[informative]

    def loss(spread: float) -> float:
        variance = spread**2 + noise
        return float(0.5 * np.sum(np.log(variance) + estimate**2 / variance))

    best = float(minimize_scalar(loss, bounds=(0.0, MAX_SHIFT), method="bounded").x)
    return best if loss(best) < loss(0.0) - 1e-9 and best > 1e-3 else 0.0
