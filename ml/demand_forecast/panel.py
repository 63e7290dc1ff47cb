"""The panel: sales, time in stock and drivers of all series over the same periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.demand_forecast import PERIOD
from features.errors import DataError
from features.periods import SEASONS, Frequency, period_label
from features.plurals import count_text
from ml.artefacts.json_files import content_of, from_json, to_json
from ml.artefacts.npz import from_npz, to_npz
from ml.domain.arrays import BoolArray, FloatArray, IntArray

_FEW_REPEATED = 0.05  # share of series and periods with several rows up to which these are probably repetitions
_FILLED = {"zero": "counted as 0", "interpolate": "interpolated", "unknown": "left unknown and not used"}


@dataclass(frozen=True)
class Panel:
    """Sales, time in stock and drivers of all series over the same periods.

    Returned by `ml.demand_forecast.panel.build_panel`, or constructed as in the example. That of the champion is
    ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator.panel``.

    Attributes
    ----------
    series : DataFrame
        One row per series: its key columns, then its attributes (text).
    keys : tuple of str
        Key columns, for example ``("store_id", "model")``.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    first : int
        Number of the period in column 0, counted from 1970 (`features.periods.period_of_day`).
    sold : ndarray of shape (n_series, n_periods)
        Units sold; NaN before a series' first row, after its last one if series can end, and where the quantity is
        missing.
    available : ndarray of shape (n_series, n_periods)
        Share of the period with stock, 0 to 1; 1 where stock is not recorded.
    drivers : mapping of str to ndarray of shape (n_series, n_periods)
        `price` (fen), `promotion` and the dealership's own numeric columns; NaN where missing.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> sold = np.array([[4.0, 6, 5]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=672,
    ...     sold=sold, available=np.ones_like(sold))
    >>> panel.name(2), panel.until(1).sold.tolist(), panel.codes("model").tolist()
    ('2026-03', [[4.0]], [0])
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
        """Number of columns."""
        return int(self.sold.shape[1])

    @property
    def season(self) -> int:
        """Length of a season in periods: 7 days, 52 weeks or 12 months."""
        return int(SEASONS[self.frequency])

    @cached_property
    def begin(self) -> IntArray:
        """First column with a quantity (0 included) of each series, shape (n_series,); `periods` if it has none."""
        observed = np.isfinite(self.sold)
        return np.where(observed.any(axis=1), observed.argmax(axis=1), self.periods).astype(np.int64)

    @cached_property
    def end(self) -> IntArray:
        """Column after the last one with a quantity of each series, shape (n_series,); 0 if it has none."""
        observed = np.isfinite(self.sold)
        return np.where(observed.any(axis=1), self.periods - observed[:, ::-1].argmax(axis=1), 0).astype(np.int64)

    @cached_property
    def is_count(self) -> bool:
        """Whether all quantities are whole numbers."""
        quantities = self.sold[np.isfinite(self.sold)]
        return bool((quantities == np.rint(quantities)).all())

    def until(self, column: int) -> Panel:
        """Return the panel of the columns before `column`; drivers keep all columns, because some are known ahead."""
        return replace(self, sold=self.sold[:, :column], available=self.available[:, :column])

    def take(self, rows: NDArray[np.intp]) -> Panel:
        """Return the panel of the series at `rows` (integer positions, in the order of the result)."""
        drivers = {n: v[rows] for n, v in self.drivers.items()}
        return replace(
            self, series=self.series[rows], sold=self.sold[rows], available=self.available[rows], drivers=drivers
        )

    def codes(self, column: str) -> IntArray:
        """Return the code of each series' value in a column of `series`, int64 of shape (n_series,).

        Codes number the sorted values from 0; a missing value counts as the empty text. A column that `series` does not
        have raises Polars' ColumnNotFoundError.
        """
        values = self.series[column].fill_null("").cast(pl.String)
        return np.unique(values.to_numpy().astype(str), return_inverse=True)[1].astype(np.int64)

    def name(self, column: int) -> str:
        """Return the label of a column's period: ``2026-02`` for a month, ``2026-02-09`` for a week or a day.

        `column` counts from 0 and may lie after the last one.
        """
        return period_label(self.first + column, self.frequency)

    def to_files(self, name: str) -> dict[str, bytes]:
        """Return the contents of `name`.json (series, keys, frequency) and `name`.npz (arrays)."""
        header = {
            "series": self.series.to_dict(as_series=False),
            "keys": self.keys,
            "frequency": self.frequency,
            "first": self.first,
            "drivers": list(self.drivers),
        }
        numbers = {"sold": self.sold, "available": self.available}
        numbers |= {f"driver_{i}": values for i, values in enumerate(self.drivers.values())}
        return {f"{name}.json": to_json(header), f"{name}.npz": to_npz(numbers)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str) -> Panel:
        """Restore a panel from the files of `to_files`, given their contents by file name and the same `name`.

        Raises
        ------
        ModelNotFound
            A file is missing.
        DataError
            A file is damaged.
        """
        header = from_json(files, f"{name}.json", keys=frozenset({"series", "keys", "frequency", "first", "drivers"}))
        numbers: dict[str, Any] = dict(from_npz(content_of(files, f"{name}.npz"), f"{name}.npz"))
        schema = dict.fromkeys(header["series"], pl.String)
        drivers = {n: numbers[f"driver_{i}"] for i, n in enumerate(header["drivers"])}
        return cls(
            pl.DataFrame(header["series"], schema=schema),
            tuple(header["keys"]),
            header["frequency"],
            header["first"],
            numbers["sold"],
            numbers["available"],
            drivers,
        )


