"""`chehang forecast`, the nightly run: forecast from the end of the current data with the champion, and plan orders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from features.errors import DataError
from ml.demand_forecast.drivers import strongest_drivers
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import ForecastTable
from ml.demand_forecast.order_plan import OrderPlan, plan_for_cells
from ml.demand_forecast.orders import planning_cells
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
from ml.domain.demand.demand_class import CLASSES
from ml.home import missing_rules
from ml.model import Model
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.runs.forecast_figure import draw_plan
from training.studies.panel_data import PanelData
from training.studies.panel_score import estimator_for, forecast_rows

BATCH = 2_000  # series whose drivers are computed together


@dataclass(frozen=True)
class Plan:
    """Forecasts and order plan of one run, as returned by `forecast`.

    Attributes
    ----------
    estimator : DemandEstimator
        The champion's forecaster with the current history.
    forecasts : DataFrame
        One row per series or total and period ahead: `level`, key columns, `period`, `horizon` (periods ahead from 1),
        `mean` and `p05` ... `p95` (units per period); all columns in `forecast_table`.
    orders : OrderPlan or None
        `orders`, `transfers` and `comparison` (DataFrames) and `summary` (sentences); None if they cannot be planned.
    without_orders : str or None
        Why there are no orders.
    files : tuple of Path
        The files written.
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
    """Forecast all series and totals from the end of the current data, plan orders, and write both.

    Parameters
    ----------
    model : Model
        A version of `demand_forecast`, such as ``ml.champions.load(ml.champions.champion("demand_forecast"))``.
    config : TaskConfig
        Configuration whose sources are read: ``training.config.load_config("demand_forecast")``.
    out : Path
        File for the forecasts, `.parquet` or `.csv`. Orders, transfers, their comparison with other practices and a
        figure are written next to it, for example `plan.orders.parquet`, `plan.transfers.parquet`,
        `plan.comparison.parquet` and `plan.png` for `plan.parquet`.
    rules : Path or None
        Planning rules such as `configs/order_planning.yaml`; no orders are planned if None.
    store : str, optional
        Store whose series and orders are drawn; the largest series of all stores if omitted.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    Plan
        `forecasts` (DataFrame: `level`, key columns, `period`, `horizon`, `mean`, `p05` ... `p95`, in units per
        period), `orders` (`orders`, `transfers` and `comparison` as DataFrames, `summary`; None with the reason in
        `without_orders`), `estimator`, and `files` (paths written).

    Raises
    ------
    DataError
        A table or column is missing or invalid, or `store` has no series.
    ConfigError
        The model has other series than the configuration, `out` has another ending, the rules are invalid, or a file
        cannot be written.

    Examples
    --------
    Needs a promoted version and the tables of the sources.

    >>> from pathlib import Path
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.champion("demand_forecast"))  # doctest: +SKIP
    >>> rules = Path("configs/order_planning.yaml")
    >>> plan = forecast(model, load_config("demand_forecast"), out=Path("plan.csv"), rules=rules)  # doctest: +SKIP
    """
    progress = progress or (lambda text: None)
    check_answer_path(out)
    planning = None if rules is None else load_planning_rules(rules)
    study = PanelData.read(config, progress=progress)
    estimator = estimator_for(cast("DemandEstimator", model.estimator), study, progress=progress)
    if store is not None and store not in estimator.identifiers.get("store_id", ()):
        raise DataError(f"--store {store}: the sales have no such store_id; choose a store of the sales table")
    progress("explaining the forecasts of the next period")
    forecasts = forecast_table(estimator)
    plan, without_orders = _orders(estimator, planning)
    write_answers(forecasts, out)
    files = [out]
    if plan is not None:
        progress("planning transfers and orders")
        tables = {"orders": plan.orders, "transfers": plan.transfers, "comparison": plan.comparison}
        for name, frame in tables.items():
            path = out.with_name(f"{out.stem}.{name}{out.suffix}")
            write_answers(frame, path)
            files.append(path)
    figure = out.with_suffix(".png")
    draw_plan(estimator, plan, figure, store=store)
    return Plan(estimator, forecasts, plan, without_orders, (*files, figure))


