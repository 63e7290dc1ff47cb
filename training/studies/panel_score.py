"""Forecasts of every series from the end of the sales."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from features.errors import ConfigError
from features.periods import label
from ml.demand_forecast.estimator import DemandEstimator, answers
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
    """Forecast every series from the last finished period.

    Parameters
    ----------
    data : Path, optional
        A file in place of `sales`.
    as_of : datetime, optional
        Only sales before this instant, and stock up to it, are used.

    Returns
    -------
    DataFrame
        See `forecast_rows`; the first columns name the series.

    Raises
    ------
    DataError, ConfigError
        The sales cannot be used, or the version forecasts other series.
    """
    sources = replace_source(config, "sales", data)
    until = None if as_of is None else microseconds(as_of)
    panel = PanelData.read(config, sources=sources, until=until, progress=progress)
    estimator = estimator_on(cast("DemandEstimator", model.estimator), panel, progress=progress)
    return forecast_rows(estimator, estimator.told, estimator.panel.series.select(estimator.panel.keys))


def estimator_on(fitted: DemandEstimator, data: PanelData, *, progress: Progress | None = None) -> DemandEstimator:
    """Return a fitted estimator that forecasts from the end of other data.

    Raises
    ------
    ConfigError
        The series of the data are named otherwise, or their periods are others.
    """
    panel, known = data.panel, fitted.panel
    if (panel.keys, panel.frequency) != (known.keys, known.frequency):
        raise ConfigError(
            f"params: the model forecasts {', '.join(known.keys)} by the {known.frequency}, the "
            f"configuration names {', '.join(panel.keys)} by the {panel.frequency}: give the one it was trained with"
        )
    return DemandEstimator.make(
        fitted.forecaster, panel, data.on_hand, learnt_until=fitted.learnt_until, progress=progress
    )


def forecast_rows(estimator: DemandEstimator, forecasts: ForecastTable, names: pl.DataFrame) -> pl.DataFrame:
    """Return forecasts with a row for each series (or total) and period ahead.

    Parameters
    ----------
    forecasts : ForecastTable
        Of the estimator's series, or of one of its levels.
    names : DataFrame
        Columns that name each of them.

    Returns
    -------
    DataFrame
        The names, `period`, `horizon` (from 1), `mean` and the quantiles `p05` to `p95`.
    """
    n, horizon = forecasts.mean.shape
    row, h = np.repeat(np.arange(n), horizon), np.tile(np.arange(horizon), n)
    first = estimator.panel.first + estimator.origin
    periods = [label(first + i, estimator.panel.frequency) for i in range(horizon)]
    ahead = pl.DataFrame({"period": [periods[i] for i in h], "horizon": h + 1})
    parts = [ahead, answers(forecasts.mean[row, h], forecasts.quantiles[row, h])]
    return pl.concat([*([names[row]] if names.width else []), *parts], how="horizontal")