def build_panel(
    sold: pl.DataFrame,
    stocked: pl.DataFrame | None,
    *,
    keys: Sequence[str],
    frequency: Frequency,
    attributes: Sequence[str] = (),
    drivers: Sequence[str] = (),
    one_row_each: bool = False,
    duplicates: Literal["add", "refuse"] | None = None,
    gaps: Literal["zero", "interpolate", "unknown", "refuse"] = "zero",
) -> tuple[Panel, list[str]]:
    """Pivot sales and stock by series and period into a panel.

    Parameters
    ----------
    sold : DataFrame
        Sales by series and period, as collected from `features.demand_forecast.sales_by_period`: `keys` (text), and
        `period`, `rows`, `quantities`, `quantity`; optionally `price`, `promotion`, attributes and drivers.
    stocked : DataFrame or None
        Stock by series and period, as collected from `features.demand_forecast.stock_by_period`; None without stock.
    keys : sequence of str
        Columns of both tables that identify a series.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    attributes, drivers : sequence of str
        Columns of `sold` that describe a series (text), and numeric ones that change by period.
    one_row_each : bool
        Whether the source has one row per series and period. A series then ends at its last row, and data that are
        mostly gaps are an error.
    duplicates : {'add', 'refuse'}, optional
        Whether several rows of a series in one period are added up, or an error; by default an error if `one_row_each`.
    gaps : {'zero', 'interpolate', 'unknown', 'refuse'}
        Sales of a period without a row between a series' first and last row: 0, interpolated, NaN, or an error. With
        'zero' and without `one_row_each` and stock, the periods after its last row are 0 too.

    Returns
    -------
    panel : Panel
        Series sorted by their keys, periods from the first to the last row of either table.
    notes : list of str
        What was filled or corrected, for the report.

    Raises
    ------
    DataError
        No rows; duplicate rows or refused gaps; or rows at another frequency than `frequency`.

    Examples
    --------
    Model a sells three vehicles in February and one in April 2026, model b two in March.

    >>> import polars as pl
    >>> columns = ["model", "period", "rows", "quantities", "quantity"]
    >>> rows = [("a", 673, 3, 3, 3.0), ("a", 675, 1, 1, 1.0), ("b", 674, 2, 2, 2.0)]
    >>> sold = pl.DataFrame(rows, columns, orient="row")
    >>> panel, notes = build_panel(sold, None, keys=["model"], frequency="month")
    >>> panel.name(0), panel.sold.tolist(), notes
    ('2026-02', [[3.0, 0.0, 1.0], [nan, 2.0, 0.0]], [])
    """
    names = list(keys)
    if sold.height == 0:
        raise DataError(
            f"sales: no row has a value in {', '.join(names)} and sold_at; check the column mapping and params.series"
        )
    repeated = sold.filter(pl.col("rows") > 1)
    is_refused = duplicates == "refuse" or (duplicates is None and one_row_each)
    if is_refused and repeated.height:
        row = repeated.sort(*names, PERIOD).row(0, named=True)
        key = ", ".join(f"{n} {row[n]}" for n in names)
        setting = "params.rows: periods" if duplicates is None else "params.duplicates: refuse"
        raise DataError(
            f"sales: {row['rows']} rows of {key} in {period_label(row[PERIOD], frequency)}; with {setting} one row per "
            f"series and {frequency} is allowed: remove the duplicates, correct params.frequency, or set "
            "params.duplicates: add to add the rows up"
        )
    cells = sold.select(*names, PERIOD)
    if stocked is not None:
        cells = pl.concat([cells, stocked.select(*names, PERIOD)])
    series = cells.select(names).unique().sort(names).with_row_index("row")
    first, last = int(cells[PERIOD].min()), int(cells[PERIOD].max())  # type: ignore[arg-type]
    shape = (series.height, last - first + 1)

    def place(frame: pl.DataFrame) -> tuple[IntArray, IntArray]:
        row = frame.join(series, on=names, how="left", maintain_order="left")["row"].to_numpy().astype(np.int64)
        return row, frame[PERIOD].to_numpy().astype(np.int64) - first

    y, has_sales, has_stock = np.zeros(shape), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    available = np.ones(shape)
    r, c = place(sold)
    y[r, c] = np.where(sold["quantities"].to_numpy() > 0, sold["quantity"].to_numpy(), np.nan)
    has_sales[r, c] = True
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
        has_stock[r, c] = True
        available[r, c] = _available(stocked, y[r, c], frequency, stocked[PERIOD].to_numpy())
        for n in numbers:
            if n in stocked.columns:
                stock_value = stocked[n].cast(pl.Float64).to_numpy()
                table[n][r, c] = np.where(np.isfinite(stock_value), stock_value, table[n][r, c])
    notes = []
    if repeated.height and (one_row_each or repeated.height <= _FEW_REPEATED * sold.height):
        pairs = count_text(repeated.height, f"series and {frequency} has", f"series and {frequency}s have")
        notes.append(
            f"{pairs} several rows, {int(repeated['rows'].sum()):,} together, which were added up (params.duplicates: "
            "refuse names the first of them)"
        )
    alive = _alive(has_sales | has_stock, ends=one_row_each or gaps != "zero" or stocked is not None)
    gap = alive & ~has_sales & ~has_stock
    if (one_row_each or gaps != "zero") and gap.any():
        s, t = np.argwhere(gap)[0]
        key = ", ".join(f"{n} {series[n][int(s)]}" for n in names)
        if gaps == "refuse":
            raise DataError(
                f"sales: {key} has no row for {period_label(first + int(t), frequency)}; add it, set params.gaps to "
                f"zero, interpolate or unknown, or correct params.frequency ('{frequency}')"
            )
        share = gap.sum() / alive.sum()
        missing = count_text(int(gap.sum()), "missing period")
        notes.append(f"{missing} within series ({share:.1%}) {_FILLED[gaps]} (params.gaps: {gaps})")
        if one_row_each:
            _check_frequency(share, has_sales, alive, series, names, frequency)
    y = np.where(alive, y, np.nan)
    if gaps != "zero":
        y = np.where(gap, np.nan, y)
        if gaps == "interpolate":
            y = _interpolated(y, gap)
    if (negative := y < 0).any():
        notes.append(f"{count_text(int(negative.sum()), 'period')} with more returns than sales counted as 0")
        y = np.where(negative, 0.0, y)
    series = series.drop("row")
    if columns := [a for a in attributes if a in sold.columns and a not in names]:
        modes = [pl.col(a).drop_nulls().cast(pl.String).mode().min().alias(a) for a in columns]
        series = series.join(sold.group_by(names).agg(modes), on=names, how="left", maintain_order="left")
    return Panel(series, tuple(names), frequency, first, y, available, table), notes


