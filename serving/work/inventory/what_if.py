"""`/v1/inventory/what_if/preview`: the forecast of a series with another price or promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from serving.asgi import Problem
from serving.work.inventory.champion import ask_for_group, demand_estimator
from serving.work.inventory.forecast_answer import PATH, QUANTILES, estimator_version
from serving.work.inventory.forecast_models import WhatIf, WhatIfAnswer, WhatIfPeriod
from serving.work.inventory.group_plan import planning_rules
from serving.work.routing import WorkRequest, WorkRoute

if TYPE_CHECKING:
    from ml.demand_forecast.estimator import DemandEstimator

FEN = 100
SMALLEST_CHANGE = 0.001  # share of the forecast; smaller changes are rounding


def ask_again(request: WorkRequest) -> WhatIfAnswer:
    """Return the forecast of a series as it is, and with another price or promotion.

    Parameters
    ----------
    request : WorkRequest
        With a `WhatIf`.

    Raises
    ------
    Problem
        Status 403: the store is none of the caller. 404: the series is not in the champion.
    """
    body: WhatIf = request.body
    request.check_store(body.store_id)
    estimator = demand_estimator(request.context)
    row = estimator.row_of_series.get(
        tuple({"store_id": body.store_id, "model": body.model}[k] for k in _keys(estimator))
    )
    if row is None:
        raise Problem(404, "no_series", "the demand model has no sales of this model in this store")
    drivers = {name: _recorded(estimator, row, name) for name in ("price", "promotion")}
    changed = {
        name: value
        for name in ("price", "promotion")
        if (value := getattr(body, name)) is not None and drivers[name] is not None
    }
    series = {"store_id": body.store_id, "model": body.model, "levels": QUANTILES}
    before = ask_for_group(request, PATH, series)["periods"]
    after = ask_for_group(request, PATH, {**series, **changed})["periods"] if changed else before
    periods = [_period(b, a) for b, a in zip(before, after, strict=True)]
    total, new_total = (sum(getattr(p, n) for p in periods) for n in ("mean", "new_mean"))
    price, promotion = drivers["price"], drivers["promotion"]
    return WhatIfAnswer(
        store_id=body.store_id,
        model=body.model,
        reads_price=price is not None,
        reads_promotion=promotion is not None,
        price=_last(price),
        promotion=_last(promotion),
        lowest_price=_bound(price, np.min),
        highest_price=_bound(price, np.max),
        lowest_promotion=_bound(promotion, np.min),
        highest_promotion=_bound(promotion, np.max),
        is_beyond_records=any(_is_beyond(drivers[name], value) for name, value in changed.items()),
        new_price=changed.get("price", _last(price)),
        new_promotion=changed.get("promotion", _last(promotion)),
        periods=periods,
        change=round(new_total - total, 2),
        change_share=round(new_total / total - 1, 4) if total > 0 else None,
        margin_change=_margin_change(request, body, _last(price), total, new_total),
        reacts=any(abs(p.new_mean - p.mean) > SMALLEST_CHANGE * max(p.mean, 0.01) for p in periods),
        model_version=estimator_version(request),
    )


def _keys(estimator: DemandEstimator) -> tuple[str, ...]:
    keys = tuple(estimator.panel.keys)
    if set(keys) != {"store_id", "model"}:
        raise Problem(404, "no_series", f"the demand model has series by {', '.join(keys)}, not by store and model")
    return keys


def _recorded(estimator: DemandEstimator, row: int, name: str) -> Any:
    """Return the recorded values of a driver of a series, in yuan or as a fraction; None if the model lacks it."""
    values = estimator.panel.drivers.get(name)
    if values is None or not values.shape[1] or name not in {f.name for f in estimator.signature.fields}:
        return None
    own = values[row][np.isfinite(values[row])]
    return own / FEN if name == "price" else own


def _last(values: Any) -> float | None:
    return round(float(values[-1]), 4) if values is not None and len(values) else None


def _bound(values: Any, function: Any) -> float | None:
    return round(float(function(values)), 4) if values is not None and len(values) else None


def _is_beyond(values: Any, value: float) -> bool:
    return bool(len(values) and not values.min() <= value <= values.max())


def _period(before: Any, after: Any) -> WhatIfPeriod:
    return WhatIfPeriod(
        period=before["period"],
        mean=round(before["mean"], 2),
        low=before["quantiles"][0],
        high=before["quantiles"][2],
        new_mean=round(after["mean"], 2),
        new_low=after["quantiles"][0],
        new_high=after["quantiles"][2],
    )


def _margin_change(
    request: WorkRequest, body: WhatIf, price: float | None, total: float, new_total: float
) -> float | None:
    """Return the change of gross margin: the purchase cost stays, the customer pays the price less the promotion."""
    if price is None:
        return None
    margin = planning_rules(request.context).unit_costs(body.model, None, price).margin
    new_margin = margin + ((body.price or price) - price)
    return round(new_total * new_margin - total * margin, 2)


ROUTES = (
    WorkRoute(
        "POST",
        "/v1/inventory/what_if/preview",
        {"zh": "换一个价格或促销力度再预测一次", "en": "The forecast with another price or promotion"},
        ask_again,
        WhatIfAnswer,
        body=WhatIf,
        example={"store_id": "S0001", "model": "X5", "price": 149800.0},
    ),
)
