"""Limits of the grades: fixed, or sized to the calls that the desk can make in a day."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray
from ml.domain.leads.bands import band_limits
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.rows import CHINA

GRADES = np.array(["D", "C", "B", "A"])
DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class GradeLimits:
    """Lowest probabilities of the grades A, B and C; the rest is D. Returned by `grade_limits`.

    Attributes
    ----------
    A, B, C : float
        Probabilities of a sale.
    leads_per_working_day : float or None
        New leads of a working day in the calibration data; None for fixed limits.
    a_per_working_day : float or None
        New leads of grade A that the desk can call on a working day; None for fixed limits.

    Examples
    --------
    >>> limits = GradeLimits(A=0.4, B=0.25, C=0.12)
    >>> limits.of(np.array([0.45, 0.3, 0.05])).tolist()
    ['A', 'B', 'D']
    >>> GradeLimits.from_dict(limits.as_dict()) == limits
    True
    """

    A: float
    B: float
    C: float
    leads_per_working_day: float | None = None
    a_per_working_day: float | None = None

    def of(self, probability: FloatArray) -> NDArray[np.str_]:
        """Return the grade of each probability, 'A' to 'D'."""
        return np.asarray(GRADES[np.sum([probability >= t for t in (self.A, self.B, self.C)], axis=0)])

    @property
    def note(self) -> str | None:
        """Return a remark if the grades cannot do what they are for; None otherwise."""
        if self.leads_per_working_day is None or self.a_per_working_day is None:
            return None
        if self.a_per_working_day < self.leads_per_working_day:
            return None
        return (
            f"every lead has grade A: the desk can call {self.a_per_working_day:.1f} new leads a working day, and "
            f"{self.leads_per_working_day:.1f} come in (params.capacity_per_day, params.calls_per_lead)"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the content for JSON, which `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Return the limits of a dict that `as_dict` wrote; TypeError if a field is missing or unknown."""
        return cls(**content)


def grade_limits(params: LeadParams, X: pl.DataFrame, probability: FloatArray, weight: FloatArray) -> GradeLimits:
    """Return the limits of the grades: those of the configuration, or sized to the desk on calibration leads.

    A has as many of the new leads of a usual working day as the desk can call then: `capacity_per_day` divided by
    `calls_per_lead`, the highest probabilities first. B, C and D have a third each of the others.

    Parameters
    ----------
    params : LeadParams
        With `grades`, or with `capacity_per_day`, `calls_per_lead` and `working_days_per_week`.
    X : DataFrame
        Calibration rows with `created_at` and `as_of` (microseconds since 1970 UTC). Only rows at the creation of their
        lead count.
    probability : ndarray of shape (n_rows,)
        Out-of-sample probability of a sale.
    weight : ndarray of shape (n_rows,)
        Weights that make up for leads without a known outcome, which the calibration rows lack.

    Returns
    -------
    GradeLimits
        Limits, new leads a working day, and those of grade A.

    Raises
    ------
    ConfigError
        `capacity_per_day` is set, and leads have no times.
    DataError
        No calibration row is at the creation of its lead.

    Examples
    --------
    Eight leads in two days (in China), four a day; a desk with two calls a day gives grade A to the four best.

    >>> created = [k * DAY // 4 - CHINA for k in range(8)]
    >>> X = pl.DataFrame({"created_at": created, "as_of": created})
    >>> limits = grade_limits(LeadParams(capacity_per_day=2), X, np.arange(8) / 10, np.ones(8))
    >>> limits.leads_per_working_day, limits.A
    (4.0, 0.4)
    """
    if params.capacity_per_day is None:
        fixed = params.fixed_grades
        return GradeLimits(A=fixed.A, B=fixed.B, C=fixed.C)
    if not {"created_at", "as_of"} <= set(X.columns):
        raise ConfigError(
            "params.capacity_per_day: the leads have no times, so that leads per day are unknown; remove it and set "
            "params.grades, such as {A: 0.4, B: 0.25, C: 0.12}"
        )
    new = (X["created_at"] == X["as_of"]).fill_null(value=False).to_numpy()
    if not new.any():
        raise DataError("no calibration row is at the creation of its lead: give more data, or set params.grades")
    created, w = X["created_at"].to_numpy()[new], weight[new]
    local_days = (created + CHINA) // DAY
    working_days = (int(local_days.max()) - int(local_days.min()) + 1) * params.working_days_per_week / DAYS_PER_WEEK
    a_per_day = params.capacity_per_day / params.calls_per_lead
    a, b, c = band_limits(probability[new], w, first=a_per_day * working_days)
    return GradeLimits(A=a, B=b, C=c, leads_per_working_day=float(w.sum()) / working_days, a_per_working_day=a_per_day)
