"""What became of customers whose predicted risk was about the same, from the champion's own report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from pydantic import BaseModel, Field

from ml.domain.statistics.proportions import proportion

_LEAST = 1e-6  # predicted shares below this are the same to everyone


class SimilarCustomers(BaseModel):
    """Observed defaults of the test applications with about the same predicted probability."""

    observed: float = Field(description="share that defaulted within the horizon")
    low: float = Field(description="95 % interval (Jeffreys)")
    high: float
    defaults: int
    customers: int
    predicted: float = Field(description="mean of their predicted probabilities")


def similar_customers(card: Mapping[str, Any], probability: float) -> SimilarCustomers | None:
    """Return the group of the calibration table whose mean prediction is nearest, in log-odds.

    Parameters
    ----------
    card : mapping
        Model card of the champion.
    probability : float
        Predicted for the application.

    Returns
    -------
    SimilarCustomers or None
        None if the report has no calibration table.

    Examples
    --------
    >>> rows = [{"predicted": 0.01, "observed": 0.02, "rows": 100}, {"predicted": 0.2, "observed": 0.25, "rows": 100}]
    >>> group = similar_customers({"evaluation": {"sections": [{"kind": "calibration", "rows": rows}]}}, 0.03)
    >>> group.defaults, group.customers, round(group.low, 3), round(group.high, 3)
    (2, 100, 0.004, 0.063)
    >>> similar_customers({}, 0.03) is None
    True
    """
    rows = [row for row in _rows(card) if row.get("rows")]
    if not rows:
        return None
    row = min(rows, key=lambda r: abs(_log_odds(r["predicted"]) - _log_odds(probability)))
    customers = int(row["rows"])
    defaults = round(row["observed"] * customers)
    interval = proportion(defaults, customers)
    return SimilarCustomers(
        observed=interval.value,
        low=interval.low,
        high=interval.high,
        defaults=defaults,
        customers=customers,
        predicted=row["predicted"],
    )


def _rows(card: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    sections = card.get("evaluation", {}).get("sections", [])
    return next((s["rows"] for s in sections if s.get("kind") == "calibration"), [])


def _log_odds(share: float) -> float:
    bounded = min(max(share, _LEAST), 1 - _LEAST)
    return log(bounded / (1 - bounded))
