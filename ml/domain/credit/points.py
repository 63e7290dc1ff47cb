"""Scorecard points: linear scaling of the log-odds of default.

Source: N. Siddiqi, *Credit Risk Scorecards* (Wiley, 2006), chapter 6, "Scorecard scaling":
`score = offset + factor * ln(odds)` with odds of good to bad, `factor = points_to_double_odds / ln 2` and
`offset = base_points - factor * ln(base_odds)`. More points mean less risk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class PointsScale:
    """Scale of a points score.

    Parameters
    ----------
    base_points : float
        Points at `base_odds`.
    base_odds : float
        Odds of good to bad, above 0; 50 means one bad loan among 51.
    points_to_double_odds : float
        Increase in points that doubles the odds of good to bad, above 0.

    Raises
    ------
    ValueError
        A parameter is not finite or out of its range.

    Examples
    --------
    >>> from ml.domain.credit.points import PointsScale
    >>> scale = PointsScale(base_points=600, base_odds=50, points_to_double_odds=20)
    >>> [round(float(scale.points_from_probability(pd)), 1) for pd in (1 / 51, 1 / 101)]
    [600.0, 620.0]
    """

    base_points: float = 600.0
    base_odds: float = 50.0
    points_to_double_odds: float = 20.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.base_points):
            raise ValueError(f"base_points must be a finite number, got {self.base_points}")
        for name in ("base_odds", "points_to_double_odds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be above 0, got {value}")

    @property
    def factor(self) -> float:
        """Points per unit of log-odds.

        >>> from ml.domain.credit.points import PointsScale
        >>> round(PointsScale().factor, 4)
        28.8539
        """
        return self.points_to_double_odds / math.log(2)

    @property
    def offset(self) -> float:
        """Points at even odds (probability of default one half).

        >>> from ml.domain.credit.points import PointsScale
        >>> round(PointsScale().offset, 2)
        487.12
        """
        return self.base_points - self.factor * math.log(self.base_odds)

    def points(self, log_odds: npt.ArrayLike) -> FloatArray:
        """Return the points (float64) of log-odds of default (bad to good), an array of any shape.

        >>> from ml.domain.credit.points import PointsScale
        >>> float(PointsScale(base_points=500, base_odds=1, points_to_double_odds=20).points(0.0))
        500.0
        """
        return np.asarray(self.offset - self.factor * np.asarray(log_odds, dtype=np.float64))

    def log_odds(self, points: npt.ArrayLike) -> FloatArray:
        """Return the log-odds of default (float64) that correspond to points; the inverse of `points`.

        >>> import math
        >>> from ml.domain.credit.points import PointsScale
        >>> float(PointsScale(base_points=500, base_odds=1, points_to_double_odds=20).log_odds(520.0)) == -math.log(2)
        True
        """
        return np.asarray((self.offset - np.asarray(points, dtype=np.float64)) / self.factor)

    def points_from_probability(self, probability: npt.ArrayLike) -> FloatArray:
        """Return the points (float64) of probabilities of default, an array of any shape.

        Raises
        ------
        ValueError
            A probability is not strictly between 0 and 1, so its points are infinite.

        Examples
        --------
        >>> from ml.domain.credit.points import PointsScale
        >>> float(PointsScale(base_points=500, base_odds=1, points_to_double_odds=20).points_from_probability(0.5))
        500.0
        """
        pd = np.asarray(probability, dtype=np.float64)
        outside = pd[~((pd > 0) & (pd < 1))]
        if outside.size:
            raise ValueError(f"probability must be strictly between 0 and 1, got {outside.flat[0]}")
        return self.points(logit(pd))

    def probability(self, points: npt.ArrayLike) -> FloatArray:
        """Return the probability of default (float64) that corresponds to points, an array of any shape.

        >>> from ml.domain.credit.points import PointsScale
        >>> scale = PointsScale(base_points=600, base_odds=50, points_to_double_odds=20)
        >>> round(float(scale.probability(600)), 6) == round(1 / 51, 6)
        True
        """
        return np.asarray(expit(self.log_odds(points)))

    def as_dict(self) -> dict[str, Any]:
        """Return base_points, base_odds and points_to_double_odds as a dict for JSON.

        >>> from ml.domain.credit.points import PointsScale
        >>> PointsScale(**PointsScale().as_dict()) == PointsScale()
        True
        """
        return {
            "base_points": self.base_points,
            "base_odds": self.base_odds,
            "points_to_double_odds": self.points_to_double_odds,
        }
