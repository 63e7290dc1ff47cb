"""A shift of the log-odds for each group that has enough rows of its own; the others share the pooled calibration.

    logit p = pooled + shift[group],   shift ~ normal(0, spread^2)

The spread is estimated from the groups themselves, so where they do not differ nobody is shifted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy.special import expit

from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

STATE = "group_calibration.json"
STEPS = 25
WIDEST = 3.0


class GroupCalibration(SklearnEstimator):
    """Shrunken shifts by group.

    Parameters
    ----------
    min_rows : int
        Rows below which a group has no shift of its own.

    Attributes
    ----------
    spread_ : float
        Standard deviation of the shifts, in log-odds.
    shifts_ : dict of str to float
        By group.

    Examples
    --------
    >>> log_odds = np.zeros(3000)
    >>> store = ["a"] * 1500 + ["b"] * 1450 + ["c"] * 50
    >>> y = np.array(([1.0] * 1050 + [0.0] * 450) + ([1.0] * 435 + [0.0] * 1015) + [1.0] * 50)
    >>> fitted = GroupCalibration(min_rows=200).fit(log_odds, y, store)
    >>> fitted.shift(["a", "b", "c", None]).round(1).tolist(), fitted.own("a"), fitted.own("c")
    ([0.8, -0.8, 0.0, 0.0], True, False)
    """

    def __init__(self, *, min_rows: int = 200) -> None:
        self.min_rows = min_rows

    def fit(
        self, log_odds: FloatArray, y: FloatArray, group: Sequence[str | None], weight: FloatArray | None = None
    ) -> Self:
        """Learn the shifts from held-out rows with calibrated log-odds and outcomes."""
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
            for _ in range(STEPS):
                p = expit(log_odds + shift[member])
                gradient = np.bincount(member, w * (y - p), size) - shift / self.spread_**2
                curvature = np.bincount(member, w * p * (1 - p), size) + self.spread_**-2
                shift = np.where(enough, np.clip(shift + gradient / curvature, -WIDEST, WIDEST), 0.0)
        self.shifts_ = {str(n): float(s) for n, s, e in zip(names, shift, enough, strict=True) if e}
        return self

    def shift(self, group: Sequence[str | None]) -> FloatArray:
        """What to add to the calibrated log-odds of each row; 0 for groups without a shift."""
        check_is_fitted(self)
        return np.array([0.0 if g is None else self.shifts_.get(g, 0.0) for g in group], dtype=np.float64)

    def own(self, group: str | None) -> bool:
        """Whether the group had enough rows to be calibrated by itself."""
        return group in self.shifts_

    def to_files(self) -> dict[str, bytes]:
        """The shifts as JSON."""
        check_is_fitted(self)
        content = {"min_rows": self.min_rows, "spread": self.spread_, "shifts": self.shifts_}
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
        content: dict[str, Any] = from_json(files, STATE, keys=frozenset({"min_rows", "spread", "shifts"}))
        if not isinstance(content["shifts"], dict):
            raise damaged(STATE, "its shifts must be numbers by group")
        restored = cls(min_rows=content["min_rows"])
        restored.spread_, restored.shifts_ = float(content["spread"]), content["shifts"]
        return restored


def _spread(score: FloatArray, information: FloatArray) -> float:
    """Maximum marginal likelihood of one-step estimates `score / information`, normal with variance 1/information."""
    from scipy.optimize import minimize_scalar

    there = information > 0
    if there.sum() < 2:
        return 0.0
    estimate, noise = score[there] / information[there], 1 / information[there]

    def loss(spread: float) -> float:
        variance = spread**2 + noise
        return float(0.5 * np.sum(np.log(variance) + estimate**2 / variance))

    found = float(minimize_scalar(loss, bounds=(0.0, WIDEST), method="bounded").x)
    return found if loss(found) < loss(0.0) - 1e-9 and found > 1e-3 else 0.0
