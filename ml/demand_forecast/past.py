"""What was known of each series, and of what it belongs to, before each period; and the table that trees read."""

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
class Past:
    """The past of a panel at every period at once; column t knows nothing of period t.

    Attributes
    ----------
    panel : Panel
        The series.
    groups : tuple of tuple of str
        Columns whose equal values make a group; the empty tuple is everything.
    known_ahead : tuple of str
        Drivers that are known for periods to come.
    uncensor : bool
        Whether sales of periods without stock are taken for a lower bound.
    categories : mapping of str to sequence of str, optional
        Values of each attribute in the order of their codes; those of the panel if not given.
    """

    panel: Panel
    groups: tuple[tuple[str, ...], ...]
    known_ahead: tuple[str, ...] = ("price", "promotion")
    country: str | None = "CN"
    uncensor: bool = True
    categories: Mapping[str, Sequence[str]] | None = None

    @cached_property
    def demand(self) -> FloatArray:
        """What was wanted, from each series' begin on: finite, each period as known at its end."""
        p = self.panel
        known = np.isfinite(p.sold)
        running = np.cumsum(np.where(known, p.sold, 0).sum(axis=0)) / np.maximum(np.cumsum(known.sum(axis=0)), 1)
        prior = running[np.minimum(p.begin, p.periods - 1)] + self.unit
        available = p.available if self.uncensor else np.ones_like(p.available)
        return expected_demand(p.sold, available, prior=prior)

    @cached_property
    def unit(self) -> float:
        """What is small: a fifth of one where things are counted, else a hundredth of the mean."""
        known = self.panel.sold[np.isfinite(self.panel.sold)]
        return 0.2 if self.panel.whole else max(float(known.mean()) / 100, 1e-9)

    @cached_property
    def own(self) -> FloatArray:
        """`lag_table` of the series."""
        return lag_table(self.demand, self.panel.begin, self.panel.frequency)

    @cached_property
    def of_groups(self) -> list[tuple[IntArray, FloatArray, FloatArray]]:
        """For each group: its number by series, its demand and its `lag_table`, both a mean over its living series."""
        p = self.panel
        alive = np.arange(p.periods)[None, :] >= p.begin[:, None]
        found = []
        for columns in self.groups:
            code = np.zeros(len(p.sold), dtype=np.int64)
            for c in columns:
                code = code * (p.codes(c).max() + 1) + p.codes(c)
            code = np.unique(code, return_inverse=True)[1]
            total, count = np.zeros((code.max() + 1, p.periods)), np.zeros((code.max() + 1, p.periods))
            np.add.at(total, code, np.where(alive, self.demand, 0.0))
            np.add.at(count, code, alive.astype(np.float64))
            begun = np.where((count > 0).any(axis=1), (count > 0).argmax(axis=1), p.periods)
            found.append((code, total, lag_table(total, begun, p.frequency)))
        return found

    @cached_property
    def level(self) -> FloatArray:
        """What a period sells, before each: the recent mean, drawn to that of its like while it is young."""
        p, window = self.panel, WINDOWS[self.panel.frequency][0]
        age = np.clip(np.arange(p.periods + 1)[None, :] - p.begin[:, None], 0, window)
        own = np.nan_to_num(self.own[:, :, LAG["short"]].astype(np.float64))
        like = np.full(own.shape, np.nan)
        for (code, _, table), members in zip(self.of_groups, self._members, strict=True):
            mean = table[:, :, LAG["short"]][code] / np.maximum(members[code], 1)
            like = np.where(np.isfinite(like) | (members[code] < 1), like, mean)
        like = np.where(np.isfinite(like), like, self.unit)
        return np.asarray((age * own + like) / (age + 1) + self.unit, dtype=np.float64)

    @cached_property
    def _members(self) -> list[FloatArray]:
        """Living series of each group before each period."""
        p = self.panel
        alive = np.column_stack([np.zeros(len(p.sold)), np.arange(p.periods)[None, :] >= p.begin[:, None]])
        found = []
        for code, _, _ in self.of_groups:
            count = np.zeros((code.max() + 1, p.periods + 1))
            np.add.at(count, code, alive)
            found.append(count)
        return found

    @cached_property
    def _sales(self) -> tuple[FloatArray, FloatArray]:
        """Share of recent periods with demand, and periods since the last, before each period."""
        p, window = self.panel, WINDOWS[self.panel.frequency][2]
        some = (np.nan_to_num(p.sold) > 0).astype(np.float64)
        run = np.column_stack([np.zeros(len(some)), np.cumsum(some, axis=1)])
        t = np.arange(p.periods + 1)
        early = np.maximum(t[None, :] - window, np.minimum(p.begin, p.periods)[:, None])
        share = (run - np.take_along_axis(run, np.minimum(early, t[None, :]), axis=1)) / np.maximum(
            t[None, :] - early, 1
        )
        at = np.where(some > 0, np.arange(p.periods)[None, :], -1)
        last = np.column_stack([np.full(len(some), -1), np.maximum.accumulate(at, axis=1)])
        since = np.where(last >= 0, t[None, :] - last, t[None, :] - np.minimum(p.begin, p.periods)[:, None] + 1)
        return share, np.clip(since, 0, 3 * window).astype(np.float64)

    @cached_property
    def names(self) -> list[str]:
        """Columns of `table`."""
        groups = ["_".join(c) or "all" for c in self.groups]
        ahead = [n for n in self.panel.drivers if n in self.known_ahead]
        watched = [n for n in self.panel.drivers if n not in self.known_ahead]
        return [
            *NAMES, "level", "age", "share_with_demand", "since_demand", "same_season",
            *(f"{g}_{w}" for g in groups for w in ("last", "trend", "season", "season_uplift", "year_growth")),
            *(f"{n}_{w}" for n in ahead for w in ("then", "change")),
            *(f"{n}_{w}" for n in watched for w in ("last", "trend", "per_unit")),
            *COLUMNS, *(f"{COLUMNS[i]}_change" for i in range(3, 6)), "horizon",
            *(f"is_{c}" for c in self._attributes),
        ]  # fmt: skip

    @property
    def _attributes(self) -> list[str]:
        return [c for c in self.panel.series.columns if c not in self.panel.keys]

    @cached_property
    def _coded(self) -> dict[str, IntArray]:
        """Code of each series' value of each attribute; -1 for one that is not known."""
        if self.categories is None:
            return {c: self.panel.codes(c) for c in self._attributes}
        found = {}
        for c in self._attributes:
            place = {value: i for i, value in enumerate(self.categories[c])}
            values = self.panel.series[c].fill_null("").to_list()
            found[c] = np.array([place.get(v, -1) for v in values], dtype=np.int64)
        return found

    @property
    def categorical(self) -> list[int]:
        """Which columns are codes."""
        return [i for i, n in enumerate(self.names) if n.startswith("is_")]

    def calendar_of(self, columns: IntArray) -> FloatArray:
        """The calendar of each of some columns, which may lie ahead."""
        p = self.panel
        each, place = np.unique(columns, return_inverse=True)
        return calendar(each + p.first, p.frequency, country=self.country)[place]

    def table(
        self, s: NDArray[np.intp], t: IntArray, h: IntArray, *, changed: dict[str, FloatArray] | None = None
    ) -> NDArray[np.float32]:
        """What is known at the begin of column t about column t + h - 1, for each (series, t, h).

        Parameters
        ----------
        changed : mapping of str to ndarray, optional
            Known drivers at the column asked about, in place of the panel's.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_names)
            Logarithms of ratios to the level, but for shares, ages and calendar.
        """
        p, e = self.panel, self.unit
        target = t + h - 1
        years = -(-h // p.season)  # seasons back to what is known
        back = target - years * p.season
        level = self.level[s, t]
        parts: list[Any] = [np.log((self.own[s, t] + e) / level[:, None])]
        share, since = self._sales
        young = np.clip(t - p.begin[s], 0, 3 * p.season)
        parts += [np.log(level), young, share[s, t], since[s, t]]
        parts.append(_log_ratio(_at(self.demand, s, back, p.begin), level, e))
        for code, total, lags in self.of_groups:
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
                now = _at(values, s, t - 1, np.zeros(len(values), dtype=np.int64))
                then = _at(values, s, target, np.zeros(len(values), dtype=np.int64))
                then = np.where(np.isfinite(then), then, now)
                then = then if changed is None or name not in changed else changed[name]
                parts += [then, then - now]
            else:
                zero = np.zeros(len(values), dtype=np.int64)
                recent = np.stack([_at(values, s, t - k, zero) for k in range(1, 5)])
                mean = np.nanmean(np.where(np.isfinite(recent).any(axis=0), recent, 0.0), axis=0)
                early = np.stack([_at(values, s, t - k, zero) for k in range(5, 9)])
                early = np.nanmean(np.where(np.isfinite(early).any(axis=0), early, 0.0), axis=0)
                parts += [
                    _log_ratio(recent[0], mean, 1.0),
                    _log_ratio(mean, early, 1.0),
                    np.log((np.abs(mean) + 1) / level),
                ]
        there, last = self.calendar_of(target), self.calendar_of(back)
        parts += [there, there[:, FESTIVAL] - last[:, FESTIVAL], h]
        parts += [self._coded[c][s] for c in self._attributes]
        columns = [np.asarray(x, dtype=np.float32) for x in parts]
        return np.column_stack([x if x.ndim == 2 else x[:, None] for x in columns])


def _at(values: FloatArray, row: Any, column: Any, begin: IntArray) -> FloatArray:
    """Values at places that may lie outside: NaN there."""
    inside = (column >= begin[row]) & (column < values.shape[1])
    return np.asarray(np.where(inside, values[row, np.clip(column, 0, values.shape[1] - 1)], np.nan), dtype=np.float64)


def _log_ratio(a: Any, b: Any, small: float) -> FloatArray:
    return np.asarray(np.log((np.asarray(a, dtype=np.float64) + small) / (np.asarray(b, dtype=np.float64) + small)))
