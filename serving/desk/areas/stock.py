"""Pages of stock planning: orders and transfers to confirm, forecasts, what-if prices, stock, ageing used cars."""

from __future__ import annotations

from serving.desk.areas import stock_cars, stock_forecast, stock_orders, stock_transfers
from serving.desk.page import Page

SCOPE, WRITING = "demand_forecast", "orders:write"
PAGES = (
    Page("/desk/stock", SCOPE, stock_orders.show_overview),
    Page("/desk/stock/orders/{store_id}", SCOPE, stock_orders.show_store),
    Page("/desk/stock/orders/{store_id}", WRITING, stock_orders.decide, "POST"),
    Page("/desk/stock/orders/{store_id}/undo", WRITING, stock_orders.undo, "POST"),
    Page("/desk/stock/orders/{store_id}/export", WRITING, stock_orders.export, "POST"),
    Page("/desk/stock/orders/{store_id}/file", SCOPE, stock_orders.download),
    Page("/desk/stock/transfers", SCOPE, stock_transfers.show_transfers),
    Page("/desk/stock/transfers", WRITING, stock_transfers.decide, "POST"),
    Page("/desk/stock/transfers/undo", WRITING, stock_transfers.undo, "POST"),
    Page("/desk/stock/forecast", SCOPE, stock_forecast.show_forecast),
    Page("/desk/stock/what-if", SCOPE, stock_forecast.show_what_if),
    Page("/desk/stock/levels", SCOPE, stock_cars.show_levels),
    Page("/desk/stock/used-cars", SCOPE, stock_cars.show_used_cars),
)
