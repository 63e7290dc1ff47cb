"""Who may read and who may write: planners write, data scientists read."""

from __future__ import annotations

import pytest

from serving.doors.roles import ROLES, required_scope
from serving.work import inventory
from serving.work.inventory import (
    forecast_answer,
    orders,
    overview,
    purchase_orders,
    stock_levels,
    transfers,
    used_cars,
    what_if,
)
from serving.work.routing import WorkRoute

READING = (
    *overview.ROUTES, *forecast_answer.ROUTES, *what_if.ROUTES, *stock_levels.ROUTES, *used_cars.ROUTES,
    orders.ROUTES[0], purchase_orders.ROUTES[0], transfers.ROUTES[0],
)  # fmt: skip


@pytest.mark.parametrize("route", inventory.ROUTES, ids=lambda route: route.operation)
def test_every_route_has_its_scope(route: WorkRoute) -> None:
    """What only reads needs the scope of the forecasts."""
    scope = required_scope(route.method, route.path)
    assert scope == ("demand_forecast" if route in READING else "orders:write")
    assert scope in ROLES["planner"] and scope in ROLES["manager"]
    assert (scope in ROLES["data_scientist"]) == (route in READING)
