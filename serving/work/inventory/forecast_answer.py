"""`/v1/inventory/forecast`: history and forecast of the group, a region, a store or a model, with its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from features.periods import period_label
from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.inventory.champion import (
    ask_for_group,
    ask_in_parts,
    demand_estimator,
    results_of,
    version_key,
)
from serving.work.inventory.forecast_models import (
    DriverText,
    ForecastAnswer,
    ForecastPart,
    ForecastPeriod,
    ForecastQuery,
    Level,
    SoldPeriod,
)
from serving.work.routing import WorkRequest, WorkRoute

if TYPE_CHECKING:
    from ml.demand_forecast.estimator import DemandEstimator

PATH = "/v1/demand_forecast"
QUANTILES = [0.1, 0.5, 0.9]
COVERAGE = 0.8
HISTORY = {"month": 24, "week": 78, "day": 120}  # periods that are shown
PART_COLUMN = {"region": "region", "store": "store_id", "model": "model", "series": "model"}


def forecast(request: WorkRequest) -> ForecastAnswer:
    """Return the forecast of a total or series, with history and parts.

    Bounds of totals are quantiles of jointly sampled series, as the champion has them, never sums of bounds.

    Parameters
    ----------
    request : WorkRequest
        With a `ForecastQuery`.

    Raises
    ------
    Problem
        Status 403: the store is none of the caller. 404: there is no such total or series.
    """
    query: ForecastQuery = request.parameters
    estimator = demand_estimator(request.context)
    if query.store_id is not None:
        request.check_store(query.store_id)
    key = (*version_key(request.context), query.region, query.store_id, query.model)
    name = f"forecast {query.region}/{query.store_id}/{query.model}"
    answer = results_of(request.context).get(name, key, lambda: _answer(request, estimator, query))
    if request.stores is None or query.store_id is not None:
        return answer
    # A total over stores that the caller may not see is not shown; stores of the caller are, one by one.
    if answer.part_level == "store":
        parts = [part for part in answer.parts if part.store_id in request.stores]
    else:
        parts = [p for s in sorted(request.stores) for p in _store_part(request, estimator, s, query.model)]
    return answer.model_copy(update={"history": [], "forecast": [], "parts": parts, "part_level": "store", "ended": []})


def _store_part(
    request: WorkRequest, estimator: DemandEstimator, store: str, model: str | None
) -> Sequence[ForecastPart]:
    identifiers = {"store_id": store} | ({"model": model} if model else {})
    if not _rows(estimator, identifiers).size:
        return []
    items = ask_in_parts(request, PATH, [{**identifiers, "levels": QUANTILES}])
    return [_part(estimator, identifiers, items[0])]


def _answer(request: WorkRequest, estimator: DemandEstimator, query: ForecastQuery) -> ForecastAnswer:
    identifiers = _identifiers(estimator, query)
    level = _level(query)
    rows = _rows(estimator, identifiers)
    if not rows.size:
        raise Problem(404, "no_series", "the demand model has no sales of this region, store and model together")
    part_level = _part_level(estimator, level)
    parts = _part_identifiers(estimator, identifiers, part_level, rows)
    questions = [{**i, "levels": QUANTILES} for i in (identifiers, *parts)]
    if level == "series":
        total = ask_for_group(request, f"{PATH}", questions[0])
    else:
        total, *answers = ask_in_parts(request, PATH, questions)
    made = [_part(estimator, i, a) for i, a in zip(parts, answers, strict=True)] if level != "series" else []
    panel = estimator.panel
    region = identifiers.get("region") or _region_of(estimator, query.store_id)
    return ForecastAnswer(
        level=level,
        region=region,
        store_id=query.store_id,
        model=query.model,
        frequency=panel.frequency,
        last_period=total["last_period"],
        coverage=COVERAGE,
        history=_history(estimator, rows),
        forecast=_periods(estimator, rows, total),
        part_level=part_level,
        parts=sorted(made, key=lambda p: (-p.total_mean, p.store_id or "", p.model or p.region or "")),
        ended=_ended(estimator, rows),
        drivers=_drivers(request, identifiers) if level == "series" else [],
        warning=None if total["warning"] is None else Text(**total["warning"]),
        model_version=estimator_version(request),
    )


def estimator_version(request: WorkRequest) -> int:
    """Return the version of the demand champion.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    """
    version: Any = version_key(request.context)[0]
    return int(version)


def _identifiers(estimator: DemandEstimator, query: ForecastQuery) -> dict[str, str]:
    identifiers = {n: v for n in ("region", "store_id", "model") if (v := getattr(query, n)) is not None}
    if "store_id" in identifiers:
        identifiers.pop("region", None)
    columns = tuple(identifiers)
    if set(columns) == set(estimator.panel.keys) or any(set(v.columns) == set(columns) for v in estimator.levels):
        return identifiers
    raise Problem(404, "no_level", f"the demand model has no totals by {', '.join(columns) or 'group'}")


def _level(query: ForecastQuery) -> Level:
    if query.store_id is not None:
        return "store" if query.model is None else "series"
    if query.model is not None:
        return "model"
    return "group" if query.region is None else "region"


def _part_level(estimator: DemandEstimator, level: Level) -> Level | None:
    columns = {v.columns for v in estimator.levels}
    has_series = set(estimator.panel.keys) == {"store_id", "model"}
    if level == "group":
        if ("region",) in columns:
            return "region"
        return "store" if ("store_id",) in columns else None
    if level == "region" and ("store_id",) in columns:
        return "store"
    if level == "store" and has_series:
        return "series"
    return "store" if level == "model" and has_series else None


def _part_identifiers(
    estimator: DemandEstimator, identifiers: Mapping[str, str], part_level: Level | None, rows: Any
) -> list[dict[str, str]]:
    if part_level is None:
        return []
    column = PART_COLUMN[part_level]
    names = estimator.panel.series[rows][column].drop_nulls().unique().sort().to_list()
    fixed = {} if part_level in ("region", "store") and "model" not in identifiers else dict(identifiers)
    return [{**fixed, column: str(name)} for name in names if name]


def _rows(estimator: DemandEstimator, identifiers: Mapping[str, str]) -> Any:
    series = estimator.panel.series
    mask = np.ones(series.height, dtype=bool)
    for column, value in identifiers.items():
        mask &= (series[column] == value).fill_null(False).to_numpy()
    return np.flatnonzero(mask)


def _region_of(estimator: DemandEstimator, store: str | None) -> str | None:
    series = estimator.panel.series
    if store is None or "region" not in series.columns or "store_id" not in series.columns:
        return None
    regions = series.filter(series["store_id"] == store)["region"].drop_nulls()
    return str(regions[0]) if len(regions) else None


def _sold(estimator: DemandEstimator, rows: Any, column: int) -> float | None:
    if not 0 <= column < estimator.panel.periods:
        return None
    values = estimator.panel.sold[rows, column]
    return float(np.nansum(values)) if np.isfinite(values).any() else None


def _history(estimator: DemandEstimator, rows: Any) -> list[SoldPeriod]:
    panel = estimator.panel
    begin = max(0, panel.periods - HISTORY[panel.frequency])
    sold = [(c, _sold(estimator, rows, c)) for c in range(begin, panel.periods)]
    return [SoldPeriod(period=period_label(panel.first + c, panel.frequency), sold=n) for c, n in sold if n is not None]


def _periods(estimator: DemandEstimator, rows: Any, answer: Mapping[str, Any]) -> list[ForecastPeriod]:
    panel = estimator.panel
    return [
        ForecastPeriod(
            period=p["period"],
            mean=round(p["mean"], 2),
            low=p["quantiles"][0],
            median=p["quantiles"][1],
            high=p["quantiles"][2],
            last_year=_sold(estimator, rows, panel.periods + h - panel.season) if panel.season > 1 else None,
        )
        for h, p in enumerate(answer["periods"])
    ]


def _part(estimator: DemandEstimator, identifiers: Mapping[str, str], answer: Mapping[str, Any]) -> ForecastPart:
    rows, panel = _rows(estimator, identifiers), estimator.panel
    stock = estimator.on_hand[rows]
    periods = answer["periods"]
    return ForecastPart(
        region=identifiers.get("region") or _region_of(estimator, identifiers.get("store_id")),
        store_id=identifiers.get("store_id"),
        model=identifiers.get("model"),
        mean=round(periods[0]["mean"], 2),
        low=periods[0]["quantiles"][0],
        high=periods[0]["quantiles"][2],
        last_sold=_sold(estimator, rows, panel.periods - 1),
        last_year=_sold(estimator, rows, panel.periods - panel.season) if panel.season > 1 else None,
        on_hand=int(np.nansum(stock)) if np.isfinite(stock).any() else None,
        total_mean=round(sum(p["mean"] for p in periods), 2),
    )


def _ended(estimator: DemandEstimator, rows: Any) -> list[str]:
    series = estimator.panel.series
    if "model" not in series.columns:
        return []
    living = set(series[rows[~estimator.is_ended[rows]]]["model"].to_list())
    return sorted({str(m) for m in series[rows]["model"].to_list() if m is not None} - living)


def _drivers(request: WorkRequest, identifiers: Mapping[str, str]) -> list[DriverText]:
    answer = ask_for_group(request, f"{PATH}/batch", {"items": [dict(identifiers)]}, query="explain=true")["items"][0]
    drivers = answer["periods"][0]["drivers"]
    return [DriverText(name=d["name"], effect=d["effect"], text=Text(zh=d["zh"], en=d["en"])) for d in drivers]


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/forecast",
        {"zh": "集团、区域、门店或车型的销量历史与预测", "en": "History and forecast of group, region, store or model"},
        forecast,
        ForecastAnswer,
        parameters=ForecastQuery,
    ),
)
