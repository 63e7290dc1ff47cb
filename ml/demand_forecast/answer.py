"""Answers to demand requests: precomputed forecasts, or new ones where the request changes their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import FeatureError
from features.periods import period_label, period_of_day
from ml.bilingual import Text
from ml.demand_forecast.drivers import strongest_drivers
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import ForecastTable
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.request import DemandAnswer, DemandRequest, Driver, NewPeriod, PeriodForecast
from ml.domain.arrays import FloatArray
from ml.domain.demand.demand_class import CLASSES
from ml.store_names import name_examples

FEN = 100
MAX_NEIGHBOURS = 3_000  # series that a recomputed forecast uses for group totals; more would only take longer
BEYOND = (
    "请求的期数超出已验证的期数，超出部分的预测未经检验",
    "more periods requested than were validated: the forecasts beyond them are untested",
)
NEW = ("无历史销量，按相似车型与门店预测", "no sales history: forecast from similar models and stores")
YOUNG = ("历史不足一个季节周期", "less than one season of history")
ENDED = (
    "近期无销售记录，视为停售，预测为 0",
    "no sales in the last periods: treated as discontinued, forecast 0",
)


def is_recomputed(request: DemandRequest) -> bool:
    """Return whether a request needs a new forecast, which takes tens of milliseconds, and not a precomputed one.

    That is the case if it has `history`, `like`, a what-if value, or a horizon longer than the validated one.

    Parameters
    ----------
    request : DemandRequest
        Instance of the model that `ml.demand_forecast.request.request` returns.

    Examples
    --------
    >>> from ml.demand_forecast.request import request
    >>> from ml.signature import Field, Signature
    >>> fields = (Field(name="model", kind="text", feature=True), Field(name="horizon", kind="integer", high=6))
    >>> validated = Field(name="validated_horizon", kind="integer", high=4, computed=True)
    >>> model = request(Signature(fields=(*fields, validated)))
    >>> is_recomputed(model(model="x", horizon=4)), is_recomputed(model(model="x", horizon=5))
    (False, True)
    """
    values = request.__dict__
    changes = request.history or request.like or any(values[n] is not None for n in request.what_if_fields)
    return bool(changes or (values["horizon"] or 0) > request.validated_horizon)


def respond(estimator: DemandEstimator, requests: Sequence[Any], *, explain: bool = False) -> list[DemandAnswer]:
    """Answer each request with the forecast of one series or one total.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, for example.
    requests : sequence of DemandRequest
        Instances of the pydantic model `ml.demand_forecast.request.request(estimator.signature)`, such as
        ``request(estimator.signature)(store_id="S1", model="M1", horizon=2)``.
    explain : bool
        Whether to add the drivers of each period to forecasts of series, which are then recomputed.

    Returns
    -------
    list of DemandAnswer
        One per request, in their order. `periods` has the mean and the quantiles of each period ahead, units per
        period; `last_period` is the last period of the history.

    Raises
    ------
    FeatureError
        A series or total is not in the model, or history, attributes or what-if values do not fit the series.
    """
    return [_answer(estimator, request, explain=explain) for request in requests]


def _answer(est: DemandEstimator, request: Any, *, explain: bool) -> DemandAnswer:
    identifiers = {c: v for c in est.identifiers if (v := getattr(request, c)) is not None}
    if all(k in identifiers for k in est.panel.keys):
        return _series_answer(est, request, {k: identifiers[k] for k in est.panel.keys}, explain=explain)
    if request.history or request.like or is_recomputed(request):
        missing = next(k for k in est.panel.keys if k not in identifiers)
        raise FeatureError(missing, "is required: history, like and what-if values apply to one series")
    return _total_answer(est, request, identifiers)


def _total_answer(est: DemandEstimator, request: Any, identifiers: Mapping[str, str]) -> DemandAnswer:
    level = next((v.columns for v in est.levels if set(v.columns) == set(identifiers)), None)
    if level is None:
        levels = ", ".join(level_name(v.columns) for v in est.levels)
        raise FeatureError(
            next(iter(identifiers)),
            f"and the other fields are no aggregation level of the model; choose from: {levels}",
        )
    for column, value in identifiers.items():
        _check_identifier(est, column, value)
    node = est.nodes.get((level, tuple(identifiers[c] for c in level)))
    if node is None:
        raise FeatureError(level[0], "and the other fields never occur together in the sales; correct one of them")
    horizon = request.horizon or est.params.horizon
    if horizon > est.params.horizon:
        raise FeatureError("horizon", f"must be at most {est.params.horizon} for a total")
    forecasts = _precomputed(est.level_forecasts[node[0]], node[1], request.levels, horizon, est)
    return _demand_answer(est, identifiers, request.levels, forecasts)


def _check_identifier(est: DemandEstimator, column: str, value: str) -> None:
    if value not in est.identifiers[column]:
        raise FeatureError(
            column,
            f"is not one of the {len(est.identifiers[column])} in the model"
            f"{name_examples(value, est.identifiers[column])}; correct it, train with its sales, or describe the "
            "series with 'like'",
        )


def _series_answer(est: DemandEstimator, request: Any, identifiers: dict[str, str], *, explain: bool) -> DemandAnswer:
    horizon = request.horizon or est.params.horizon
    name = tuple(identifiers.values())
    row = est.row_of_series.get(name)
    if row is None and not request.like:
        for column, value in identifiers.items():
            _check_identifier(est, column, value)
    if row is not None and request.like:
        raise FeatureError("like", "describes a series that is not in the model, but this one is; leave 'like' out")
    changed = _what_if_values(request, horizon)
    in_model = row is not None
    warnings = [] if horizon <= est.params.horizon else [BEYOND]
    if in_model and not request.history and not changed and horizon <= est.params.horizon and not explain:
        assert row is not None
        forecasts = _precomputed(est.series_forecasts, row, request.levels, horizon, est)
        return _demand_answer(est, identifiers, request.levels, forecasts, warnings=_history_warnings(est, row))
    features, row, begin = _request_features(est, name, row, request)
    if in_model and not request.history and est.is_ended[row]:
        validated = min(horizon, est.params.horizon)
        forecasts = _precomputed(est.series_forecasts, row, request.levels, validated, est)
        return _demand_answer(est, identifiers, request.levels, forecasts, warnings=[ENDED])
    origin = features.panel.periods
    rows = np.array([row], dtype=np.intp)
    forecast = est.forecaster.forecast(
        features.panel, features=features, rows=rows, changed=changed or None, horizon=horizon
    )
    quantiles = forecast.quantiles(np.array(request.levels))[0]
    reasons = _drivers(est, features, row, origin, horizon, changed) if explain else [[] for _ in range(horizon)]
    forecasts = [
        PeriodForecast(period=p, mean=float(m), quantiles=q.tolist(), drivers=d)
        for p, m, q, d in zip(_periods(est.panel, origin, horizon), forecast.mean[0], quantiles, reasons, strict=True)
    ]
    if begin >= origin:
        warnings.append(NEW)
    elif origin - begin < est.panel.season:
        warnings.append(YOUNG)
    return _demand_answer(
        est, identifiers, request.levels, forecasts, origin=origin, warnings=warnings,
        demand_class=CLASSES[int(forecast.demand_class[0])],
        recomputed=bool(request.history or changed or not in_model or horizon > est.params.horizon),
        baseline=float(features.baseline[row, origin]),
    )  # fmt: skip


def _history_warnings(est: DemandEstimator, row: int) -> list[tuple[str, str]]:
    if est.is_ended[row]:
        return [ENDED]
    return [YOUNG] if est.origin - est.panel.begin[row] < est.panel.season else []


def _precomputed(
    table: ForecastTable, row: int, levels: Sequence[float], horizon: int, est: DemandEstimator
) -> list[PeriodForecast]:
    mean = table.mean[row, :horizon].tolist()
    quantiles = table.quantiles_at(row, levels, is_count=est.forecaster.is_count_)[:horizon].tolist()
    periods = _periods(est.panel, est.origin, horizon)
    return [PeriodForecast(period=p, mean=m, quantiles=q) for p, m, q in zip(periods, mean, quantiles, strict=True)]


def _periods(panel: Panel, origin: int, horizon: int) -> list[str]:
    return [period_label(panel.first + origin + h, panel.frequency) for h in range(horizon)]


def _demand_answer(
    est: DemandEstimator,
    identifiers: Mapping[str, str],
    levels: Sequence[float],
    forecasts: list[PeriodForecast],
    *,
    demand_class: str | None = None,
    origin: int | None = None,
    baseline: float | None = None,
    recomputed: bool = False,
    warnings: Sequence[tuple[str, str]] = (),
) -> DemandAnswer:
    warning = None
    if warnings:
        warning = Text(zh="；".join(zh for zh, _ in warnings), en="; ".join(en for _, en in warnings))
    panel = est.panel
    return DemandAnswer(
        identifiers=dict(identifiers),
        frequency=panel.frequency,
        last_period=period_label(panel.first + (est.origin if origin is None else origin) - 1, panel.frequency),
        levels=list(levels),
        periods=forecasts,
        demand_class=demand_class,
        baseline_demand=baseline,
        recomputed=recomputed,
        warning=warning,
    )


def _what_if_values(request: Any, horizon: int) -> dict[str, FloatArray]:
    """Return the what-if values of drivers, one per period; price in fen."""
    changed = {}
    for name in request.what_if_fields:
        value = getattr(request, name)
        if value is None:
            continue
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if len(values) not in (1, horizon):
            raise FeatureError(name, f"must be one number, or one for each of the {horizon} periods requested")
        changed[name] = np.broadcast_to(values, horizon) * (FEN if name == "price" else 1)
    return changed


def _request_features(
    est: DemandEstimator, name: tuple[str, ...], row: int | None, request: Any
) -> tuple[PanelFeatures, int, int]:
    """Return features with the request's series and history, the row of the series, and its first column."""
    if row is not None and not request.history:
        return est.features, row, int(est.panel.begin[row])
    attributes = _attributes(est, name, request.like) if row is None else {}
    rows = _neighbours(est, name, attributes, row)
    panel = est.panel.take(rows)
    if row is None:
        panel, place = _with_series(panel, name, attributes), len(rows)
    else:
        place = int(np.flatnonzero(rows == row)[0])
    panel = _with_history(est, panel, place, request.history)
    return est.forecaster.features(panel), place, int(panel.begin[place])


