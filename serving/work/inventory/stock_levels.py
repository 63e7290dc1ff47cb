"""`/v1/inventory/stock`: vehicles in stock against sales and forecast, by store or by model of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from features.periods import first_day, period_label
from serving.work.inventory.champion import demand_estimator
from serving.work.inventory.order_models import Name
from serving.work.inventory.stock_rows import units_on_lot
from serving.work.routing import WorkRequest, WorkRoute

if TYPE_CHECKING:
    from ml.demand_forecast.estimator import DemandEstimator

REASONABLE = (0.8, 1.2)  # stock coefficient that the China Automobile Dealers Association calls reasonable
WARNING = 1.5  # its warning line


class StockQuery(BaseModel):
    """Which stock to return.

    Attributes
    ----------
    store_id : str or None
        Store whose models are returned; None: one row per store.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None


class StockLevel(BaseModel):
    """Vehicles in stock and how long they last.

    Attributes
    ----------
    on_hand : int
        New vehicles in stock at the end of the last period.
    sold : float
        Sold in the last period.
    coefficient : float or None
        Stock at the end of the period divided by its sales; None without sales.
    expected : float
        Forecast of the next period, vehicles.
    days : float or None
        Days until the stock is sold at the forecast rate; None if no sales are forecast.
    is_ended : bool
        Whether a model is no longer sold; for a store False.
    """

    store_id: str
    region: str | None
    model: str | None
    on_hand: int
    sold: float
    coefficient: float | None
    expected: float
    days: float | None
    is_ended: bool


class ModelWithoutForecast(BaseModel):
    """New vehicles of a model that the champion does not forecast in a store."""

    store_id: str
    model: str
    on_hand: int


class StockAnswer(BaseModel):
    """Stock of the stores of the caller, or of the models of a store.

    Attributes
    ----------
    source : str
        stock (snapshots), vehicles (counted one by one, without a stock table) or none.
    last_period, next_period : str
        Period at whose end the stock was counted, and the first one of the forecast.
    reasonable_low, reasonable_high, warning_line : float
        Stock coefficients of the trade association: reasonable, and from which it warns.
    total : StockLevel or None
        Of all rows; its `store_id` is empty without a store.
    rows : list of StockLevel
        Longest-lasting stock first.
    without_forecast : list of ModelWithoutForecast
        Models on the lot whose sales are not forecast: no longer sold, or never sold in the store.
    """

    source: Literal["stock", "vehicles", "none"]
    last_period: str
    next_period: str
    reasonable_low: float
    reasonable_high: float
    warning_line: float
    total: StockLevel | None
    rows: list[StockLevel]
    without_forecast: list[ModelWithoutForecast]


def stock(request: WorkRequest) -> StockAnswer:
    """Return the stock of new vehicles by store, or by model of a store.

    Parameters
    ----------
    request : WorkRequest
        With a `StockQuery`.
    """
    store: str | None = request.parameters.store_id
    if store is not None:
        request.check_store(store)
    estimator = demand_estimator(request.context)
    panel, frequency = estimator.panel, estimator.panel.frequency
    source, cells = _cells(request, estimator)
    cells = [
        c
        for c in cells
        if (store is None or c.store_id == store) and (request.stores is None or c.store_id in request.stores)
    ]
    edges = first_day(np.arange(panel.first + panel.periods, panel.first + panel.periods + 2), frequency)
    days = float(edges[1] - edges[0])
    groups: dict[str, list[StockLevel]] = {}
    for cell in cells:
        groups.setdefault(cell.store_id if store is None else str(cell.model), []).append(cell)
    rows = [_sum(group, days, with_model=store is not None) for group in groups.values()]
    unforecast = [
        ModelWithoutForecast(store_id=c.store_id, model=str(c.model), on_hand=c.on_hand)
        for c in cells
        if c.on_hand and (c.is_ended or c.expected == 0)
    ]
    unforecast += _unknown_units(request, estimator, store)
    total = _sum(cells, days, with_model=False) if cells else None
    if total is not None and store is None:
        total = total.model_copy(update={"store_id": "", "region": None})
    return StockAnswer(
        source=source,
        last_period=period_label(panel.first + panel.periods - 1, frequency),
        next_period=period_label(panel.first + panel.periods, frequency),
        reasonable_low=REASONABLE[0],
        reasonable_high=REASONABLE[1],
        warning_line=WARNING,
        total=total,
        rows=sorted(rows, key=lambda r: (-(r.days or 0.0) if r.expected else -np.inf, r.store_id, r.model or "")),
        without_forecast=sorted(unforecast, key=lambda m: (m.store_id, m.model)),
    )


