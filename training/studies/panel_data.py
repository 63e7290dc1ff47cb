"""Data of a panel study: read the tables, build the panel, and set the held-out origins."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import polars as pl

from features import demand_forecast as features
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.periods import period_of_day, period_start
from features.plurals import count_text
from features.sources import RawTables, SourcesConfig
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.last_period import last_period
from ml.demand_forecast.outliers import outliers
from ml.demand_forecast.panel import Panel, build_panel
from ml.demand_forecast.params import DemandParams
from ml.domain.arrays import FloatArray
from ml.problem import PanelProblem
from training.config import TaskConfig
from training.progress import Progress
from training.studies.panel_forecasts import OriginForecasts
from training.studies.panel_stock import unmatched_series
from training.studies.task_tables import read_task_tables


@dataclass(frozen=True)
class PanelData:
    """A panel of series and its held-out origins, made by `read`.

    Make one with ``PanelData.read(load_config("demand_forecast"))``, after ``from training.config import load_config``
    and ``from training.studies.panel_data import PanelData``.

    Attributes
    ----------
    config : TaskConfig
        As returned by `training.config.load_config`.
    raw : RawTables
        The tables that were read: `frames` (LazyFrame by table) and `reports` (row counts by table).
    panel : Panel
        All series over all complete periods: `series` (key columns), `sold` (units, shape (n_series, n_periods), NaN
        where not observed), `available` (share of the period in stock), `first` (number of the period of column 0).
    on_hand : ndarray of shape (n_series,)
        Vehicles in stock at the end of the last period, in the order of `panel.series`; NaN where not recorded.
    notes : tuple of str
        Remarks for the report, such as filled gaps.
    fingerprint : str
        Fingerprint of the rows that were read.
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
        """Read and validate the tables, and build the panel.

        Parameters
        ----------
        config : TaskConfig
            As returned by ``training.config.load_config("demand_forecast")``.
        engine : {'polars', 'spark'}
            Engine that aggregates sales and stock.
        sources : SourcesConfig, optional
            Sources to read, ``features.sources.load_sources(config.sources)``, for example; those of the configuration
            if omitted.
        until : int, optional
            Microseconds since 1970 UTC: only sales before it, and stock up to it, are used; all by default.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        PanelData
            `panel.sold` has units sold by series and complete period, without an unfinished last period.

        Examples
        --------
        Needs the tables of the sources.

        >>> from training.config import load_config
        >>> data = PanelData.read(load_config("demand_forecast"))  # doctest: +SKIP
        >>> data.panel.sold.shape, data.origins  # doctest: +SKIP

        Raises
        ------
        DataError
            A table or column is missing, rows are duplicated, or they come at another frequency than configured.
        ConfigError
            A source or an aggregation level is configured wrongly.
        """
        params = _with_extra_columns(cast("DemandParams", config.params), config)
        joins = ("sales.vehicle_id",) if params.condition else ()
        extra = {"sales": config.extra_features}
        raw = read_task_tables(config, extra=extra, sources=sources, joins=joins, progress=progress)
        params = _in_zone_of_sales(params, raw)
        if until is not None:
            raw = replace(raw, frames=_before(raw.frames, until))
        frames = to_engine(raw.frames, engine)
        how: dict[str, Any] = {"series": params.series, "frequency": params.frequency, "timezone": params.timezone}
        sold = collect(
            features.sales_by_period(
                frames, condition=params.condition, drivers=params.drivers, attributes=params.attributes, **how
            )
        )
        notes, stocked = [], None
        if "stock" in raw.frames:
            columns = raw.frames["stock"].collect_schema().names()
            if all(s in columns for s in params.series):
                stocked = collect(features.stock_by_period(frames, **how))
                notes += unmatched_series(sold, stocked, params.series)
            else:
                absent = next(s for s in params.series if s not in columns)
                notes.append(f"the stock table is not used: it has no column '{absent}' of params.series")
        how = {"series": params.series, "timezone": params.timezone, "condition": params.condition}
        days = collect(features.sales_by_day(frames, **how))
        now = time.time_ns() // 1_000
        sold, period_notes = _without_unfinished_period(
            sold, days, params, cutoff=now if until is None else min(now, until)
        )
        notes += [*period_notes, *_excluded_rows(days, params), *_condition_note(raw, params)]
        notes += _timezone_note(raw, params)
        panel, panel_notes = build_panel(
            sold,
            stocked,
            keys=params.series,
            frequency=params.frequency,
            attributes=params.attributes,
            drivers=params.drivers,
            one_row_each=params.rows == "periods",
            duplicates=params.duplicates,
            gaps=params.gaps,
        )
        panel, stock_notes = _trim_to_sales(panel, sold, days)
        on_hand = _stock_at_end(panel, stocked)
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        return cls(config, raw, panel, on_hand, (*notes, *panel_notes, *stock_notes, *raw.key_notes), fingerprint)

    @property
    def problem(self) -> PanelProblem:
        """Problem definition of the task; `metrics` has them by name."""
        return cast("PanelProblem", self.config.definition.problem)

    @property
    def params(self) -> DemandParams:
        """Parameters, with `extra_features` added: numeric ones as drivers, categorical ones as attributes."""
        return _in_zone_of_sales(_with_extra_columns(cast("DemandParams", self.config.params), self.config), self.raw)

    @property
    def origins(self) -> range:
        """Held-out origins: columns of `panel`, the first forecast period of each, followed by a full horizon."""
        last = self.panel.periods - self.params.horizon
        return range(last - self.params.test_origins + 1, last + 1)

    @property
    def last_training_instant(self) -> int:
        """Last instant of the training data of the served model, int, microseconds since 1970 UTC."""
        until = self.panel.periods if self.config.refit else self.origins[0]
        at = period_start([self.panel.first + until], self.panel.frequency, timezone=self.params.timezone)
        return int(at[0]) - 1

    def fit_forecaster(self, until: int | None = None, *, progress: Progress | None = None) -> Forecaster:
        """Return a forecaster fitted before the first held-out origin, or before column `until` of the panel.

        Parameters
        ----------
        until : int, optional
            Column of `panel`, above 0; the columns before it are fitted on. By default `origins[0]`.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        ml.demand_forecast.forecaster.Forecaster
            Fitted; `training.studies.panel_forecasts.OriginForecasts(panel, forecaster).at(origin)` forecasts with it.

        Raises
        ------
        DataError
            The history is too short.
        """
        return Forecaster(self.params).fit(self.panel, until=until or self.origins[0], progress=progress)

    def check_history_length(self) -> None:
        """Check that the history suffices to fit, validate and test.

        Raises
        ------
        DataError
            It does not; the message has the number of periods needed.
        """
        q, periods = self.params, self.panel.periods
        needed = 2 * q.horizon + q.validation_origins + q.test_origins + 2
        if periods < needed:
            raise DataError(
                f"demand_forecast: {periods} {q.frequency}s of history are too few for a horizon of {q.horizon}, "
                f"{q.validation_origins} validation and {q.test_origins} test origins; provide at least {needed}, or "
                "reduce params.horizon, params.validation_origins or params.test_origins"
            )

    def origin_forecasts(self, forecaster: Forecaster) -> OriginForecasts:
        """Return the forecasts of a forecaster from any origin of the panel, each computed on demand and once.

        Parameters
        ----------
        forecaster : Forecaster
            Fitted, as returned by the method `fit_forecaster()` of this object.

        Returns
        -------
        OriginForecasts
            ``at(origin)`` returns the forecast (units per series and period) and its features. `origin` is the column
            of `panel` of the first period to forecast; the held-out origins are the range `origins` of this object.
        """
        if not self._forecasts or self._forecasts[0].forecaster is not forecaster:
            self._forecasts[:] = [OriginForecasts(self.panel, forecaster)]
        return self._forecasts[0]

    @cached_property
    def _forecasts(self) -> list[OriginForecasts]:
        """Cache of `origin_forecasts`: at most one entry, that of the last forecaster."""
        return []

    @cached_property
    def flagged(self) -> Any:
        """Outlying periods, largest first: list of `ml.demand_forecast.outliers.Outlier`.

        Each has `series` and `column` (row and column of the panel), `sold` and `expected` (units) and `distance`
        (robust standard deviations).
        """
        return outliers(self.panel)


