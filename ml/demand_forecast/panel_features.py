"""Features of the global model: each row uses only what was observed before its origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.demand_forecast.calendar import COLUMNS, calendar
from ml.demand_forecast.lags import NAMES, WINDOWS, lag_table
from ml.demand_forecast.panel import Panel
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.censored_demand import expected_demand

LAG = {name: i for i, name in enumerate(NAMES)}
FESTIVAL = slice(3, 6)


@dataclass(frozen=True)
class PanelFeatures:
    """Features of a panel at every period; those at period t use periods before t only.

    Returned by `ml.demand_forecast.forecaster.Forecaster.features`, or made from a panel: ``PanelFeatures(panel,
    groups)``.

    Attributes
    ----------
    panel : Panel
        The series, as returned by `ml.demand_forecast.panel.build_panel`.
    groups : tuple of tuple of str
        Groupings whose totals are features: columns of `panel.series`; the empty tuple groups all series and comes
        last. `groups` of an `ml.demand_forecast.params.DemandParams`, or for example ``(("model",), ())``.
    known_ahead : tuple of str
        Drivers whose future values are known (Nixtla: future exogenous); of the others the past is used.
    country : str or None
        ISO 3166 code of the country whose public holidays are used; None for none.
    uncensor : bool
        Whether sales of periods with stock-outs are treated as a lower bound of demand.
    categories : mapping of str to sequence of str, optional
        Values of each attribute in the order of their codes; those of the panel if omitted.
    """

    panel: Panel
    groups: tuple[tuple[str, ...], ...]
    known_ahead: tuple[str, ...] = ("price", "promotion")
    country: str | None = "CN"
    uncensor: bool = True
    categories: Mapping[str, Sequence[str]] | None = None

    @cached_property
    def demand(self) -> FloatArray:
        """Demand corrected for stock-outs, units, shape (n_series, n_periods); each period uses no later one.

        Finite from each series' first period on; see `ml.domain.demand.censored_demand.expected_demand`.
        """
        p = self.panel
        observed = np.isfinite(p.sold)
        running = np.cumsum(np.where(observed, p.sold, 0).sum(axis=0)) / np.maximum(np.cumsum(observed.sum(axis=0)), 1)
        prior = running[np.minimum(p.begin, p.periods - 1)] + self.pseudocount
        available = p.available if self.uncensor else np.ones_like(p.available)
        return expected_demand(p.sold, available, prior=prior)

    @cached_property
    def pseudocount(self) -> float:
        """Units added before logarithms: 0.2 where demand is counted, else a hundredth of the mean."""
        sold = self.panel.sold[np.isfinite(self.panel.sold)]
        return 0.2 if self.panel.is_count else max(float(sold.mean()) / 100, 1e-9)

    @cached_property
    def series_lags(self) -> FloatArray:
        """Lags of each series, float array as returned by `ml.demand_forecast.lags.lag_table` for `demand`."""
        return lag_table(self.demand, self.panel.begin, self.panel.frequency)

    @cached_property
    def group_lags(self) -> list[tuple[IntArray, FloatArray, FloatArray]]:
        """For each grouping: group of each series, total demand by group and period, and `lag_table` of the totals."""
        p = self.panel
        is_alive = np.arange(p.periods)[None, :] >= p.begin[:, None]
        groupings = []
        for columns in self.groups:
            code = np.zeros(len(p.sold), dtype=np.int64)
            for c in columns:
                code = code * (p.codes(c).max() + 1) + p.codes(c)
            code = np.unique(code, return_inverse=True)[1]
            total, count = np.zeros((code.max() + 1, p.periods)), np.zeros((code.max() + 1, p.periods))
            np.add.at(total, code, np.where(is_alive, self.demand, 0.0))
            np.add.at(count, code, is_alive.astype(np.float64))
            begin = np.where((count > 0).any(axis=1), (count > 0).argmax(axis=1), p.periods)
            groupings.append((code, total, lag_table(total, begin, p.frequency)))
        return groupings

    @cached_property
    def baseline(self) -> FloatArray:
        """Baseline demand before each period, units per period, shape (n_series, n_periods + 1).

        Mean of the short window, shrunk to the mean of the finest group while the series is young, plus `pseudocount`.
        """
        p, window = self.panel, WINDOWS[self.panel.frequency][0]
        age = np.clip(np.arange(p.periods + 1)[None, :] - p.begin[:, None], 0, window)
        series_mean = np.nan_to_num(self.series_lags[:, :, LAG["short"]].astype(np.float64))
        group_mean = np.full(series_mean.shape, np.nan)
        for (code, _, table), members in zip(self.group_lags, self._members, strict=True):
            mean = table[:, :, LAG["short"]][code] / np.maximum(members[code], 1)
            group_mean = np.where(np.isfinite(group_mean) | (members[code] < 1), group_mean, mean)
        group_mean = np.where(np.isfinite(group_mean), group_mean, self.pseudocount)
        return np.asarray((age * series_mean + group_mean) / (age + 1) + self.pseudocount, dtype=np.float64)

    @cached_property
    def _members(self) -> list[FloatArray]:
        """Number of living series of each group before each period."""
        p = self.panel
        is_alive = np.column_stack([np.zeros(len(p.sold)), np.arange(p.periods)[None, :] >= p.begin[:, None]])
        counts = []
        for code, _, _ in self.group_lags:
            count = np.zeros((code.max() + 1, p.periods + 1))
            np.add.at(count, code, is_alive)
            counts.append(count)
        return counts

    @cached_property
    def _intermittency(self) -> tuple[FloatArray, FloatArray]:
        """Share of recent periods with demand, and periods since the last one, before each period."""
        p, window = self.panel, WINDOWS[self.panel.frequency][2]
        has_demand = (np.nan_to_num(p.sold) > 0).astype(np.float64)
        run = np.column_stack([np.zeros(len(has_demand)), np.cumsum(has_demand, axis=1)])
        t = np.arange(p.periods + 1)
        early = np.maximum(t[None, :] - window, np.minimum(p.begin, p.periods)[:, None])
        share = (run - np.take_along_axis(run, np.minimum(early, t[None, :]), axis=1)) / np.maximum(
            t[None, :] - early, 1
        )
        at = np.where(has_demand > 0, np.arange(p.periods)[None, :], -1)
        last = np.column_stack([np.full(len(has_demand), -1), np.maximum.accumulate(at, axis=1)])
        since = np.where(last >= 0, t[None, :] - last, t[None, :] - np.minimum(p.begin, p.periods)[:, None] + 1)
        return share, np.clip(since, 0, 3 * window).astype(np.float64)

    @cached_property
    def names(self) -> list[str]:
        """Column names of `table`, in order."""
        groups = ["_".join(c) or "all" for c in self.groups]
        future = [n for n in self.panel.drivers if n in self.known_ahead]
        historical = [n for n in self.panel.drivers if n not in self.known_ahead]
        return [
            *NAMES, "baseline", "age", "share_with_demand", "since_demand", "same_season",
            *(f"{g}_{w}" for g in groups for w in ("last", "trend", "season", "season_uplift", "year_growth")),
            *(f"{n}_{w}" for n in future for w in ("then", "change")),
            *(f"{n}_{w}" for n in historical for w in ("last", "trend", "per_unit")),
            *COLUMNS, *(f"{COLUMNS[i]}_change" for i in range(3, 6)), "horizon",
            *(f"is_{c}" for c in self._attributes),
        ]  # fmt: skip

    @property
    def _attributes(self) -> list[str]:
        return [c for c in self.panel.series.columns if c not in self.panel.keys]

    @cached_property
    def _attribute_codes(self) -> dict[str, IntArray]:
        """Code of each attribute of each series; -1 for a value that is not in `categories`."""
        if self.categories is None:
            return {c: self.panel.codes(c) for c in self._attributes}
        codes = {}
        for c in self._attributes:
            code_of = {value: i for i, value in enumerate(self.categories[c])}
            values = self.panel.series[c].fill_null("").to_list()
            codes[c] = np.array([code_of.get(v, -1) for v in values], dtype=np.int64)
        return codes

    @property
    def categorical(self) -> list[int]:
        """Positions in `names` of the category codes."""
        return [i for i, n in enumerate(self.names) if n.startswith("is_")]

    def calendar_of(self, columns: IntArray) -> FloatArray:
        """Return the calendar features of panel columns, which may lie after the panel's end.

        Parameters
        ----------
        columns : ndarray of int64, shape (n_columns,)
            Columns of the panel, from 0.

        Returns
        -------
        ndarray of float64, shape (n_columns, 9)
            `ml.demand_forecast.calendar.COLUMNS`: days; shares of the days, 0 to 1, that are working days, public
            holidays, before, at and after the Spring Festival; sine and cosine of the position in the year; month.
        """
        p = self.panel
        each, place = np.unique(columns, return_inverse=True)
        return calendar(each + p.first, p.frequency, country=self.country)[place]

    def table(
        self, s: NDArray[np.intp], t: IntArray, h: IntArray, *, changed: dict[str, FloatArray] | None = None
    ) -> NDArray[np.float32]:
        """Return the feature rows of (series, origin, horizon) triples.

        Parameters
        ----------
        s, t, h : ndarray of int, shape (n_rows,)
            Row of the series in `panel.series`; column of the origin (the first forecast period), at most
            `panel.periods`; periods ahead from 1. The target is column ``t + h - 1``; features use columns before t.
        changed : mapping of str to ndarray of shape (n_rows,), optional
            What-if values of drivers in the target period, in place of the panel's; price in fen.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_names)
            Columns `names`: log ratios to `baseline`, except shares, ages, drivers and calendar; NaN where missing.

        Examples
        --------
        The forecast one month ahead, after four months.

        >>> import numpy as np
        >>> import polars as pl
        >>> from ml.demand_forecast.panel import Panel
        >>> sold = np.array([[4.0, 6, 5, 5]])
        >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=672,
        ...     sold=sold, available=np.ones_like(sold))
        >>> features = PanelFeatures(panel, groups=((),))
        >>> table = features.table(np.array([0]), np.array([4]), np.array([1]))
        >>> table.shape == (1, len(features.names)), table[0, features.names.index("age")].item()
        (True, 4.0)
        """
        p, e = self.panel, self.pseudocount
        target = t + h - 1
        years = -(-h // p.season)  # whole seasons back to the latest observed period of the same season
        back = target - years * p.season
        baseline = self.baseline[s, t]
        parts: list[Any] = [np.log((self.series_lags[s, t] + e) / baseline[:, None])]
        share, since = self._intermittency
        age = np.clip(t - p.begin[s], 0, 3 * p.season)
        parts += [np.log(baseline), age, share[s, t], since[s, t]]
        parts.append(_log_ratio(_at(self.demand, s, back, p.begin), baseline, e))
        for code, total, lags in self.group_lags:
            g, start = code[s], np.zeros(len(total), dtype=np.int64)
            short, middle = lags[g, t, LAG["short"]], lags[g, t, LAG["middle"]]
            before = np.where(back - h + 1 >= 1, lags[g, np.maximum(t - years * p.season, 0), LAG["short"]], np.nan)
            then = _at(total, g, back, start)
            parts += [
                _log_ratio(lags[g, t, LAG["lag1"]], short, e), _log_ratio(short, middle, e),
                _log_ratio(then, short, e), _log_ratio(then, before, e), _log_ratio(short, before, e),
            ]  # fmt: skip
        for name, values in p.drivers.items():
            if name in self.known_ahead:
                latest = _at(values, s, t - 1, np.zeros(len(values), dtype=np.int64))
                then = _at(values, s, target, np.zeros(len(values), dtype=np.int64))
                then = np.where(np.isfinite(then), then, latest)
                then = then if changed is None or name not in changed else changed[name]
                parts += [then, then - latest]
            else:
                zero = np.zeros(len(values), dtype=np.int64)
                recent = np.stack([_at(values, s, t - k, zero) for k in range(1, 5)])
                mean = np.nanmean(np.where(np.isfinite(recent).any(axis=0), recent, 0.0), axis=0)
                early = np.stack([_at(values, s, t - k, zero) for k in range(5, 9)])
                early = np.nanmean(np.where(np.isfinite(early).any(axis=0), early, 0.0), axis=0)
                parts += [
                    _log_ratio(recent[0], mean, 1.0),
                    _log_ratio(mean, early, 1.0),
                    np.log((np.abs(mean) + 1) / baseline),
                ]
        target_calendar, last_calendar = self.calendar_of(target), self.calendar_of(back)
        parts += [target_calendar, target_calendar[:, FESTIVAL] - last_calendar[:, FESTIVAL], h]
        parts += [self._attribute_codes[c][s] for c in self._attributes]
        columns = [np.asarray(x, dtype=np.float32) for x in parts]
        return np.column_stack([x if x.ndim == 2 else x[:, None] for x in columns])


def _at(values: FloatArray, row: Any, column: Any, begin: IntArray) -> FloatArray:
    """Return values at (row, column); NaN before `begin` and after the last column."""
    inside = (column >= begin[row]) & (column < values.shape[1])
    return np.asarray(np.where(inside, values[row, np.clip(column, 0, values.shape[1] - 1)], np.nan), dtype=np.float64)


def _log_ratio(a: Any, b: Any, pseudocount: float) -> FloatArray:
    above, below = (np.asarray(v, dtype=np.float64) + pseudocount for v in (a, b))
    return np.asarray(np.log(above / below))
