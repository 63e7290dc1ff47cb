"""The demand model that is stored and served: forecaster, history, and precomputed forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.artefacts.json_files import content_of, from_json, to_json
from ml.artefacts.npz import from_npz, to_npz
from ml.demand_forecast.coherence import aggregation_levels, cumulative_quantiles, node_quantiles
from ml.demand_forecast.forecast import GRID, Forecast, ForecastTable
from ml.demand_forecast.forecaster import Forecaster, ProgressCallback
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.params import DemandParams
from ml.domain.arrays import FloatArray
from ml.signature import Field, Signature

PANEL, FORECASTS, NOTES = "panel", "forecasts.npz", "demand.json"
ENDED_AFTER = 3  # periods without a row after which a series with one row per period has ended
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # quantiles written as columns p05 ... p95
FloatTable = NDArray[np.float32]


class DemandEstimator:
    """Forecast demand by series: fitted forecaster, history, and precomputed forecasts of all series and totals.

    Made by `from_forecaster`; loaded by
    ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``.

    Attributes
    ----------
    forecaster : Forecaster
        The fitted forecaster.
    panel : Panel
        The history before the first forecast period; `panel.series` names the series.
    on_hand : ndarray of shape (n_series,)
        Vehicles in stock at the end of the history; NaN where not recorded.
    series_forecasts : ForecastTable
        Forecasts of the series, in the order of `panel.series`: `mean` and `quantiles`, units per period.
    levels : list of AggregationLevel
        The levels at which totals are forecast.
    level_forecasts : list of ForecastTable
        Forecasts of the nodes of each level, in the order of `levels`, units per period.
    trained_until : int
        Number, counted from 1970, of the first period after the training data; the history may end later.
    signature : Signature
        Request fields; `ml.demand_forecast.request.request(signature)` is the request model.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        panel: Panel,
        on_hand: FloatArray,
        series_forecasts: ForecastTable,
        level_forecasts: Sequence[ForecastTable],
        *,
        trained_until: int,
        notes: Sequence[str] = (),
    ) -> None:
        self.forecaster = forecaster
        self.panel = panel
        self.on_hand = on_hand
        self.series_forecasts = series_forecasts
        self.levels = aggregation_levels(panel, forecaster.params.level_columns)
        self.level_forecasts = list(level_forecasts)
        self.notes = tuple(notes)
        self.trained_until = trained_until
        self.signature = self._signature()
        self._cumulative: dict[float, FloatTable] = {}

    @classmethod
    def from_forecaster(
        cls,
        forecaster: Forecaster,
        panel: Panel,
        on_hand: FloatArray | None = None,
        *,
        trained_until: int,
        notes: Sequence[str] = (),
        forecast: Forecast | None = None,
        progress: ProgressCallback | None = None,
    ) -> Self:
        """Forecast all series and totals from the end of a panel.

        Parameters
        ----------
        forecaster : Forecaster
            Fitted: `ml.demand_forecast.forecaster.Forecaster(params).fit(panel)`.
        panel : Panel
            History of the series to forecast, as returned by `ml.demand_forecast.panel.build_panel`.
        on_hand : ndarray of shape (n_series,), optional
            Vehicles in stock at the end of the panel; NaN where not recorded.
        trained_until : int
            Number of the first period after the training data: `panel.first + panel.periods` if all were used.
        notes : sequence of str
            Remarks stored with the model.
        forecast : Forecast, optional
            Forecast from the end of the panel, as returned by `ml.demand_forecast.estimator.zero_ended_series`;
            computed if omitted.
        progress : callable, optional
            Called with one line of text for each step.

        Returns
        -------
        DemandEstimator
            With the forecasts of all series and totals.

        Raises
        ------
        DataError
            `params.levels` names a column that the series do not have.
        """
        progress = progress or (lambda text: None)
        progress(f"forecasting {len(panel.sold):,} series {forecaster.params.horizon} {panel.frequency}s ahead")
        forecast = forecast or zero_ended_series(forecaster.forecast(panel), panel)
        table = ForecastTable(forecast.mean, forecast.quantiles(GRID).astype(np.float32))
        levels = aggregation_levels(panel, forecaster.params.level_columns)
        progress("totals: " + ", ".join(level_name(level.columns) for level in levels))
        totals = node_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), levels)
        stock = np.full(len(panel.sold), np.nan) if on_hand is None else on_hand
        return cls(forecaster, panel, stock, table, totals, trained_until=trained_until, notes=notes)

    @property
    def params(self) -> DemandParams:
        """Parameters of the fit, an `ml.demand_forecast.params.DemandParams`."""
        return self.forecaster.params

    @property
    def origin(self) -> int:
        """Column of the first forecast period."""
        return self.panel.periods

    @cached_property
    def row_of_series(self) -> dict[tuple[str, ...], int]:
        """Row in the panel of each series, by the values of `panel.keys`."""
        names = self.panel.series.select(self.panel.keys).rows()
        return {tuple(map(str, name)): i for i, name in enumerate(names)}

    @cached_property
    def nodes(self) -> dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[int, int]]:
        """Position in `levels`, and row in its table of `level_forecasts`, of each (columns, values) of a total."""
        return {
            (level.columns, tuple(name)): (i, j)
            for i, level in enumerate(self.levels)
            for j, name in enumerate(level.names)
        }

    @cached_property
    def identifiers(self) -> dict[str, set[str]]:
        """Values in the history of every column that identifies a series or a total, such as all store ids."""
        columns = dict.fromkeys([*self.panel.keys, *(c for level in self.levels for c in level.columns)])
        return {c: set(self.panel.series[c].drop_nulls().to_list()) for c in columns}

    @cached_property
    def features(self) -> PanelFeatures:
        """Features of the whole history."""
        return self.forecaster.features(self.panel)

    @cached_property
    def is_ended(self) -> NDArray[np.bool_]:
        """Mask of the series that have ended (see `ended_series`), whose forecasts are 0; shape (n_series,)."""
        return ended_series(self.panel)

    @property
    def forecast(self) -> Forecast:
        """Forecast of all series from the end of the history; its `mean` has units per period."""
        return zero_ended_series(self.forecaster.forecast(self.panel, features=self.features), self.panel)

    def cumulative_demand(self, periods: float) -> FloatTable:
        """Return quantiles of each series' total demand over the next `periods` periods.

        Parameters
        ----------
        periods : float
            Above 0, at most the horizon, in periods of the panel's frequency; need not be whole.

        Returns
        -------
        ndarray of float32, shape (n_series, n_grid)
            Units over the whole span, series in the order of `panel.series`, quantile levels
            `ml.demand_forecast.forecast.GRID` (0.005 to 0.995).

        Raises
        ------
        DataError
            `periods` is not above 0, or exceeds the horizon.
        """
        if not 0 < periods <= self.params.horizon:
            raise DataError(
                f"lead time and review period together are {periods:.2f} {self.panel.frequency}s; the model forecasts "
                f"{self.params.horizon}: shorten them, or train with a longer params.horizon"
            )
        if periods not in self._cumulative:
            model = self.forecaster
            quantiles = cumulative_quantiles(self.forecast, model.dependence_, model.codes(self.panel), periods, GRID)
            latest = dict(list(self._cumulative.items())[-7:])
            self._cumulative = {**latest, periods: np.asarray(quantiles, dtype=np.float32)}
        return self._cumulative[periods]

    def importance(self) -> dict[str, float]:
        """Return each feature's share, 0 to 1, in the total gain of the trees, by feature name, in column order."""
        gain = np.sum([b.feature_importance("gain") for b in self.forecaster.trees_.boosters_], axis=0)
        return dict(zip(self.features.names, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Return expected demand and quantiles of series, one row per row of `X`.

        Parameters
        ----------
        X : DataFrame
            The columns `panel.keys`, and `horizon`: periods ahead from 1 (1 if the column is missing).

        Returns
        -------
        DataFrame
            `mean` and `p05`, `p10`, `p20`, ... `p90`, `p95`, units in the one period `horizon` ahead.

        Raises
        ------
        DataError
            A series is not in the history, or `horizon` is out of range.
        ColumnNotFoundError
            `X` lacks a column of `panel.keys` (error of Polars).

        Examples
        --------
        >>> import polars as pl
        >>> X = pl.DataFrame({"store_id": ["S1"], "model": ["M1"], "horizon": [2]})
        >>> estimator.predict(X)["p50"].to_list()  # doctest: +SKIP
        [3.0]
        """
        rows = np.array([self._row(name) for name in X.select(self.panel.keys).rows()], dtype=np.intp)
        h = X["horizon"].to_numpy() - 1 if "horizon" in X.columns else np.zeros(len(rows), dtype=np.int64)
        if len(h) and not ((h >= 0) & (h < self.params.horizon)).all():
            raise DataError(f"horizon: must be between 1 and {self.params.horizon}, got {int(h.max()) + 1}")
        return forecast_columns(self.series_forecasts.mean[rows, h], self.series_forecasts.quantiles[rows, h])

    def _row(self, name: tuple[str, ...]) -> int:
        if name not in self.row_of_series:
            keys, values = ", ".join(self.panel.keys), ", ".join(map(str, name))
            raise DataError(f"{keys}: the model has no series '{values}'; correct it, or train with its sales")
        return self.row_of_series[name]

    def to_files(self) -> dict[str, bytes]:
        """Return the contents of the model's files by name: forecaster, history and forecasts.

        `ml.model.Model.save` writes them, and `from_files` restores the estimator.
        """
        table = self.series_forecasts
        arrays: dict[str, NDArray[Any]] = {"mean": table.mean, "quantiles": table.quantiles}
        for i, total in enumerate(self.level_forecasts):
            arrays |= {f"mean_{i}": total.mean, f"quantiles_{i}": total.quantiles}
        files = {FORECASTS: to_npz(arrays | {"on_hand": self.on_hand}), NOTES: to_json(self._state())}
        return files | self.panel.to_files(PANEL) | self.forecaster.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore an estimator from the files of `to_files`.

        Raises
        ------
        ModelNotFound
            A file is missing.
        DataError
            A file is damaged.
        """
        forecaster = Forecaster.from_files(files)
        arrays: dict[str, Any] = dict(from_npz(content_of(files, FORECASTS), FORECASTS))
        table = ForecastTable(arrays["mean"], arrays["quantiles"])
        totals = [
            ForecastTable(arrays[f"mean_{i}"], arrays[f"quantiles_{i}"])
            for i in range(len(forecaster.params.level_columns))
        ]
        state = from_json(files, NOTES, keys=frozenset({"notes", "trained_until"}))
        panel = Panel.from_files(files, PANEL)
        return cls(forecaster, panel, arrays["on_hand"], table, totals, **state)

    def _state(self) -> dict[str, Any]:
        return {"notes": self.notes, "trained_until": self.trained_until}

    def _signature(self) -> Signature:
        columns = list(self.identifiers)
        keys = [Field(name=c, kind="text", feature=c in self.panel.keys) for c in columns]
        future = [n for n in self.panel.drivers if n in self.params.known_ahead]
        what_if = [Field(name=n, kind="number", unit="fen" if n == "price" else None, feature=True) for n in future]
        max_horizon = self.params.horizon * (2 if self.params.beyond == "warn" else 1)
        horizon = Field(name="horizon", kind="integer", low=1, high=max_horizon, feature=True)
        validated = Field(name="validated_horizon", kind="integer", high=self.params.horizon, computed=True)
        return Signature(fields=(*keys, *what_if, horizon, validated))


def ended_series(panel: Panel) -> NDArray[np.bool_]:
    """Return a mask of the series without a quantity in the last three periods of the panel.

    A panel of single sales without a stock table has none: its periods without a sale have quantity 0.

    Parameters
    ----------
    panel : Panel
        As returned by `ml.demand_forecast.panel.build_panel`.

    Returns
    -------
    ndarray of bool, shape (n_series,)
        In the order of `panel.series`.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> series = pl.DataFrame({"model": ["a", "b"]})
    >>> sold = np.array([[1.0, 2, 3, 4, 5], [1, 2, np.nan, np.nan, np.nan]])
    >>> ended_series(Panel(series, ("model",), "month", 0, sold, np.ones_like(sold))).tolist()
    [False, True]
    """
    return np.asarray((panel.end > 0) & (panel.end <= panel.periods - ENDED_AFTER))


def zero_ended_series(forecast: Forecast, panel: Panel) -> Forecast:
    """Return the forecast with the means of ended series set to 0; their quantiles are then 0 too.

    A series has ended if its last three or more periods in the panel have no quantity (NaN), as in `ended_series`.

    Parameters
    ----------
    forecast : Forecast
        Of all series of the panel: ``forecaster.forecast(panel)``, with a fitted
        `ml.demand_forecast.forecaster.Forecaster` such as
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator.forecaster``.
    panel : Panel
        The history before the forecast, as returned by `ml.demand_forecast.panel.build_panel`; also the attribute
        `panel` of the same estimator.

    Returns
    -------
    Forecast
        `mean` of shape (n_series, horizon), units per period, in the order of `panel.series`; all else unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.forecast import GRID, Forecast
    >>> from ml.demand_forecast.panel import Panel
    >>> sold = np.array([[1.0, 2, 3, 4, 5], [1, 2, np.nan, np.nan, np.nan]])
    >>> panel = Panel(pl.DataFrame({"model": ["a", "b"]}), ("model",), "month", 0, sold, np.ones_like(sold))
    >>> forecast = Forecast(
    ...     mean=np.array([[4.0], [2.0]]), dispersion=np.ones((2, 1)), calibrated_levels=np.tile(GRID, (2, 1, 1)),
    ...     demand_class=np.zeros(2, dtype=int), is_count=True, components={},
    ... )
    >>> zero_ended_series(forecast, panel).mean.tolist()
    [[4.0], [0.0]]
    """
    is_ended = ended_series(panel)
    if not is_ended.any():
        return forecast
    return replace(forecast, mean=np.where(is_ended[:, None], 0.0, forecast.mean))


def forecast_columns(mean: FloatArray, quantiles: NDArray[Any]) -> pl.DataFrame:
    """Return the table that metrics and order plans read: `mean`, then the quantiles `p05`, `p10`, ... `p95`.

    Parameters
    ----------
    mean : ndarray of shape (n_rows,)
        Expected demand, units.
    quantiles : ndarray of shape (n_rows, n_grid)
        At the levels of `ml.demand_forecast.forecast.GRID`, units.

    Returns
    -------
    DataFrame
        Float64 columns, units; one row per row of the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.demand_forecast.forecast import GRID
    >>> forecast_columns(np.array([5.0]), 10 * GRID[None, :]).select("mean", "p05", "p50").row(0)
    (5.0, 0.5, 5.0)
    """
    named = {f"p{round(100 * p):02d}": quantiles[:, np.abs(GRID - p).argmin()] for p in LEVELS}
    return pl.DataFrame({"mean": mean.astype(np.float64)} | {n: v.astype(np.float64) for n, v in named.items()})


def level_name(columns: Sequence[str]) -> str:
    """Return the display name of an aggregation level.

    >>> level_name(("region", "brand")), level_name(())
    ('region by brand', 'everything')
    """
    return " by ".join(columns) or "everything"