def _before(tables: Mapping[str, pl.LazyFrame], until: int) -> dict[str, pl.LazyFrame]:
    frames = {**tables, "sales": tables["sales"].filter(pl.col("sold_at") < until)}
    if "stock" in frames:
        frames["stock"] = frames["stock"].filter(pl.col("snapshot_at") <= until)
    return frames


def _in_zone_of_sales(params: DemandParams, raw: RawTables) -> DemandParams:
    """Return parameters with the time zone of the sales, unless the configuration gives another one."""
    if "timezone" in params.model_fields_set:
        return params
    return params.model_copy(update={"timezone": raw.reports["sales"].timezone})


def _with_extra_columns(params: DemandParams, config: TaskConfig) -> DemandParams:
    """Return parameters with numeric `extra_features` as drivers and categorical ones as attributes.

    Raises
    ------
    ConfigError
        `params.levels` has a column that is neither a key of the series nor an attribute.
    """
    extra = config.extra_features
    drivers = dict.fromkeys([*params.drivers, *extra.numeric])
    attributes = dict.fromkeys([*params.attributes, *(c for c in extra.categorical if c not in params.series)])
    unknown = [c for level in params.levels or () for c in level if c not in {*params.series, *attributes}]
    if unknown:
        raise ConfigError(
            f"params.levels: '{unknown[0]}' is neither in params.series nor an attribute; add it to params.attributes "
            "or to extra_features.categorical"
        )
    return params.model_copy(update={"drivers": tuple(drivers), "attributes": tuple(attributes)})