def _cells(
    request: WorkRequest, estimator: DemandEstimator
) -> tuple[Literal["stock", "vehicles", "none"], list[StockLevel]]:
    panel = estimator.panel
    if not {"store_id", "model"} <= set(panel.series.columns):
        return "none", []
    on_hand, source = estimator.on_hand, "stock"
    if not np.isfinite(on_hand).any():
        counts = _unit_counts(request)
        keys = panel.series.select("store_id", "model").rows()
        on_hand = np.array([counts.get((str(s), str(m)), 0) for s, m in keys], dtype=np.float64)
        source = "vehicles" if counts else "none"
    regions = panel.series["region"].to_list() if "region" in panel.series.columns else [None] * len(on_hand)
    expected = estimator.series_forecasts.mean[:, 0]
    cells = [
        StockLevel(
            store_id=str(s),
            region=region or None,
            model=str(m),
            on_hand=int(np.nan_to_num(n)),
            sold=float(np.nan_to_num(sold)),
            coefficient=None,
            expected=float(mean),
            days=None,
            is_ended=bool(ended),
        )
        for (s, m), region, n, sold, mean, ended in zip(
            panel.series.select("store_id", "model").rows(),
            regions,
            on_hand,
            panel.sold[:, -1],
            expected,
            estimator.is_ended,
            strict=True,
        )
    ]
    return source, cells  # type: ignore[return-value]


def _unit_counts(request: WorkRequest) -> Mapping[tuple[str, str], int]:
    units = units_on_lot(request.context.records, "new").filter(pl.col("model").is_not_null())
    return {(s, m): n for s, m, n in units.group_by("store_id", "model").len().rows()}


def _unknown_units(request: WorkRequest, estimator: DemandEstimator, store: str | None) -> list[ModelWithoutForecast]:
    series = estimator.panel.series
    if not {"store_id", "model"} <= set(series.columns):
        return []
    forecast = {(str(s), str(m)) for s, m in series.select("store_id", "model").rows()}
    return [
        ModelWithoutForecast(store_id=s, model=m, on_hand=n)
        for (s, m), n in _unit_counts(request).items()
        if (s, m) not in forecast and store in (None, s) and (request.stores is None or s in request.stores)
    ]


def _sum(cells: Iterable[StockLevel], days: float, *, with_model: bool) -> StockLevel:
    cells = list(cells)
    on_hand, sold = sum(c.on_hand for c in cells), sum(c.sold for c in cells)
    expected = sum(c.expected for c in cells)
    return cells[0].model_copy(
        update={
            "model": cells[0].model if with_model else None,
            "on_hand": on_hand,
            "sold": sold,
            "coefficient": round(on_hand / sold, 2) if sold > 0 else None,
            "expected": round(expected, 2),
            "days": round(on_hand / expected * days, 1) if expected > 0 else None,
            "is_ended": with_model and all(c.is_ended for c in cells),
        }
    )


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/stock",
        {"zh": "库存、库存系数与可售天数", "en": "Stock, stock coefficient and days of stock"},
        stock,
        StockAnswer,
        parameters=StockQuery,
    ),
)
