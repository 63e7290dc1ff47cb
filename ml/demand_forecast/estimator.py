"""What training makes and the service loads: the forecaster, the history it knows, and the answers computed ahead."""

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
from ml.demand_forecast.coherence import cumulative_quantiles, levels_of, node_quantiles
from ml.demand_forecast.forecast import GRID, Forecast, ForecastTable
from ml.demand_forecast.forecaster import Forecaster, Say
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.params import DemandParams
from ml.demand_forecast.past import Past
from ml.domain.arrays import FloatArray
from ml.signature import Field, Signature

PANEL, TOLD, NOTES = "panel", "forecasts.npz", "demand.json"
ENDED_AFTER = 3  # periods without a row after which a series whose rows come in every period is over
FloatTable = NDArray[np.float32]


class DemandEstimator:
    """Forecast the demand of each series: fitted forecaster, history, and the forecasts of every known series.

    Attributes
    ----------
    forecaster : Forecaster
        What was learned.
    panel : Panel
        The history up to the origin of the forecasts.
    on_hand : ndarray of shape (n_series,)
        Stock at the end of the history; NaN where not known.
    told : ForecastTable
        Of each series.
    of_levels : list of ForecastTable
        Of what series add up to, in the order of `levels`.
    learnt_until : int
        Period before which everything lies that was learnt from; the history may reach further.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        panel: Panel,
        on_hand: FloatArray,
        told: ForecastTable,
        of_levels: Sequence[ForecastTable],
        *,
        learnt_until: int,
        notes: Sequence[str] = (),
    ) -> None:
        self.forecaster = forecaster
        self.panel = panel
        self.on_hand = on_hand
        self.told = told
        self.levels = levels_of(panel, forecaster.params.adding_up)
        self.of_levels = list(of_levels)
        self.notes = tuple(notes)
        self.learnt_until = learnt_until
        self.signature = self._signature()
        self._sums: dict[float, FloatTable] = {}

    @classmethod
    def make(
        cls,
        forecaster: Forecaster,
        panel: Panel,
        on_hand: FloatArray | None = None,
        *,
        learnt_until: int,
        notes: Sequence[str] = (),
        forecast: Forecast | None = None,
        progress: Say | None = None,
    ) -> Self:
        """Forecast everything from the end of the panel, unless a `forecast` of the living series from there exists."""
        say = progress or (lambda text: None)
        say(f"forecasting {len(panel.sold):,} series {forecaster.params.horizon} {panel.frequency}s ahead")
        forecast = forecast or living(forecaster.forecast(panel), panel)
        told = ForecastTable(forecast.mean, forecast.quantiles(GRID).astype(np.float32))
        levels = levels_of(panel, forecaster.params.adding_up)
        say("adding up: " + ", ".join(level_name(level.columns) for level in levels))
        of_levels = node_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), levels)
        unknown = np.full(len(panel.sold), np.nan)
        stock = unknown if on_hand is None else on_hand
        return cls(forecaster, panel, stock, told, of_levels, learnt_until=learnt_until, notes=notes)

    @property
    def params(self) -> DemandParams:
        return self.forecaster.params

    @property
    def origin(self) -> int:
        """Column of the first period that is forecast."""
        return self.panel.periods

    @cached_property
    def place(self) -> dict[tuple[str, ...], int]:
        """Row of each series by the columns that name it."""
        names = self.panel.series.select(self.panel.keys).rows()
        return {tuple(map(str, name)): i for i, name in enumerate(names)}

    @cached_property
    def nodes(self) -> dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[int, int]]:
        """Place of each node, in `of_levels` and there, by its columns and their values."""
        return {
            (level.columns, tuple(name)): (i, j)
            for i, level in enumerate(self.levels)
            for j, name in enumerate(level.names)
        }

    @cached_property
    def known(self) -> dict[str, set[str]]:
        """Values of every column that names a series or a level."""
        columns = dict.fromkeys([*self.panel.keys, *(c for level in self.levels for c in level.columns)])
        return {c: set(self.panel.series[c].drop_nulls().to_list()) for c in columns}

    @cached_property
    def past(self) -> Past:
        """The past of the whole history."""
        return self.forecaster.past(self.panel)

    @cached_property
    def ended(self) -> NDArray[np.bool_]:
        """Series that are over: nothing is expected of them."""
        return ended(self.panel)

    @property
    def forecast(self) -> Forecast:
        """What was told of each series, as a distribution."""
        return living(self.forecaster.forecast(self.panel, past=self.past), self.panel)

    def over(self, periods: float) -> FloatTable:
        """Quantiles, at `GRID`, of what each series sells over so many periods together, shape (n_series, n_grid).

        Raises
        ------
        DataError
            More than the horizon.
        """
        if not 0 < periods <= self.params.horizon:
            raise DataError(
                f"lead time and review period take {periods:.2f} {self.panel.frequency}s; the model looks "
                f"{self.params.horizon} ahead: shorten them or train with a longer params.horizon"
            )
        if periods not in self._sums:
            of = self.forecaster
            found = cumulative_quantiles(self.forecast, of.dependence_, of.codes(self.panel), periods, GRID)
            self._sums = {**dict(list(self._sums.items())[-7:]), periods: np.asarray(found, dtype=np.float32)}
        return self._sums[periods]

    def importance(self) -> dict[str, float]:
        """Share of each column in what the trees gained."""
        gain = np.sum([b.feature_importance("gain") for b in self.forecaster.trees_.boosters_], axis=0)
        return dict(zip(self.past.names, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Expected demand and deciles of series in the period `horizon` (1 if not given) ahead.

        Raises
        ------
        DataError
            A series is not known, or the horizon too long.
        """
        rows = np.array([self._row(name) for name in X.select(self.panel.keys).rows()], dtype=np.intp)
        h = X["horizon"].to_numpy() - 1 if "horizon" in X.columns else np.zeros(len(rows), dtype=np.int64)
        if len(h) and not ((h >= 0) & (h < self.params.horizon)).all():
            raise DataError(f"horizon: must lie between 1 and {self.params.horizon}, got {int(h.max()) + 1}")
        return answers(self.told.mean[rows, h], self.told.quantiles[rows, h])

    def _row(self, name: tuple[str, ...]) -> int:
        if name not in self.place:
            raise DataError(f"{', '.join(self.panel.keys)}: no series is named {', '.join(map(str, name))}")
        return self.place[name]

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned, the history and the answers."""
        numbers: dict[str, NDArray[Any]] = {"mean": self.told.mean, "quantiles": self.told.quantiles}
        for i, told in enumerate(self.of_levels):
            numbers |= {f"mean_{i}": told.mean, f"quantiles_{i}": told.quantiles}
        files = {TOLD: to_npz(numbers | {"on_hand": self.on_hand}), NOTES: to_json(self._state())}
        return files | self.panel.to_files(PANEL) | self.forecaster.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        forecaster = Forecaster.from_files(files)
        numbers: dict[str, Any] = dict(from_npz(content_of(files, TOLD), TOLD))
        told = ForecastTable(numbers["mean"], numbers["quantiles"])
        of_levels = [
            ForecastTable(numbers[f"mean_{i}"], numbers[f"quantiles_{i}"])
            for i in range(len(forecaster.params.adding_up))
        ]
        state = from_json(files, NOTES, keys=frozenset({"notes", "learnt_until"}))
        panel = Panel.from_files(files, PANEL)
        return cls(forecaster, panel, numbers["on_hand"], told, of_levels, **state)

    def _state(self) -> dict[str, Any]:
        return {"notes": self.notes, "learnt_until": self.learnt_until}

    def _signature(self) -> Signature:
        columns = list(self.known)
        own = [Field(name=c, kind="text", feature=c in self.panel.keys) for c in columns]
        ahead = [n for n in self.panel.drivers if n in self.params.known_ahead]
        changing = [Field(name=n, kind="number", unit="fen" if n == "price" else None, feature=True) for n in ahead]
        most = self.params.horizon * (2 if self.params.beyond == "warn" else 1)
        horizon = Field(name="horizon", kind="integer", low=1, high=most, feature=True)
        validated = Field(name="validated_horizon", kind="integer", high=self.params.horizon, computed=True)
        return Signature(fields=(*own, *changing, horizon, validated))


def ended(panel: Panel) -> NDArray[np.bool_]:
    """Which series have had no row for the last periods, where each period of a life has one.

    >>> series = pl.DataFrame({"model": ["a", "b"]})
    >>> sold = np.array([[1.0, 2, 3, 4, 5], [1, 2, np.nan, np.nan, np.nan]])
    >>> ended(Panel(series, ("model",), "month", 0, sold, np.ones_like(sold))).tolist()
    [False, True]
    """
    return np.asarray((panel.end > 0) & (panel.end <= panel.periods - ENDED_AFTER))


def living(forecast: Forecast, panel: Panel) -> Forecast:
    """The same forecasts, but nothing is expected of series that have ended."""
    over = ended(panel)
    if not over.any():
        return forecast
    return replace(forecast, mean=np.where(over[:, None], 0.0, forecast.mean))


def answers(mean: FloatArray, quantiles: NDArray[Any]) -> pl.DataFrame:
    """Expected demand, then quantiles as `p05`, `p10`, ...: what metrics and plans read."""
    named = {f"p{round(100 * p):02d}": quantiles[:, np.abs(GRID - p).argmin()] for p in LEVELS}
    return pl.DataFrame({"mean": mean.astype(np.float64)} | {n: v.astype(np.float64) for n, v in named.items()})


LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def level_name(columns: Sequence[str]) -> str:
    """A level as people call it.

    >>> level_name(("region", "brand")), level_name(())
    ('region by brand', 'everything')
    """
    return " by ".join(columns) or "everything"