def _orders(estimator: DemandEstimator, rules: PlanningRules | None) -> tuple[OrderPlan | None, str | None]:
    if rules is None:
        return None, missing_rules("order_planning.yaml")
    if not np.isfinite(estimator.on_hand).any():
        return None, "no stock is recorded: map the table `stock` in the sources"
    try:
        return plan_for_cells(estimator, *planning_cells(estimator, ()), rules), None
    except DataError as e:
        return None, str(e)


def forecast_table(estimator: DemandEstimator) -> pl.DataFrame:
    """Return the forecasts of all series and totals in long format.

    Parameters
    ----------
    estimator : DemandEstimator
        `ml.champions.load(ml.champions.champion("demand_forecast")).estimator`, for example.

    Returns
    -------
    DataFrame
        One row per series or total and period ahead: `level` (such as ``store_id by model``, ``model``), the columns
        that identify series and totals (null where they do not apply), `period`, `horizon` (periods ahead from 1),
        `mean` and `p05` ... `p95` (units per period); for series also `demand_class`, and for their next period the
        drivers in words, `drivers_zh` and `drivers_en`.
    """
    panel = estimator.panel
    columns = list(estimator.identifiers)
    zh, en = _driver_texts(estimator)
    classes = np.array(CLASSES)[estimator.forecast.demand_class]
    series = panel.series.select(columns).with_columns(demand_class=pl.Series(classes))
    parts = [_long(estimator, estimator.series_forecasts, series, " by ".join(panel.keys), zh=zh, en=en)]
    for level, forecasts in zip(estimator.levels, estimator.level_forecasts, strict=True):
        values = {c: [name[i] for name in level.names] for i, c in enumerate(level.columns)}
        names = pl.DataFrame(values | {"node": range(len(level.names))}).drop("node")
        if not level.columns:
            names = pl.DataFrame({"everything": ["everything"]}).select([])
        parts.append(_long(estimator, forecasts, names, level_name(level.columns)))
    table = pl.concat(parts, how="diagonal_relaxed")
    order = ["level", *columns, "period", "horizon", "mean"]
    return table.select(*order, *[c for c in table.columns if c not in order])


def _long(
    estimator: DemandEstimator,
    forecasts: ForecastTable,
    names: pl.DataFrame,
    level: str,
    *,
    zh: list[str] | None = None,
    en: list[str] | None = None,
) -> pl.DataFrame:
    rows = forecast_rows(estimator, forecasts, names)
    parts = [pl.DataFrame({"level": [level] * rows.height}), rows]
    if zh is not None and en is not None:
        next_only: dict[str, Any] = {
            f"drivers_{lang}": [t if i == 0 else None for t in texts for i in range(forecasts.mean.shape[1])]
            for lang, texts in (("zh", zh), ("en", en))
        }
        parts.append(pl.DataFrame(next_only, schema={"drivers_zh": pl.String, "drivers_en": pl.String}))
    return pl.concat(parts, how="horizontal")


def _driver_texts(estimator: DemandEstimator) -> tuple[list[str], list[str]]:
    """Return the drivers of the next period of each series, in Chinese and in English."""
    features, panel = estimator.features, estimator.panel
    groups = ["_".join(c) or "all" for c in features.groups]
    zh, en = [], []
    for begin in range(0, len(panel.sold), BATCH):
        s = np.arange(begin, min(begin + BATCH, len(panel.sold)))
        at = np.full(len(s), estimator.origin, dtype=np.int64)
        table = features.table(s, at, np.ones(len(s), dtype=np.int64))
        for contributions in estimator.forecaster.trees_.contributions(table):
            drivers = strongest_drivers(contributions, features.names, groups=groups, drivers=list(panel.drivers))
            zh.append("；".join(d.zh for d in drivers))
            en.append("; ".join(d.en for d in drivers))
    return zh, en
