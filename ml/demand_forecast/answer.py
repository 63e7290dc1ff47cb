"""Questions about demand answered: from what was computed ahead, or anew where the question brings something new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import FeatureError
from features.periods import label, period_of_day
from ml.bilingual import Text
from ml.demand_forecast.drivers import told
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import ForecastTable
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past
from ml.demand_forecast.request import DemandAnswer, DemandRequest, Driver, NewPeriod, PeriodForecast
from ml.domain.arrays import FloatArray
from ml.domain.demand.demand_class import CLASSES

FEN = 100
NEIGHBOURS = 3_000  # series that stand for the whole when a forecast is made anew
BEYOND = (
    "所问期数超出已验证的期数，其后的预测未经检验",
    "asked for more periods than were validated: the later ones are untested",
)
NEW = ("没有该序列的历史，按相似车型与门店推算", "no history of its own: it borrows from its like")
YOUNG = ("历史不足一个季节周期", "less than one season of history")
ENDED = ("近期已无记录，视为停售", "no rows of late: taken for a series that has ended")


def is_recomputed(request: DemandRequest) -> bool:
    """Whether a forecast is made for the request, which takes tens of milliseconds, and not read."""
    values = request.__dict__
    changes = request.history or request.like or any(values[n] is not None for n in request.changing)
    return bool(changes or (values["horizon"] or 0) > request.validated)


def respond(estimator: DemandEstimator, asked: Sequence[Any], *, explain: bool = False) -> list[DemandAnswer]:
    """Answer each question.

    Raises
    ------
    FeatureError
        A series or a total is not known, or what the question brings does not fit it.
    """
    return [_answer(estimator, one, explain=explain) for one in asked]


def _answer(est: DemandEstimator, asked: Any, *, explain: bool) -> DemandAnswer:
    of = {c: v for c in est.known if (v := getattr(asked, c)) is not None}
    if all(k in of for k in est.panel.keys):
        return _of_series(est, asked, {k: of[k] for k in est.panel.keys}, explain=explain)
    if asked.history or asked.like or is_recomputed(asked):
        missing = next(k for k in est.panel.keys if k not in of)
        raise FeatureError(missing, "is needed: history, like and what-if values speak of one series")
    return _of_total(est, asked, of)


def _of_total(est: DemandEstimator, asked: Any, of: Mapping[str, str]) -> DemandAnswer:
    level = next((v.columns for v in est.levels if set(v.columns) == set(of)), None)
    if level is None:
        kept = ", ".join(level_name(v.columns) for v in est.levels)
        raise FeatureError(next(iter(of)), f"names no total that is kept with what else is given; kept are: {kept}")
    for column, value in of.items():
        _known(est, column, value)
    place = est.nodes.get((level, tuple(of[c] for c in level)))
    if place is None:
        raise FeatureError(level[0], "and the others given never occur together")
    horizon = asked.horizon or est.params.horizon
    if horizon > est.params.horizon:
        raise FeatureError("horizon", f"must be at most {est.params.horizon} for a total")
    forecasts = _read(est.of_levels[place[0]], place[1], asked.levels, horizon, est)
    return _told(est, of, asked.levels, forecasts)


def _known(est: DemandEstimator, column: str, value: str) -> None:
    if value not in est.known[column]:
        raise FeatureError(
            column,
            f"is not one of the {len(est.known[column])} that the model knows; correct it, train with its sales, or "
            "describe it with 'like'",
        )


def _of_series(est: DemandEstimator, asked: Any, of: dict[str, str], *, explain: bool) -> DemandAnswer:
    horizon = asked.horizon or est.params.horizon
    name = tuple(of.values())
    row = est.place.get(name)
    if row is None and not asked.like:
        for column, value in of.items():
            _known(est, column, value)
    if row is not None and asked.like:
        raise FeatureError("like", "describes a series that the model does not know; it knows this one: leave it out")
    changed = _changed(est, asked, horizon)
    known = row is not None
    warnings = [] if horizon <= est.params.horizon else [BEYOND]
    if known and not asked.history and not changed and horizon <= est.params.horizon and not explain:
        assert row is not None
        return _told(
            est, of, asked.levels, _read(est.told, row, asked.levels, horizon, est), warnings=_of_life(est, row)
        )
    past, row, begin = _scene(est, name, row, asked)
    if known and not asked.history and est.ended[row]:
        return _told(
            est, of, asked.levels, _read(est.told, row, asked.levels, min(horizon, est.params.horizon), est),
            warnings=[ENDED],
        )  # fmt: skip
    origin = past.panel.periods
    rows = np.array([row], dtype=np.intp)
    forecast = est.forecaster.forecast(past.panel, past=past, rows=rows, changed=changed or None, horizon=horizon)
    quantiles = forecast.quantiles(np.array(asked.levels))[0]
    reasons = _drivers(est, past, row, origin, horizon, changed) if explain else [[] for _ in range(horizon)]
    forecasts = [
        PeriodForecast(period=p, mean=float(m), quantiles=q.tolist(), drivers=d)
        for p, m, q, d in zip(_periods(est.panel, origin, horizon), forecast.mean[0], quantiles, reasons, strict=True)
    ]
    if begin >= origin:
        warnings.append(NEW)
    elif origin - begin < est.panel.season:
        warnings.append(YOUNG)
    return _told(
        est, of, asked.levels, forecasts, kind=CLASSES[int(forecast.kind[0])], origin=origin, warnings=warnings,
        recomputed=bool(asked.history or changed or not known or horizon > est.params.horizon),
        usual=float(past.level[row, origin]),
    )  # fmt: skip


def _of_life(est: DemandEstimator, row: int) -> list[tuple[str, str]]:
    if est.ended[row]:
        return [ENDED]
    return [YOUNG] if est.origin - est.panel.begin[row] < est.panel.season else []


def _read(
    told: ForecastTable, row: int, levels: Sequence[float], horizon: int, est: DemandEstimator
) -> list[PeriodForecast]:
    """What was computed ahead."""
    whole, mean = est.forecaster.whole_, told.mean[row, :horizon].tolist()
    quantiles = told.at(row, levels, whole=whole)[:horizon].tolist()
    periods = _periods(est.panel, est.origin, horizon)
    return [PeriodForecast(period=p, mean=m, quantiles=q) for p, m, q in zip(periods, mean, quantiles, strict=True)]


def _periods(panel: Panel, origin: int, horizon: int) -> list[str]:
    return [label(panel.first + origin + h, panel.frequency) for h in range(horizon)]


def _told(
    est: DemandEstimator,
    of: Mapping[str, str],
    levels: Sequence[float],
    forecasts: list[PeriodForecast],
    *,
    kind: str | None = None,
    origin: int | None = None,
    usual: float | None = None,
    recomputed: bool = False,
    warnings: Sequence[tuple[str, str]] = (),
) -> DemandAnswer:
    warning = None
    if warnings:
        warning = Text(zh="；".join(zh for zh, _ in warnings), en="; ".join(en for _, en in warnings))
    return DemandAnswer(
        of=dict(of),
        frequency=est.panel.frequency,
        known_until=label(est.panel.first + (est.origin if origin is None else origin) - 1, est.panel.frequency),
        levels=list(levels),
        periods=forecasts,
        demand_class=kind,
        usual=usual,
        recomputed=recomputed,
        warning=warning,
    )


def _changed(est: DemandEstimator, asked: Any, horizon: int) -> dict[str, FloatArray]:
    """Drivers that the question sets, one value for each period."""
    found = {}
    for name in asked.changing:
        value = getattr(asked, name)
        if value is None:
            continue
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if len(values) not in (1, horizon):
            raise FeatureError(name, f"must be one number, or one for each of the {horizon} periods asked for")
        found[name] = np.broadcast_to(values, horizon) * (FEN if name == "price" else 1)
    return found


def _scene(est: DemandEstimator, name: tuple[str, ...], row: int | None, asked: Any) -> tuple[Past, int, int]:
    """The past that a question speaks of, the row of its series there, and where the series begins."""
    if row is not None and not asked.history:
        return est.past, row, int(est.panel.begin[row])
    described = _described(est, name, asked.like) if row is None else {}
    rows = _neighbours(est, name, described, row)
    panel = est.panel.take(rows)
    if row is None:
        panel, place = _joined(panel, name, described), len(rows)
    else:
        place = int(np.flatnonzero(rows == row)[0])
    panel = _continued(est, panel, place, asked.history)
    return est.forecaster.past(panel), place, int(panel.begin[place])


def _described(est: DemandEstimator, name: tuple[str, ...], like: Mapping[str, str]) -> dict[str, str | None]:
    """Attributes of a new series: as given, else as all series of the same store, or the same model, have them."""
    series = est.panel.series
    attributes = [c for c in series.columns if c not in est.panel.keys]
    stray = next((c for c in like if c not in attributes), None)
    if stray is not None:
        raise FeatureError(
            f"like.{stray}"[:100], f"is no attribute of the model; it has: {', '.join(attributes) or 'none'}"
        )
    found: dict[str, str | None] = {}
    for a in attributes:
        found[a] = like.get(a)
        for key, value in zip(est.panel.keys, name, strict=True):
            same = series.filter(pl.col(key) == value)[a].drop_nulls().unique() if found[a] is None else pl.Series([])
            found[a] = str(same[0]) if len(same) == 1 else found[a]
    return found


def _neighbours(
    est: DemandEstimator, name: tuple[str, ...], described: Mapping[str, str | None], row: int | None
) -> NDArray[np.intp]:
    """Series that a forecast made anew looks at: those with something in common first, then any."""
    series = est.panel.series
    if series.height <= NEIGHBOURS:
        return np.arange(series.height)
    attributes = described if row is None else {c: series[c][row] for c in est.params.attributes}
    near = np.zeros(series.height)
    for column, value in (*zip(est.panel.keys, name, strict=True), *attributes.items()):
        weight = 2.0 if column in est.panel.keys else 1.0
        near += weight * (series[column] == value).fill_null(False).to_numpy() if value is not None else 0.0
    near[row if row is not None else 0] += 100.0
    scattered = np.random.default_rng(0).random(series.height)
    return np.sort(np.argsort(-(near + scattered))[:NEIGHBOURS])


def _joined(panel: Panel, name: tuple[str, ...], described: Mapping[str, str | None]) -> Panel:
    """A panel with one more series, of which nothing is known."""
    new = pl.DataFrame(
        {**dict(zip(panel.keys, [[n] for n in name], strict=True)), **{c: [v] for c, v in described.items()}},
        schema=panel.series.schema,
    )

    def more(values: FloatArray, fill: float) -> FloatArray:
        return np.vstack([values, np.full(values.shape[1], fill)])

    return replace(
        panel,
        series=pl.concat([panel.series, new]),
        sold=more(panel.sold, np.nan),
        available=more(panel.available, 1.0),
        drivers={n: more(v, np.nan) for n, v in panel.drivers.items()},
    )


def _continued(est: DemandEstimator, panel: Panel, row: int, history: Sequence[NewPeriod]) -> Panel:
    """The panel with what a question says of one series; of the others nothing is known there."""
    columns = [_column(panel, h.period) for h in history]
    if len(set(columns)) < len(columns):
        raise FeatureError("history", "has a period twice")
    low, high = 0, panel.periods + panel.season
    if columns and not (min(columns) >= low and max(columns) < high):
        first, last = panel.name(low), panel.name(high - 1)
        raise FeatureError("history", f"must lie between {first} and {last}; train with what came later")
    if est.forecaster.whole_ and any(h.sold is not None and h.sold != round(h.sold) for h in history):
        raise FeatureError("history", "sold must be whole: the model counts in whole units")
    more = max([*columns, panel.periods - 1]) + 1 - panel.periods
    n = len(panel.sold)
    sold = np.column_stack([panel.sold, np.full((n, more), np.nan)])
    available = np.column_stack([panel.available, np.ones((n, more))])
    drivers = {}
    for driver, values in panel.drivers.items():
        ahead = np.full((n, more), np.nan)
        if driver in est.params.known_ahead and values.shape[1]:
            ahead[:] = values[:, -1:]
        drivers[driver] = np.column_stack([values, ahead]) if values.shape[1] == panel.periods else values
    for column, h in zip(columns, history, strict=True):
        sold[row, column] = np.nan if h.sold is None else h.sold
        available[row, column] = h.available
    return replace(panel, sold=sold, available=available, drivers=drivers)


def _column(panel: Panel, period: str) -> int:
    try:
        day = np.datetime64(period, "D").astype(np.int64)
    except ValueError:
        raise FeatureError("history", "period must be a date such as 2026-09 or 2026-09-28") from None
    return int(period_of_day(int(day), panel.frequency)) - panel.first


def _drivers(
    est: DemandEstimator, past: Past, row: int, origin: int, horizon: int, changed: Mapping[str, FloatArray]
) -> list[list[Driver]]:
    """Drivers of each period, as far as the trees have a say in it."""
    s = np.full(horizon, row, dtype=np.intp)
    h = np.arange(1, horizon + 1)
    table = past.table(s, np.full(horizon, origin, dtype=np.int64), h, changed=dict(changed) or None)
    contributions = est.forecaster.trees_.contributions(table)
    groups = ["_".join(c) or "all" for c in past.groups]
    return [told(c, past.names, groups=groups, drivers=list(past.panel.drivers)) for c in contributions]
