"""Safety reports, alarms and orders of the day."""

from __future__ import annotations

import pytest

from serving.work.overview import today_parts
from tests.serving.work.overview.area_answers import ANSWERS, REPORT, use_answers
from tests.serving.work.overview.dealership import request


def test_safety_reports_by_week_with_the_week_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the last seven days, and one in the seven before."""
    use_answers(monkeypatch)
    part = today_parts.safety(request(), None)
    assert part.trend is not None and part.trend.values == [0, 0, 0, 0, 0, 1, 1]
    assert part.note is not None and part.note.en == "X5 brakes; 1 last week"
    assert [item.link for item in part.items] == ["/desk/faults/safety"]


def test_a_report_without_model_or_store_counts_for_every_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another store does not."""
    rows = [
        {**REPORT, "model": None, "component_name": None, "store_id": None, "words": ""},
        {**REPORT, "store_id": "S9"},
    ]
    use_answers(monkeypatch, **{"/v1/alarms/safety": {"items": rows}})
    assert today_parts.safety(request(), "S1").value == 1


def test_only_open_alarms_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is being handled; one is closed."""
    use_answers(monkeypatch)
    part = today_parts.alarms(request(), None)
    assert (part.value, part.is_urgent, part.note and part.note.en) == (1, False, "1 more being handled")
    assert part.items[0].note is not None and part.items[0].note.en == "30 faults where 12.0 were expected"


def test_orders_in_vehicles_with_their_value_and_the_sales_of_the_last_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two new cars were sold in March, one in February."""
    use_answers(monkeypatch)
    part = today_parts.orders(request(), None)
    assert (part.value, part.waiting, part.items[0].link) == (9, 2, "/desk/stock/orders/S1")
    assert part.note is not None and part.note.zh == "2 单，占用 125 万元；上月售出新车 2 辆"
    assert part.trend is not None and part.trend.values[-2:] == [1.0, 2.0]


def test_a_store_without_waiting_orders_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though others have."""
    use_answers(monkeypatch)
    part = today_parts.orders(request(), "S2")
    assert (part.value, part.thing, ANSWERS["/v1/inventory/orders"]["total"]["waiting_vehicles"]) == (0, None, 9)
