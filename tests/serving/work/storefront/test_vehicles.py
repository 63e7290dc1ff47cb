"""Vehicles to choose from."""

from __future__ import annotations

from serving.work.storefront.vehicles import VehicleFilters, VehicleList, list_vehicles
from tests.serving.work.storefront.conftest import Ask


def vehicles(ask: Ask, *, stores: list[str] | None = None, **filters: object) -> VehicleList:
    return list_vehicles(ask(parameters=VehicleFilters.model_validate(filters), stores=stores))


def test_vehicles_are_searched_by_words(ask: Ask) -> None:
    everything = vehicles(ask, limit=200)
    assert everything.total == len(everything.items) > 5 and everything.models
    model = everything.items[0].model
    assert model is not None
    assert {v.model for v in vehicles(ask, q=model.lower()).items} == {model}
    assert vehicles(ask, q="no such car").total == 0


def test_vehicles_are_looked_up_in_the_order_of_their_identifiers(ask: Ask) -> None:
    assert [v.vehicle_id for v in vehicles(ask, vehicle_id="N1,gone,N0").items] == ["N1", "N0"]


def test_vehicles_of_other_stores_are_not_listed(ask: Ask) -> None:
    assert {v.store_id for v in vehicles(ask, stores=["S1"], limit=200).items} <= {"S1", None}