def _condition_note(raw: RawTables, params: DemandParams) -> list[str]:
    """Return a note if `params.condition` cannot be applied, so that sales of any vehicle count."""
    if params.condition is None:
        return []
    columns = {name: frame.collect_schema().names() for name, frame in raw.frames.items()}
    if "vehicle_id" in columns["sales"] and "condition" in columns.get("vehicles", ()):
        return []
    return [
        f"params.condition: {params.condition} is not applied, because it needs `vehicle_id` in sales and `condition` "
        "in vehicles: every sale counts"
    ]


def _timezone_note(raw: RawTables, params: DemandParams) -> list[str]:
    """Return a note on the sales whose date in the time zone of the periods is not that of their source."""
    zone = raw.reports["sales"].timezone
    if zone == params.timezone:
        return []

    def day(timezone: str) -> pl.Expr:
        instant = pl.from_epoch("sold_at", time_unit="us").dt.replace_time_zone("UTC")
        return instant.dt.convert_time_zone(timezone).dt.date()

    n = int(raw.frames["sales"].select((day(zone) != day(params.timezone)).sum()).collect().item())
    if n == 0:
        return []
    rows = count_text(n, "row of sales has", "rows of sales have")
    return [
        f"{rows} another date in params.timezone ({params.timezone}), which separates the periods, than in "
        f"the time zone of their source ({zone}): set params.timezone: {zone} if the source's dates are right"
    ]


def _excluded_rows(days: pl.DataFrame, params: DemandParams) -> list[str]:
    """Return a note for each reason to leave rows of sales out, with their number."""
    reasons = {
        "without_series": f"without a value in {' or '.join(params.series)} left out",
        "of_other_condition": f"of vehicles that are not '{params.condition}' left out by params.condition",
        "without_quantity": "without a quantity added nothing to the period",
        "returns": "with a negative quantity (returns) reduced the sales of the period",
    }
    counts = {name: int(days[name].sum()) for name in reasons}
    return [f"{count_text(n, 'row of sales', 'rows of sales')} {reasons[name]}" for name, n in counts.items() if n]


def _without_unfinished_period(
    sold: pl.DataFrame, days: pl.DataFrame, params: DemandParams, *, cutoff: int
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows without the last period if it is not over in the data, and a note that says so."""
    dated = days.filter(pl.col("rows") > 0)
    if dated.is_empty():
        return sold, []
    decision = last_period(
        dated[features.PERIOD].to_numpy(),
        dated["rows"].to_numpy(),
        frequency=params.frequency,
        timezone=params.timezone,
        cutoff=cutoff,
        unfinished=params.unfinished,
        whole=params.rows == "periods",
    )
    rows = sold.filter(pl.col(features.PERIOD) < decision.period) if decision.is_left_out else sold
    return rows, [decision.note] if decision.note else []


def _trim_to_sales(panel: Panel, sold: pl.DataFrame, days: pl.DataFrame) -> tuple[Panel, list[str]]:
    """Return the panel up to the last period with sales, because later stock has no outcome, and a note on it."""
    last = int(sold[features.PERIOD].max()) - panel.first + 1  # type: ignore[arg-type]
    if last >= panel.periods:
        return panel, []
    last_sale = period_of_day(int(days[features.PERIOD].max()), panel.frequency)  # type: ignore[arg-type]
    unused = panel.first + panel.periods - 1 - max(last_sale, panel.first + last - 1)
    until = panel.name(panel.periods - 1)
    notes = (
        [f"stock after the last sales is not used: {unused} {panel.frequency}s, up to {until}"] if unused > 0 else []
    )
    drivers = {n: v[:, :last] for n, v in panel.drivers.items()}
    return replace(panel.until(last), drivers=drivers), notes


def _stock_at_end(panel: Panel, stocked: pl.DataFrame | None) -> FloatArray:
    """Return each series' stock at the end of the last period, vehicles; NaN where not recorded."""
    on_hand = np.full(len(panel.sold), np.nan)
    if stocked is None or "on_hand" not in stocked.columns:
        return on_hand
    rows = panel.series.select(panel.keys).with_row_index("row")
    last = stocked.filter(pl.col(features.PERIOD) == panel.first + panel.periods - 1)
    recorded = rows.join(last, on=list(panel.keys), how="inner").drop_nulls("on_hand")
    on_hand[recorded["row"].to_numpy()] = recorded["on_hand"].cast(pl.Float64).to_numpy()
    return on_hand