def _attributes(est: DemandEstimator, name: tuple[str, ...], like: Mapping[str, str]) -> dict[str, str | None]:
    """Return attributes of a new series: those of `like`, else those that all series of its store or model share."""
    series = est.panel.series
    columns = [c for c in series.columns if c not in est.panel.keys]
    unknown = next((c for c in like if c not in columns), None)
    if unknown is not None:
        raise FeatureError(
            f"like.{unknown}"[:100], f"is not an attribute of the model; choose from: {', '.join(columns) or 'none'}"
        )
    attributes: dict[str, str | None] = {}
    for a in columns:
        attributes[a] = like.get(a)
        for key, value in zip(est.panel.keys, name, strict=True):
            if attributes[a] is None:
                shared = series.filter(pl.col(key) == value)[a].drop_nulls().unique()
                attributes[a] = str(shared[0]) if len(shared) == 1 else None
    return attributes


def _neighbours(
    est: DemandEstimator, name: tuple[str, ...], new_attributes: Mapping[str, str | None], row: int | None
) -> NDArray[np.intp]:
    """Return the rows that a recomputed forecast uses: series with common keys and attributes first, then random."""
    series = est.panel.series
    if series.height <= MAX_NEIGHBOURS:
        return np.arange(series.height)
    attributes = new_attributes if row is None else {c: series[c][row] for c in est.params.attributes}
    similarity = np.zeros(series.height)
    for column, value in (*zip(est.panel.keys, name, strict=True), *attributes.items()):
        weight = 2.0 if column in est.panel.keys else 1.0
        similarity += weight * (series[column] == value).fill_null(False).to_numpy() if value is not None else 0.0
    similarity[row if row is not None else 0] += 100.0
    tie_break = np.random.default_rng(0).random(series.height)
    return np.sort(np.argsort(-(similarity + tie_break))[:MAX_NEIGHBOURS])