def _check_frequency(
    share: float, has_sales: BoolArray, alive: BoolArray, series: pl.DataFrame, names: list[str], frequency: Frequency
) -> None:
    """Raise DataError if most periods are gaps, or a series has rows at a lower frequency than the others."""
    if share > 0.5:
        raise DataError(
            f"sales: {share:.0%} of the {frequency}s between the first and the last row of the series are missing: "
            f"the data is not by {frequency}; correct params.frequency, or set params.rows: transactions"
        )
    if (lower := _lower_frequency_series(has_sales, alive)) is not None:
        s, step = lower
        key = ", ".join(f"{n} {series[n][s]}" for n in names)
        raise DataError(
            f"sales: {key} has a row every {step:g} {frequency}s, other series every {frequency}: configure tables "
            "of different frequencies separately, or set params.rows: transactions"
        )


def _lower_frequency_series(has_sales: BoolArray, alive: BoolArray) -> tuple[int, float] | None:
    """Return the first series with regular but rarer rows, and its step in periods; None if there is none.

    >>> has_sales = np.array([[True] * 12, [True, False, False] * 4])
    >>> _lower_frequency_series(has_sales, np.ones_like(has_sales))
    (1, 3.0)
    """
    rows, length = has_sales.sum(axis=1), alive.sum(axis=1)
    for s in np.flatnonzero((rows >= 4) & (rows < 0.6 * length)):
        steps = np.diff(np.flatnonzero(has_sales[s]))
        if steps.min() >= 2 and steps.max() - steps.min() <= 1:
            return int(s), float(np.median(steps))
    return None


