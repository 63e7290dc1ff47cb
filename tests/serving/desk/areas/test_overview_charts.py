"""Charts of approval and delinquency."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from serving.desk.areas.overview_charts import approval_chart, delinquency_chart
from serving.desk.catalogue import catalogue


def request(language: Any) -> Any:
    """Return what a chart needs of a request."""
    return SimpleNamespace(language=language, text=lambda key, **v: catalogue().text(key, language, **v))


def months(*values: float) -> list[dict[str, Any]]:
    """Return months from November 2025."""
    names = ("2025-11", "2025-12", "2026-01")
    return [
        {"month": m, "share": {"value": v, "low": v - 0.01, "high": v + 0.01}}
        for m, v in zip(names, values, strict=False)
    ]


def test_the_year_stands_at_the_first_month_and_in_january() -> None:
    """And the sentence names both ends with the last interval."""
    chart = approval_chart(request("en"), {"approval": months(0.5, 0.52, 0.48)})
    assert chart is not None
    assert list(chart.x) == ["Nov. 2025", "Dec.", "Jan. 2026"]
    assert chart.label == "Approved applications: 50.0% in Nov. 2025, 48.0% in Jan. 2026 (95% interval 47.0–49.0%)"


def test_no_month_no_chart() -> None:
    """The page says why."""
    assert delinquency_chart(request("zh"), {"delinquency": []}) is None