def _with_series(panel: Panel, name: tuple[str, ...], attributes: Mapping[str, str | None]) -> Panel:
    """Return the panel with one more series without sales."""
    new = pl.DataFrame(
        {**dict(zip(panel.keys, [[n] for n in name], strict=True)), **{c: [v] for c, v in attributes.items()}},
        schema=panel.series.schema,
    )

    def appended(values: FloatArray, fill: float) -> FloatArray:
        return np.vstack([values, np.full(values.shape[1], fill)])

    return replace(
        panel,
        series=pl.concat([panel.series, new]),
        sold=appended(panel.sold, np.nan),
        available=appended(panel.available, 1.0),
        drivers={n: appended(v, np.nan) for n, v in panel.drivers.items()},
    )


def _with_history(est: DemandEstimator, panel: Panel, row: int, history: Sequence[NewPeriod]) -> Panel:
    """Return the panel with the request's periods of one series; other series have no sales in new periods."""
    columns = [_column(panel, h.period) for h in history]
    if len(set(columns)) < len(columns):
        raise FeatureError("history", "has a period twice; send each period once")
    low, high = 0, panel.periods + panel.season
    if columns and not (min(columns) >= low and max(columns) < high):
        first, last = panel.name(low), panel.name(high - 1)
        raise FeatureError("history", f"must have periods between {first} and {last}; train with later sales")
    if est.forecaster.is_count_ and any(h.sold is not None and h.sold != round(h.sold) for h in history):
        raise FeatureError("history", "must have whole numbers in sold: the model counts whole units")
    added = max([*columns, panel.periods - 1]) + 1 - panel.periods
    n = len(panel.sold)
    sold = np.column_stack([panel.sold, np.full((n, added), np.nan)])
    available = np.column_stack([panel.available, np.ones((n, added))])
    drivers = {}
    for driver, values in panel.drivers.items():
        new_values = np.full((n, added), np.nan)
        if driver in est.params.known_ahead and values.shape[1]:
            new_values[:] = values[:, -1:]
        drivers[driver] = np.column_stack([values, new_values]) if values.shape[1] == panel.periods else values
    for column, h in zip(columns, history, strict=True):
        sold[row, column] = np.nan if h.sold is None else h.sold
        available[row, column] = h.available
    return replace(panel, sold=sold, available=available, drivers=drivers)


def _column(panel: Panel, period: str) -> int:
    try:
        day = np.datetime64(period, "D").astype(np.int64)
    except ValueError:
        raise FeatureError("history", "must have periods that are dates, such as 2026-09 or 2026-09-28") from None
    return int(period_of_day(int(day), panel.frequency)) - panel.first


def _drivers(
    est: DemandEstimator,
    features: PanelFeatures,
    row: int,
    origin: int,
    horizon: int,
    changed: Mapping[str, FloatArray],
) -> list[list[Driver]]:
    """Return the strongest drivers of each period, as far as the trees contribute to the forecast."""
    s = np.full(horizon, row, dtype=np.intp)
    h = np.arange(1, horizon + 1)
    table = features.table(s, np.full(horizon, origin, dtype=np.int64), h, changed=dict(changed) or None)
    contributions = est.forecaster.trees_.contributions(table)
    groups = ["_".join(c) or "all" for c in features.groups]
    drivers = list(features.panel.drivers)
    return [strongest_drivers(c, features.names, groups=groups, drivers=drivers) for c in contributions]
