"""Series side by side: what each sold in each period, how long there was stock, and what else is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.demand_forecast import PERIOD
from features.errors import DataError
from features.periods import SEASONS, Frequency, label
from ml.artefacts.json_files import content_of, from_json, to_json
from ml.artefacts.npz import from_npz, to_npz
from ml.domain.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Panel:
    """All series over the same periods.

    Attributes
    ----------
    series : DataFrame
        One row per series: the columns that name it, then its attributes (texts).
    keys : tuple of str
        Which of the columns name it.
    first : int
        Period of column 0.
    sold : ndarray of shape (n_series, n_periods)
        NaN outside a series' life and where not known.
    available : ndarray of the same shape
        Share of the period that had stock; 1 where nothing is known of stock.
    drivers : mapping of str to ndarray of the same shape
        Price (fen), promotion and a dealership's own numbers; NaN where not known.
    """

    series: pl.DataFrame
    keys: tuple[str, ...]
    frequency: Frequency
    first: int
    sold: FloatArray
    available: FloatArray
    drivers: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.sold.shape[1])

    @property
    def season(self) -> int:
        """Periods after which a pattern comes back."""
        return int(SEASONS[self.frequency])

    @cached_property
    def begin(self) -> IntArray:
        """First column of each series' life; `periods` where it has none."""
        there = np.isfinite(self.sold)
        return np.where(there.any(axis=1), there.argmax(axis=1), self.periods).astype(np.int64)

    @cached_property
    def end(self) -> IntArray:
        """One past the last column of each series' life."""
        there = np.isfinite(self.sold)
        return np.where(there.any(axis=1), self.periods - there[:, ::-1].argmax(axis=1), 0).astype(np.int64)

    @cached_property
    def whole(self) -> bool:
        """Whether everything sold is counted in whole units."""
        known = self.sold[np.isfinite(self.sold)]
        return bool((known == np.rint(known)).all())

    def until(self, column: int) -> Panel:
        """What was known before the period of a column began; drivers stay, they may be known ahead."""
        return replace(self, sold=self.sold[:, :column], available=self.available[:, :column])

    def take(self, rows: NDArray[np.intp]) -> Panel:
        """Some of the series."""
        drivers = {n: v[rows] for n, v in self.drivers.items()}
        return replace(
            self, series=self.series[rows], sold=self.sold[rows], available=self.available[rows], drivers=drivers
        )

    def codes(self, column: str) -> IntArray:
        """Number of each series' value of a column, in the order of the values."""
        values = self.series[column].fill_null("").cast(pl.String)
        return np.unique(values.to_numpy().astype(str), return_inverse=True)[1].astype(np.int64)

    def name(self, column: int) -> str:
        """A column's period as people write it."""
        return label(self.first + column, self.frequency)

    def to_files(self, name: str) -> dict[str, bytes]:
        """Write it as JSON (who the series are) and npz (their numbers)."""
        told = {
            "series": self.series.to_dict(as_series=False),
            "keys": self.keys,
            "frequency": self.frequency,
            "first": self.first,
            "drivers": list(self.drivers),
        }
        numbers = {"sold": self.sold, "available": self.available}
        numbers |= {f"driver_{i}": values for i, values in enumerate(self.drivers.values())}
        return {f"{name}.json": to_json(told), f"{name}.npz": to_npz(numbers)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str) -> Panel:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound, DataError
            A file is missing or damaged.
        """
        told = from_json(files, f"{name}.json", keys=frozenset({"series", "keys", "frequency", "first", "drivers"}))
        numbers: dict[str, Any] = dict(from_npz(content_of(files, f"{name}.npz"), f"{name}.npz"))
        schema = dict.fromkeys(told["series"], pl.String)
        drivers = {n: numbers[f"driver_{i}"] for i, n in enumerate(told["drivers"])}
        return cls(
            pl.DataFrame(told["series"], schema=schema),
            tuple(told["keys"]),
            told["frequency"],
            told["first"],
            numbers["sold"],
            numbers["available"],
            drivers,
        )


def lay_out(
    sold: pl.DataFrame,
    stocked: pl.DataFrame | None,
    *,
    keys: Sequence[str],
    frequency: Frequency,
    attributes: Sequence[str] = (),
    drivers: Sequence[str] = (),
    one_row_each: bool = False,
    gaps: str = "zero",
) -> tuple[Panel, list[str]]:
    """Lay rows out as a panel, and say what had to be mended.

    Parameters
    ----------
    sold, stocked : DataFrame
        As from `features.demand_forecast`.
    one_row_each : bool
        Whether each series has one row per period, so that two are an error and a missing one is a gap.
    gaps : {'zero', 'interpolate', 'unknown', 'refuse'}
        What a period without rows between a series' first and last means.

    Raises
    ------
    DataError
        Duplicate rows, gaps that are refused, no rows, another frequency than declared.
    """
    names = list(keys)
    if sold.height == 0:
        raise DataError("sales: no row names a series and a time; check the mapping and params.series")
    if one_row_each and (twice := sold.filter(pl.col("rows") > 1)).height:
        row = twice.row(0, named=True)
        who = ", ".join(f"{n} {row[n]}" for n in names)
        raise DataError(
            f"sales: {row['rows']} rows of {who} in {label(row[PERIOD], frequency)}; rows: periods wants one per "
            f"{frequency}: remove duplicates, set the right frequency, or set rows: transactions to add them up"
        )
    both = sold.select(*names, PERIOD)
    if stocked is not None:
        both = pl.concat([both, stocked.select(*names, PERIOD)])
    series = both.select(names).unique().sort(names).with_row_index("row")
    first, last = int(both[PERIOD].min()), int(both[PERIOD].max())  # type: ignore[arg-type]
    shape = (series.height, last - first + 1)

    def place(frame: pl.DataFrame) -> tuple[IntArray, IntArray]:
        row = frame.join(series, on=names, how="left", maintain_order="left")["row"].to_numpy().astype(np.int64)
        return row, frame[PERIOD].to_numpy().astype(np.int64) - first

    y, there, stock_there = np.zeros(shape), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    available = np.ones(shape)
    r, c = place(sold)
    known = sold["known"].to_numpy() > 0
    y[r, c] = np.where(known, sold["quantity"].to_numpy(), np.nan)
    there[r, c] = True
    numbers = [
        n
        for n in ("price", "promotion", *drivers)
        if n in sold.columns or (stocked is not None and n in stocked.columns)
    ]
    table = {n: np.full(shape, np.nan) for n in numbers}
    for n in numbers:
        if n in sold.columns:
            table[n][r, c] = sold[n].cast(pl.Float64).to_numpy()
    if stocked is not None:
        r, c = place(stocked)
        stock_there[r, c] = True
        available[r, c] = _available(stocked, y[r, c], frequency, stocked[PERIOD].to_numpy())
        for n in numbers:
            if n in stocked.columns:
                listed = stocked[n].cast(pl.Float64).to_numpy()
                table[n][r, c] = np.where(np.isfinite(listed), listed, table[n][r, c])
    notes = []
    alive = _alive(there | stock_there, ends=one_row_each or stocked is not None)
    gap = alive & ~there & ~stock_there
    if one_row_each and gap.any():
        if gaps == "refuse":
            s, t = np.argwhere(gap)[0]
            who = ", ".join(f"{n} {series[n][int(s)]}" for n in names)
            raise DataError(
                f"sales: {who} has no row for {label(first + int(t), frequency)}; add it, set params.gaps to zero, "
                f"interpolate or unknown, or correct params.frequency ('{frequency}')"
            )
        share = gap.sum() / alive.sum()
        notes.append(f"{int(gap.sum()):,} missing periods ({share:.1%}) inside series filled by the rule '{gaps}'")
        if share > 0.5:
            raise DataError(
                f"sales: {share:.0%} of the {frequency}s between first and last rows are missing: the data does not "
                f"come by the {frequency}; correct params.frequency, or set rows: transactions"
            )
        if (rare := _rarer(there, alive)) is not None:
            s, every = rare
            who = ", ".join(f"{n} {series[n][s]}" for n in names)
            raise DataError(
                f"sales: rows of {who} come every {every:g} {frequency}s, those of others every {frequency}: give "
                "tables of different frequencies to different configurations, or set rows: transactions"
            )
    y = np.where(alive, y, np.nan)
    if one_row_each and gaps != "zero":
        y = np.where(gap, np.nan, y)
        if gaps == "interpolate":
            y = _interpolated(y, gap)
    if (negative := y < 0).any():
        notes.append(f"{int(negative.sum()):,} periods in which more came back than was sold count as 0")
        y = np.where(negative, 0.0, y)
    held = [a for a in attributes if a in sold.columns and a not in names]
    of = sold.group_by(names).agg(pl.col(a).drop_nulls().cast(pl.String).mode().min().alias(a) for a in held)
    described = series.drop("row").join(of, on=names, how="left", maintain_order="left") if held else series.drop("row")
    return Panel(described, tuple(names), frequency, first, y, available, table), notes


def _rarer(there: BoolArray, alive: BoolArray) -> tuple[int, float] | None:
    """A series whose rows come as regularly as others', but more rarely, and how often; None where there is none.

    >>> there = np.array([[True] * 12, [True, False, False] * 4])
    >>> _rarer(there, np.ones_like(there))
    (1, 3.0)
    """
    rows, length = there.sum(axis=1), alive.sum(axis=1)
    for s in np.flatnonzero((rows >= 4) & (rows < 0.6 * length)):
        steps = np.diff(np.flatnonzero(there[s]))
        if steps.min() >= 2 and steps.max() - steps.min() <= 1:
            return int(s), float(np.median(steps))
    return None


def _available(stocked: pl.DataFrame, sold: FloatArray, frequency: Frequency, period: IntArray) -> FloatArray:
    """Share of each period with stock: by days where they are known, else whether any was left or sold."""
    from features.periods import first_day

    if "days_in_stock" in stocked.columns:
        length = (first_day(period + 1, frequency) - first_day(period, frequency)).astype(np.float64)
        days = stocked["days_in_stock"].cast(pl.Float64).to_numpy()
        return np.where(np.isfinite(days), np.clip(days / length, 0, 1), 1.0)
    if "on_hand" in stocked.columns:
        left = stocked["on_hand"].cast(pl.Float64).fill_null(1.0).to_numpy()
        return np.where((left > 0) | (np.nan_to_num(sold) > 0), 1.0, 0.0)
    return np.ones(stocked.height)


def _alive(there: BoolArray, *, ends: bool) -> BoolArray:
    """From a series' first row on; up to its last where rows come in every period of its life."""
    begun = np.maximum.accumulate(there, axis=1)
    if not ends:
        return begun
    return np.asarray(begun & np.maximum.accumulate(there[:, ::-1], axis=1)[:, ::-1])


def _interpolated(y: FloatArray, gap: BoolArray) -> FloatArray:
    found = y.copy()
    for s in np.flatnonzero(gap.any(axis=1)):
        known = np.flatnonzero(np.isfinite(y[s]))
        if len(known):
            at = np.flatnonzero(gap[s])
            found[s, at] = np.interp(at, known, y[s, known])
    return found