def _available(stocked: pl.DataFrame, sold: FloatArray, frequency: Frequency, period: IntArray) -> FloatArray:
    """Return the share of each period with stock, from days in stock, else 1 if stock was left or a sale was made."""
    from features.periods import first_day

    if "days_in_stock" in stocked.columns:
        length = (first_day(period + 1, frequency) - first_day(period, frequency)).astype(np.float64)
        days = stocked["days_in_stock"].cast(pl.Float64).to_numpy()
        return np.where(np.isfinite(days), np.clip(days / length, 0, 1), 1.0)
    if "on_hand" in stocked.columns:
        on_hand = stocked["on_hand"].cast(pl.Float64).fill_null(1.0).to_numpy()
        return np.where((on_hand > 0) | (np.nan_to_num(sold) > 0), 1.0, 0.0)
    return np.ones(stocked.height)


def _alive(has_row: BoolArray, *, ends: bool) -> BoolArray:
    """Return a mask of the periods from each series' first row on, and up to its last one if `ends`."""
    begun = np.maximum.accumulate(has_row, axis=1)
    if not ends:
        return begun
    return np.asarray(begun & np.maximum.accumulate(has_row[:, ::-1], axis=1)[:, ::-1])


def _interpolated(y: FloatArray, gap: BoolArray) -> FloatArray:
    filled = y.copy()
    for s in np.flatnonzero(gap.any(axis=1)):
        observed = np.flatnonzero(np.isfinite(y[s]))
        if len(observed):
            at = np.flatnonzero(gap[s])
            filled[s, at] = np.interp(at, observed, y[s, observed])
    return filled
