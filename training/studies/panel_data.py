"""Demand as a study: one panel, learnt from up to an origin, tested from later ones that each know their past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import polars as pl

from features import demand_forecast as features
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.periods import start_of
from features.sources import RawTables, SourcesConfig
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.outliers import outliers
from ml.demand_forecast.panel import Panel, lay_out
from ml.demand_forecast.params import DemandParams
from ml.domain.arrays import FloatArray
from ml.problem import PanelProblem
from training.config import TaskConfig
from training.progress import Progress
from training.studies.panel_forecasts import OriginForecasts
from training.studies.task_tables import read_task_tables

PARTIAL = 0.05  # share of a period that may be missing at the end of the data before it counts as unfinished


@dataclass(frozen=True)
class PanelData:
    """A panel of series, and where in time it is cut.

    Attributes
    ----------
    panel : Panel
        All series over all finished periods.
    on_hand : ndarray of shape (n_series,)
        Stock at the end of the last period; NaN where not known.
    notes : tuple of str
        For whoever reads the report.
    """

    config: TaskConfig
    raw: RawTables
    panel: Panel
    on_hand: FloatArray
    notes: tuple[str, ...]
    fingerprint: str

    @classmethod
    def read(
        cls,
        config: TaskConfig,
        *,
        engine: str = "polars",
        sources: SourcesConfig | None = None,
        until: int | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Read and check the tables, and lay the series out as a panel.

        Parameters
        ----------
        sources : SourcesConfig, optional
            In place of the configured ones.
        until : int, optional
            us: only sales before it, and stock up to it, are used.

        Raises
        ------
        DataError, ConfigError
            Something is missing, occurs twice, or comes at another frequency than configured.
        """
        params = with_own_columns(cast("DemandParams", config.params), config)
        raw = read_task_tables(config, extra={"sales": config.extra_features}, sources=sources, progress=progress)
        if until is not None:
            raw = replace(raw, frames=_known_at(raw.frames, until))
        frames = to_engine(raw.frames, engine)
        how: dict[str, Any] = {"series": params.series, "frequency": params.frequency, "timezone": params.timezone}
        sold = collect(
            features.sold(
                frames, condition=params.condition, drivers=params.drivers, attributes=params.attributes, **how
            )
        )
        notes, stocked = [], None
        if "stock" in raw.frames:
            columns = raw.frames["stock"].collect_schema().names()
            if all(s in columns for s in params.series):
                stocked = collect(features.stocked(frames, **how))
            else:
                absent = next(s for s in params.series if s not in columns)
                notes.append(f"stock is not used: it has no column '{absent}', which names a series")
        sold, unfinished = finished(sold, raw, params)
        notes += unfinished
        panel, mended = lay_out(
            sold,
            stocked,
            keys=params.series,
            frequency=params.frequency,
            attributes=params.attributes,
            drivers=params.drivers,
            one_row_each=params.rows == "periods",
            gaps=params.gaps,
        )
        panel = reaching(panel, sold)
        on_hand = stock_at_end(panel, stocked)
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        return cls(config, raw, panel, on_hand, (*notes, *mended), fingerprint)

    @property
    def problem(self) -> PanelProblem:
        """Problem of the task."""
        return cast("PanelProblem", self.config.definition.problem)

    @property
    def params(self) -> DemandParams:
        """Of the configuration, with the dealership's own columns: numbers are drivers, texts attributes."""
        return with_own_columns(cast("DemandParams", self.config.params), self.config)

    @property
    def origins(self) -> range:
        """Columns that are forecast from in the test."""
        last = self.panel.periods - self.params.horizon
        return range(last - self.params.test_origins + 1, last + 1)

    @property
    def last_training_instant(self) -> int:
        """us."""
        until = self.panel.periods if self.config.refit else self.origins[0]
        at = start_of([self.panel.first + until], self.panel.frequency, timezone=self.params.timezone)
        return int(at[0]) - 1

    def learn(self, until: int | None = None, *, progress: Progress | None = None) -> Forecaster:
        """Learn from everything before the test, or before another column."""
        return Forecaster(self.params).fit(self.panel, until=until or self.origins[0], progress=progress)

    def refuse_short(self) -> None:
        """Refuse a history too short to fit, validate and test.

        Raises
        ------
        DataError
            Says how many periods are needed.
        """
        q, periods = self.params, self.panel.periods
        needed = 2 * q.horizon + q.validation_origins + q.test_origins + 2
        if periods < needed:
            raise DataError(
                f"demand_forecast: {periods} {q.frequency}s of history are too few to validate from "
                f"{q.validation_origins} and test from {q.test_origins} origins {q.horizon} {q.frequency}s ahead; give "
                f"at least {needed}, or set a shorter params.horizon, fewer validation_origins or test_origins"
            )

    def forecasts_of(self, forecaster: Forecaster) -> OriginForecasts:
        """Return the forecasts of a forecaster from the origins of the test, each made once."""
        if not self._forecasts or self._forecasts[0].forecaster is not forecaster:
            self._forecasts[:] = [OriginForecasts(self.panel, forecaster)]
        return self._forecasts[0]

    @cached_property
    def _forecasts(self) -> list[OriginForecasts]:
        """Return the cache of `forecasts_of`: at most one entry, that of the last forecaster."""
        return []

    @cached_property
    def flagged(self) -> Any:
        """Outcomes out of line with their own series."""
        return outliers(self.panel)


