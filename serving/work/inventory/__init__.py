"""Stock planning: forecasts, orders and transfers to confirm, what-if prices, stock, and ageing used cars."""

from __future__ import annotations

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

ROUTES: tuple[WorkRoute, ...] = (
    *overview.ROUTES,
    *forecast_answer.ROUTES,
    *what_if.ROUTES,
    *orders.ROUTES,
    *purchase_orders.ROUTES,
    *transfers.ROUTES,
    *stock_levels.ROUTES,
    *used_cars.ROUTES,
)
