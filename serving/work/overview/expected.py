"""Sales that the demand model expected by store: forecasts from before each month, never fitted on its sales."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl

from features.errors import ChehangError
from features.periods import period_start
from ml import champions
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import GRID
from serving.model_store import LoadedChampion
from serving.work.clock import DAY
from serving.work.overview.forecast_spread import FactorModel, group_columns
from serving.work.overview.trade import CACHE, between
from serving.work.routing import WorkContext

KEYS = ["store_id", "model", "start"]
LEVELS = ("p05", "p10", "p20", "p30", "p40", "p50", "p60", "p70", "p80", "p90", "p95")
# Share of the distribution that each quantile of LEVELS stands for.
WEIGHTS = np.array([0.075, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.075, 0.075])
COLUMNS = (*KEYS, "end", "available", "mean", "variance")


class Expectation(NamedTuple):
    """Forecasts of a champion by series and period.

    Attributes
    ----------
    rows : DataFrame
        `store_id`, `model`, `start` and `end` (microseconds since 1970 UTC), `available` (share of the period with
        stock; null where it is not known yet), `mean` and `variance` of the units sold with this stock, `series`
        (number), and the group of the series in each factor.
    factors : FactorModel
        Correlation of the forecast errors.
    condition : str or None
        Condition of the vehicles that the model forecasts; None for all.
    version : int
        Of the champion.
    """

    rows: pl.DataFrame
    factors: FactorModel
    condition: str | None
    version: int


class NoExpectation(Exception):
    """The demand model says nothing about stores; the text is a code of `serving.work.overview.texts.PROBLEMS`."""


_READ: dict[int, tuple[Any, Expectation]] = {}
_LOCK = threading.Lock()


def expectation(context: WorkContext) -> Expectation:
    """Return the forecasts of the champion of `demand_forecast`, read once for each champion.

    Parameters
    ----------
    context : WorkContext
        With the store of champions.

    Raises
    ------
    NoExpectation
        There is no champion, it has no stores, or its held-out forecasts cannot be read.
    """
    champion = context.store.current("demand_forecast")
    if champion is None:
        raise NoExpectation("no_champion")
    with _LOCK:
        entry = _READ.get(champion.version)
        if entry is None or entry[0] is not champion.model:
            content = _read(champion, context.clock.timezone.key)
            _READ.clear()
            entry = _READ[champion.version] = (champion.model, content)
    return entry[1]


def expected_and_sold(context: WorkContext) -> tuple[Expectation, pl.DataFrame]:
    """Return the forecasts, and their rows until now with the units sold (`sold`), whole periods only.

    Raises
    ------
    NoExpectation
        See `expectation`.
    """
    forecasts = expectation(context)
    name = f"expected and sold, version {forecasts.version}"
    return forecasts, CACHE.cached(context, name, lambda: _with_sales(context, forecasts))


def _with_sales(context: WorkContext, forecasts: Expectation) -> pl.DataFrame:
    records = context.records
    now = context.clock.now()
    rows = forecasts.rows.filter(pl.col("end") <= now)
    stock = records.table("stock").select("store_id", "model", end="snapshot_at", share=pl.col("days_in_stock") * DAY)
    # Of periods after the training only the snapshots say how long there was stock.
    rows = rows.join(stock, on=["store_id", "model", "end"], how="left").with_columns(
        known=pl.coalesce("available", (pl.col("share") / (pl.col("end") - pl.col("start"))).clip(0, 1), 1.0)
    )
    is_new = pl.col("available").is_null()
    rows = rows.with_columns(
        mean=pl.when(is_new).then(pl.col("mean") * pl.col("known")).otherwise("mean"),
        variance=pl.when(is_new).then(pl.col("variance") * pl.col("known")).otherwise("variance"),
        available=pl.col("known"),
    ).drop("known", "share")
    sales = records.table("sales").with_columns(pl.col("quantity").fill_null(1.0))
    if forecasts.condition is not None:
        vehicles = records.table("vehicles").select("vehicle_id", "condition").unique("vehicle_id")
        sales = sales.join(vehicles, on="vehicle_id", how="left")
        sales = sales.filter(pl.col("condition").fill_null(forecasts.condition) == forecasts.condition)
    starts = rows.select("start", "end").unique().sort("start")
    if starts.is_empty():
        return rows.with_columns(sold=pl.lit(0.0))
    sold = between(sales, "sold_at", int(starts["start"][0]), now).sort("sold_at")
    sold = sold.join_asof(starts, left_on="sold_at", right_on="start", strategy="backward", coalesce=False)
    sold = sold.filter(pl.col("sold_at") < pl.col("end")).group_by(KEYS).agg(sold=pl.col("quantity").sum())
    return rows.join(sold, on=KEYS, how="left").with_columns(pl.col("sold").fill_null(0.0))


def _read(champion: LoadedChampion, timezone: str) -> Expectation:
    estimator = cast("DemandEstimator", champion.estimator)
    keys = tuple(estimator.panel.keys)
    if not {"store_id", "model"} <= set(keys) or len(keys) != 2:
        raise NoExpectation("no_stores")
    parts = [_future(estimator, timezone)]
    try:
        version = champions.version("demand_forecast", champion.version)
        with champions.report_files(version) as folder:
            parts.append(_holdout(Path(folder), timezone))
    except (ChehangError, OSError, ValueError, KeyError) as e:
        raise NoExpectation("no_holdout") from e
    factors = FactorModel(estimator.forecaster.dependence_.shares, estimator.forecaster.dependence_.persistence)
    rows = pl.concat(parts).unique(KEYS, keep="first", maintain_order=True)
    groups = _groups(estimator, factors)
    rows = rows.join(groups, on=["store_id", "model"], how="left").with_columns(
        pl.col(name).fill_null(-1) for name in ("series", *group_columns(factors))
    )
    return Expectation(rows, factors, estimator.params.condition, champion.version)


def _groups(estimator: DemandEstimator, factors: FactorModel) -> pl.DataFrame:
    """Return number of each series, and its group in each factor."""
    codes = estimator.forecaster.codes(estimator.panel)
    names = estimator.panel.series.select("store_id", "model").with_row_index("series")
    columns = {name: pl.Series(code) for name, code in zip(group_columns(factors), codes, strict=False)}
    return names.with_columns(pl.col("series").cast(pl.Int64), **columns)


def _holdout(folder: Path, timezone: str) -> pl.DataFrame:
    """Return the held-out forecasts, of each period those from the latest origin before it."""
    panel = json.loads((folder / "test_panel.json").read_text())
    rows = pl.read_parquet(folder / "test_rows.parquet")
    rows = rows.sort("origin", descending=True).unique(["series", "target"], keep="first", maintain_order=True)
    names = pl.DataFrame({key: panel["series"][key] for key in ("store_id", "model")})
    rows = pl.concat([rows, names[rows["series"]]], how="horizontal")
    periods = rows["target"].to_numpy() + int(panel["first"])
    variance = _variance(rows.select(LEVELS).to_numpy(), rows["mean"].to_numpy())
    return (
        rows.select("store_id", "model", "available", "mean")
        .with_columns(
            start=pl.Series(period_start(periods, panel["frequency"], timezone=timezone)),
            end=pl.Series(period_start(periods + 1, panel["frequency"], timezone=timezone)),
            variance=pl.Series(variance),
        )
        .select(COLUMNS)
    )


def _future(estimator: DemandEstimator, timezone: str) -> pl.DataFrame:
    """Return the forecasts from the end of the history, for the periods since the training."""
    panel, table = estimator.panel, estimator.series_forecasts
    n, horizon = table.mean.shape
    periods = panel.first + panel.periods + np.tile(np.arange(horizon), n)
    columns = [int(np.argmin(np.abs(GRID - float(f"0.{level[1:]}")))) for level in LEVELS]
    quantiles = np.asarray(table.quantiles)[..., columns].reshape(n * horizon, len(LEVELS))
    mean = np.asarray(table.mean, dtype=float).reshape(-1)
    names = panel.series.select("store_id", "model")[np.repeat(np.arange(n), horizon)]
    return names.with_columns(
        start=pl.Series(period_start(periods, panel.frequency, timezone=timezone)),
        end=pl.Series(period_start(periods + 1, panel.frequency, timezone=timezone)),
        available=pl.lit(None, pl.Float64),
        mean=pl.Series(mean),
        variance=pl.Series(_variance(quantiles, mean)),
    ).select(COLUMNS)


def _variance(quantiles: Any, mean: Any) -> Any:
    """Return variances from quantiles; not below those of a Poisson number, because the outer quantiles are cut off."""
    values = np.asarray(quantiles, dtype=float)
    centre = values @ WEIGHTS
    return np.maximum((values - centre[:, None]) ** 2 @ WEIGHTS, np.asarray(mean, dtype=float))
