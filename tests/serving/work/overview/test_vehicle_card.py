"""One vehicle."""

from __future__ import annotations

import pytest

from serving.asgi import Problem
from serving.work.overview.vehicle_card import vehicle_card
from tests.serving.work.overview.dealership import at, context, records, request


def test_a_sold_vehicle_with_its_application() -> None:
    """The VIN is masked."""
    card = vehicle_card(request(path={"vehicle_id": "V1"}))
    assert (card.state, card.vin, card.store_id, card.visits) == ("sold", "…00V001", "S1", 0)
    assert [(r.kind, r.id, r.link) for r in card.records] == [("application", "A1", "/desk/loans/A1")]


def test_a_vehicle_of_the_fleet_with_its_visits() -> None:
    """Which the dealership has not sold."""
    fleet = [{"vehicle_id": "F1", "model": "X5", "store_id": "S1", "entered_service_at": at("2024-01-01 00:00")}]
    visits = [
        {"record_id": f"R{i}", "vehicle_id": "F1", "serviced_at": at(day), "reported_at": at(day)}
        for i, day in enumerate(("2025-01-01 00:00", "2025-01-01 00:00", "2026-01-01 00:00"))
    ]
    work = context(records(fleet=fleet, service_records=visits))
    card = vehicle_card(request(work, path={"vehicle_id": "F1"}))
    assert (card.state, card.visits, str(card.last_visit)[:10]) == ("in_service", 2, "2026-01-01")
    assert vehicle_card(request(work, role="planner", path={"vehicle_id": "F1"})).visits is None


def test_an_unknown_vehicle_and_one_of_another_store_are_refused() -> None:
    """404 and 403."""
    for name, stores, status in (("V9", None, 404), ("V1", ["S2"], 403)):
        with pytest.raises(Problem) as e:
            vehicle_card(request(stores=stores, path={"vehicle_id": name}))
        assert e.value.status == status
