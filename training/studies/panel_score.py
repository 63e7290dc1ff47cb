"""`chehang score demand_forecast`: forecast every series from the end of the sales."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from features.errors import ConfigError
from features.periods import period_label
from ml.demand_forecast.estimator import DemandEstimator, forecast_columns
from ml.demand_forecast.forecast import ForecastTable
from ml.instants import microseconds
from ml.model import Model
from training.answer_files import replace_source
from training.config import TaskConfig
from training.progress import Progress
from training.studies.panel_data import PanelData


def score_series(
    model: Model, config: TaskConfig, *, data: Path | None, as_of: datetime | None, progress: Progress | None = None
) -> pl.DataFrame:
    """Forecast every series after the last complete period.

    Parameters
    ----------
    model : Model
        A version of `demand_forecast`, such as ``ml.champions.load(ml.champions.champion("demand_forecast"))``.
    config : TaskConfig
        Configuration of the sources and the series: ``training.config.load_config("demand_forecast")``.
    data : Path or None
        File read in place of the source of `sales`, with its format (.csv or .parquet) and columns; None for it.
    as_of : datetime or None
        Only sales before this instant (aware, with a time zone), and stock up to it, are used; None for all.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    DataFrame
        One row per series and period ahead: the key columns of the series, `period` (``2026-09``, or a date), `horizon`
        (periods ahead from 1), `mean` and `p05` ... `p95` (units per period).

    Raises
    ------
    DataError
        A table or column is missing or invalid.
    ConfigError
        The model has other keys or another frequency than the configuration, or `data` another format than the source.

    Examples
    --------
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.champion("demand_forecast"))  # doctest: +SKIP
    >>> frame = score_series(model, load_config("demand_forecast"), data=None, as_of=None)  # doctest: +SKIP
    """
    sources = replace_source(config, "sales", data)
    until = None if as_of is None else microseconds(as_of)
    panel = PanelData.read(config, sources=sources, until=until, progress=progress)
    estimator = estimator_for(cast("DemandEstimator", model.estimator), panel, progress=progress)
    return forecast_rows(estimator, estimator.series_forecasts, estimator.panel.series.select(estimator.panel.keys))


def estimator_for(fitted: DemandEstimator, data: PanelData, *, progress: Progress | None = None) -> DemandEstimator:
    """Return an estimator with the fitted forecaster that forecasts from the end of other data, without refitting.

    Parameters
    ----------
    fitted : DemandEstimator
        `ml.champions.load(ml.champions.champion("demand_forecast")).estimator`, for example.
    data : PanelData
        ``training.studies.panel_data.PanelData.read(load_config("demand_forecast"))``, with `load_config` of
        `training.config`.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    DemandEstimator
        `series_forecasts` (`mean`, shape (n_series, horizon), and `quantiles`, units per period) and `level_forecasts`
        have the new forecasts.

    Raises
    ------
    ConfigError
        The data have other keys or another frequency than the fit.
    """
    panel, history = data.panel, fitted.panel
    if (panel.keys, panel.frequency) != (history.keys, history.frequency):
        raise ConfigError(
            f"params: the model forecasts {', '.join(history.keys)} by {history.frequency}, the configuration has "
            f"{', '.join(panel.keys)} by {panel.frequency}: use the configuration of the model's training"
        )
    return DemandEstimator.from_forecaster(
        fitted.forecaster, panel, data.on_hand, trained_until=fitted.trained_until, progress=progress
    )


def forecast_rows(estimator: DemandEstimator, forecasts: ForecastTable, names: pl.DataFrame) -> pl.DataFrame:
    """Return forecasts in long format, one row per series (or total) and period ahead.

    Parameters
    ----------
    estimator : DemandEstimator
        The estimator that made the forecasts, as returned by `training.studies.panel_score.estimator_for`, or
        ``ml.champions.load(ml.champions.champion("demand_forecast")).estimator``.
    forecasts : ForecastTable
        `estimator.series_forecasts`, or one of `estimator.level_forecasts`.
    names : DataFrame
        Key columns, one row per row of `forecasts`, such as ``estimator.panel.series.select(estimator.panel.keys)``;
        no columns for the total of all series.

    Returns
    -------
    DataFrame
        The key columns, `period` (``2026-09``, or a date), `horizon` (periods ahead from 1), `mean` and `p05` ... `p95`
        (units per period).

    Examples
    --------
    >>> from ml import champions
    >>> estimator = champions.load(champions.champion("demand_forecast")).estimator  # doctest: +SKIP
    >>> names = estimator.panel.series.select(estimator.panel.keys)  # doctest: +SKIP
    >>> frame = forecast_rows(estimator, estimator.series_forecasts, names)  # doctest: +SKIP
    """
    n, horizon = forecasts.mean.shape
    row, h = np.repeat(np.arange(n), horizon), np.tile(np.arange(horizon), n)
    first = estimator.panel.first + estimator.origin
    periods = [period_label(first + i, estimator.panel.frequency) for i in range(horizon)]
    ahead = pl.DataFrame({"period": [periods[i] for i in h], "horizon": h + 1})
    parts = [ahead, forecast_columns(forecasts.mean[row, h], forecasts.quantiles[row, h])]
    return pl.concat([*([names[row]] if names.width else []), *parts], how="horizontal")
