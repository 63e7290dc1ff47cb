"""The least that a report of each kind holds."""

from __future__ import annotations

from typing import Any

from training.studies.row_report import Report

WAYS = {"cost": 1_234.5, "over_product": 1.0, "low": 0.9, "high": 1.1, "fill_rate": 0.875, "mean_stock": 2.5}


def small_report(**parts: Any) -> Report:
    """A report with one metric and nothing beside it, but for the parts named."""
    empty: dict[str, Any] = {
        "task": "credit_risk",
        "protocol": "in time order",
        "rows": {"train": {"rows": 8}, "test": {"rows": 1_000}},
        "metrics": {"roc_auc": {"value": 0.75, "low": 0.7, "high": 0.8, "naive": 0.5}},
        "baselines": {},
        "segments": {},
        "by_month": {},
        "calibration": [{"predicted": 0.1, "observed": 0.2}, {"predicted": 0.3, "observed": 0.4}],
        "decisions": {},
        "fairness": {},
        "importance": {"income": 0.5, "price": 0.25},
        "notes": (),
    }
    return Report(**{**empty, **parts})


BANDS = {
    "approve": {"share": 0.5, "bad_rate": 0.0125, "rows": 500},
    "refer": {"share": 0.5, "bad_rate": 0.2, "rows": 500},
    "decline": {"share": 0.0, "bad_rate": None, "rows": 0},
}
ORDERS = {
    "ways": {"product": WAYS, "perfect foresight": {**WAYS, "cost": 600.0}},
    "rules": "as shipped",
    "unit": "yuan",
}
PATHS = {"path": {"cold": {"rows": 9, "ndcg_at_10": 0.25, "low": 0.2, "high": 0.3}}}