def _known_at(tables: Mapping[str, pl.LazyFrame], until: int) -> dict[str, pl.LazyFrame]:
    frames = {**tables, "sales": tables["sales"].filter(pl.col("sold_at") < until)}
    if "stock" in frames:
        frames["stock"] = frames["stock"].filter(pl.col("snapshot_at") <= until)
    return frames


def with_own_columns(params: DemandParams, config: TaskConfig) -> DemandParams:
    """Parameters in which a dealership's own numbers are drivers and its own texts attributes.

    Raises
    ------
    ConfigError
        A level names something else.
    """
    extra = config.extra_features
    drivers = dict.fromkeys([*params.drivers, *extra.numeric])
    attributes = dict.fromkeys([*params.attributes, *(c for c in extra.categorical if c not in params.series)])
    stray = [c for level in params.levels or () for c in level if c not in {*params.series, *attributes}]
    if stray:
        raise ConfigError(
            f"params.levels: '{stray[0]}' names no series and is no attribute; add it to params.attributes or to "
            "extra_features.categorical"
        )
    return params.model_copy(update={"drivers": tuple(drivers), "attributes": tuple(attributes)})


def finished(sold: pl.DataFrame, raw: RawTables, params: DemandParams) -> tuple[pl.DataFrame, list[str]]:
    """Rows without the last period, where transactions end well before it does."""
    if params.rows == "periods" or sold.height == 0:
        return sold, []
    last = int(sold[features.PERIOD].max())  # type: ignore[arg-type]
    at = raw.frames["sales"].select(pl.col("sold_at").max()).collect().item()
    begin, end = start_of([last, last + 1], params.frequency, timezone=params.timezone)
    if end - at <= max(PARTIAL * (end - begin), 86_400_000_000 if params.frequency != "day" else 0):
        return sold, []
    if params.frequency == "day":
        return sold, []
    when = str(np.datetime64(int(at), "us").astype("datetime64[D]"))
    note = f"the last {params.frequency} is not over: sales end on {when}; it is left out"
    return sold.filter(pl.col(features.PERIOD) < last), [note]


def reaching(panel: Panel, sold: pl.DataFrame) -> Panel:
    """The panel up to the last period with sales: a snapshot of stock after it tells nothing of demand."""
    last = int(sold[features.PERIOD].max()) - panel.first + 1  # type: ignore[arg-type]
    if last >= panel.periods:
        return panel
    drivers = {n: v[:, :last] for n, v in panel.drivers.items()}
    return replace(panel.until(last), drivers=drivers)


def stock_at_end(panel: Panel, stocked: pl.DataFrame | None) -> FloatArray:
    """What each series had in stock at the end of the last period; NaN where not known."""
    found = np.full(len(panel.sold), np.nan)
    if stocked is None or "on_hand" not in stocked.columns:
        return found
    rows = panel.series.select(panel.keys).with_row_index("row")
    last = stocked.filter(pl.col(features.PERIOD) == panel.first + panel.periods - 1)
    there = rows.join(last, on=list(panel.keys), how="inner").drop_nulls("on_hand")
    found[there["row"].to_numpy()] = there["on_hand"].cast(pl.Float64).to_numpy()
    return found
