"""`chehang forecast`, the nightly run: the champion looks at the data as it stands, and orders are planned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from features.errors import DataError
from ml.demand_forecast.drivers import told
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import ForecastTable
from ml.demand_forecast.orders import cells_of, order_plan
from ml.demand_forecast.planning import OrderPlan, PlanningRules, load_planning_rules
from ml.domain.demand.demand_class import CLASSES
from ml.model import Model
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.runs.forecast_figure import draw_plan
from training.studies.panel_data import PanelData
from training.studies.panel_score import estimator_on, forecast_rows

AT_ONCE = 2_000  # series whose drivers are computed together


@dataclass(frozen=True)
class Plan:
    """What the run made.

    Attributes
    ----------
    estimator : DemandEstimator
        The champion, looking from the end of the data.
    forecasts : DataFrame
        One row for each series and total and each period ahead: `level`, the columns that name it, `period`,
        `horizon`, `mean`, `p05` ... `p95`, and of series `demand_class` and the drivers of the next period in words.
    orders : OrderPlan or None
        None where stock, or the rules of planning, are not known; `without_orders` says why.
    files : tuple of Path
        What was written.
    """

    estimator: DemandEstimator
    forecasts: pl.DataFrame
    orders: OrderPlan | None
    without_orders: str | None
    files: tuple[Path, ...]


def forecast(
    model: Model,
    config: TaskConfig,
    *,
    out: Path,
    rules: Path | None,
    store: str | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Forecast everything from the end of the data, plan orders, and write both whole.

    Parameters
    ----------
    model : Model
        A version of `demand_forecast`.
    config : TaskConfig
        Its sources are read anew.
    out : Path
        `.parquet` or `.csv`; orders, transfers and the picture lie beside it (`plan.orders.parquet`, ...).
    rules : Path or None
        `order_planning.yaml`.
    store : str, optional
        Whose series and orders are drawn; the largest of all if not given.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    say = progress or (lambda text: None)
    check_answer_path(out)
    study = PanelData.read(config, progress=say)
    estimator = estimator_on(cast("DemandEstimator", model.estimator), study, progress=say)
    if store is not None and store not in estimator.known.get("store_id", ()):
        raise DataError(f"--store {store}: no series is of this store; give one that the sales name")
    say("putting the drivers of the next period into words")
    forecasts = table_of(estimator)
    plan, why = _orders(estimator, rules)
    write_answers(forecasts, out)
    files = [out]
    if plan is not None:
        say("planning transfers and orders")
        for name, frame in (("orders", plan.orders), ("transfers", plan.transfers)):
            path = out.with_name(f"{out.stem}.{name}{out.suffix}")
            write_answers(frame, path)
            files.append(path)
    picture = out.with_suffix(".png")
    draw_plan(estimator, plan, picture, store=store)
    return Plan(estimator, forecasts, plan, why, (*files, picture))


def _orders(estimator: DemandEstimator, rules: Path | None) -> tuple[OrderPlan | None, str | None]:
    if rules is None or not rules.exists():
        return None, f"there are no rules of planning{'' if rules is None else f' at {rules}'}: give them with --rules"
    if not np.isfinite(estimator.on_hand).any():
        return None, "no stock is known: map the table `stock` in the sources"
    loaded: PlanningRules = load_planning_rules(rules)
    try:
        return order_plan(estimator, *cells_of(estimator, ()), loaded), None
    except DataError as e:
        return None, str(e)


def table_of(estimator: DemandEstimator) -> pl.DataFrame:
    """Forecasts of series and totals as one table."""
    panel = estimator.panel
    columns = list(estimator.known)
    zh, en = _words(estimator)
    kinds = np.array(CLASSES)[estimator.forecast.kind]
    own = panel.series.select(columns).with_columns(demand_class=pl.Series(kinds))
    parts = [_long(estimator, estimator.told, own, " by ".join(panel.keys), zh=zh, en=en)]
    for level, told_of in zip(estimator.levels, estimator.of_levels, strict=True):
        values = {c: [name[i] for name in level.names] for i, c in enumerate(level.columns)}
        named = pl.DataFrame(values | {"node": range(len(level.names))}).drop("node")
        if not level.columns:
            named = pl.DataFrame({"everything": ["everything"]}).select([])
        parts.append(_long(estimator, told_of, named, level_name(level.columns)))
    table = pl.concat(parts, how="diagonal_relaxed")
    order = ["level", *columns, "period", "horizon", "mean"]
    return table.select(*order, *[c for c in table.columns if c not in order])


def _long(
    estimator: DemandEstimator,
    of: ForecastTable,
    named: pl.DataFrame,
    level: str,
    *,
    zh: list[str] | None = None,
    en: list[str] | None = None,
) -> pl.DataFrame:
    rows = forecast_rows(estimator, of, named)
    parts = [pl.DataFrame({"level": [level] * rows.height}), rows]
    if zh is not None and en is not None:
        next_only: dict[str, Any] = {
            f"drivers_{lang}": [t if i == 0 else None for t in texts for i in range(of.mean.shape[1])]
            for lang, texts in (("zh", zh), ("en", en))
        }
        parts.append(pl.DataFrame(next_only, schema={"drivers_zh": pl.String, "drivers_en": pl.String}))
    return pl.concat(parts, how="horizontal")


def _words(estimator: DemandEstimator) -> tuple[list[str], list[str]]:
    """Drivers of the next period of each series, in Chinese and in English."""
    past, panel = estimator.past, estimator.panel
    groups = ["_".join(c) or "all" for c in past.groups]
    zh, en = [], []
    for begin in range(0, len(panel.sold), AT_ONCE):
        s = np.arange(begin, min(begin + AT_ONCE, len(panel.sold)))
        at = np.full(len(s), estimator.origin, dtype=np.int64)
        table = past.table(s, at, np.ones(len(s), dtype=np.int64))
        for contributions in estimator.forecaster.trees_.contributions(table):
            found = told(contributions, past.names, groups=groups, drivers=list(panel.drivers))
            zh.append("；".join(d.zh for d in found))
            en.append("; ".join(d.en for d in found))
    return zh, en
