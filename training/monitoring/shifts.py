"""Shift of one feature in a new month against the reference months: location, shape, unseen values, missing values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ml.domain.arrays import IntArray
from ml.domain.statistics.distribution_shift import NumericReference, ShareShift, cell_shift, month_cells, share_shift

Kind = Literal["location", "shape", "values", "unseen", "missing"]
MAX_VALUES = 20  # categories that are compared one by one; the others are compared together
OTHER = "(other)"


@dataclass(frozen=True)
class Component:
    """One way in which a feature can shift.

    Attributes
    ----------
    kind : {'location', 'shape', 'values', 'unseen', 'missing'}
        Values are higher or lower; the share of a range of values; the share of a category; the share of rows with a
        category that the reference never has; the share of rows without a value.
    p_value : float
        Probability of a shift at least as large without drift, corrected for the number of components and values.
    effect : float
        In standard deviations of a row, above 0 for higher values or shares.
    before, after : float or None
        Share in the reference and in the new month; None for 'location'.
    value : str
        Range or category of 'shape', 'values' and 'unseen'; else empty.
    """

    kind: Kind
    p_value: float
    effect: float
    before: float | None = None
    after: float | None = None
    value: str = ""


@dataclass(frozen=True)
class Shift:
    """Shift of a feature in one new month, as returned by `FeatureReference.compare`.

    Attributes
    ----------
    components : tuple of Component
        All that could be tested, at least one.
    floor : float
        Smallest effect that counts, in standard deviations of a row.
    """

    components: tuple[Component, ...]
    floor: float

    @property
    def main(self) -> Component:
        """Return the most significant component, among those with an effect of at least `floor` if there are any."""
        return min(self.components, key=lambda c: (abs(c.effect) < self.floor, c.p_value))

    @property
    def shown(self) -> Component:
        """Return the component to show: the main one if its effect counts, else location or values."""
        if abs(self.main.effect) >= self.floor:
            return self.main
        return next((c for c in self.components if c.kind in ("location", "values")), self.main)

    @property
    def p_value(self) -> float:
        """Return the p-value of the main component, corrected for the number of components."""
        return self.main.p_value

    def is_alarm(self, level: float) -> bool:
        """Return whether a component is significant at a level, and its effect is at least `floor`."""
        return any(c.p_value <= level and abs(c.effect) >= self.floor for c in self.components)


class FeatureReference:
    """Values of a feature in the reference months.

    Parameters
    ----------
    values : polars.Series
        Numbers, flags or texts; null and NaN are missing.
    months : ndarray of int, shape (n_rows,)
        Number of the month of each row.
    floor : float
        Smallest effect that counts, in standard deviations of a row.

    Attributes
    ----------
    is_number : bool
        Whether the values are numbers or flags.
    values : tuple of str
        The most frequent categories, which are compared one by one.
    categories : frozenset of str
        All categories of the reference.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> months = np.repeat(np.arange(12), 200)
    >>> reference = FeatureReference(pl.Series(rng.choice(["a", "b"], 2_400)), months, floor=0.1)
    >>> reference.compare(pl.Series(["a", "b"] * 100)).is_alarm(0.001)
    False
    >>> shift = reference.compare(pl.Series(["a", "c"] * 100))
    >>> shift.is_alarm(0.001), sorted(c.kind for c in shift.components if c.p_value < 0.001)
    (True, ['unseen', 'values'])
    """

    def __init__(self, values: pl.Series, months: IntArray, *, floor: float) -> None:
        self.floor = floor
        self.is_number = values.dtype.is_numeric() or values.dtype == pl.Boolean
        present = _present(values)
        counts = month_cells(present.astype(np.int64), months, 2)
        self._missing, self._rows = counts[:, 0], counts.sum(axis=1)
        clean, months = values.filter(pl.Series(present)), months[present]
        self._numeric: NumericReference | None = None
        self.values: tuple[str, ...] = ()
        self.categories: frozenset[str] = frozenset()
        self._constant: float | None = None
        if not len(clean):
            return
        if self.is_number:
            numbers = clean.cast(pl.Float64).to_numpy()
            if numbers.min() == numbers.max():
                self._constant = float(numbers[0])
            else:
                self._numeric = NumericReference(numbers, months)
        else:
            self._read_categories(clean.cast(pl.String), months)

    def _read_categories(self, texts: pl.Series, months: IntArray) -> None:
        counted = pl.DataFrame({"value": texts, "month": months}).group_by("value")
        table = counted.agg(pl.len(), pl.col("month").n_unique().alias("months")).sort(
            ["len", "value"], descending=[True, False]
        )
        # Categories that come and go with a month are compared together, with those that are new.
        lasting = table.filter((pl.col("months") > 1) | (len(np.unique(months)) == 1))
        self.values = tuple(lasting["value"][:MAX_VALUES].to_list())
        self.categories = frozenset(table["value"].to_list())
        single = frozenset(table.filter(pl.col("months") == 1)["value"].to_list())
        self._cells = month_cells(self._category_cells(texts), months, len(self.values) + 1)
        # A category that one reference month alone has would have been unseen in that month.
        is_single = texts.is_in(list(single)).to_numpy().astype(np.int64)
        self._singles = month_cells(is_single, months, 2)

    def _category_cells(self, texts: pl.Series) -> IntArray:
        place = {value: i for i, value in enumerate(self.values)}
        return np.array([place.get(v, len(place)) for v in texts.to_list()], dtype=np.int64)

    def compare(self, values: pl.Series, *, months: int = 1) -> Shift:
        """Test the values of new rows.

        Parameters
        ----------
        values : polars.Series
            At least one row, of the type of the reference.
        months : int
            Number of successive months of the rows.

        Returns
        -------
        Shift
            Its p-values are corrected for the number of components.
        """
        present = _present(values)
        missing = share_shift(self._missing, self._rows, int((~present).sum()), len(values), months=months)
        components = [_of_share("missing", missing)]
        clean = values.filter(pl.Series(present))
        if len(clean):
            components += self._of_values(clean, months)
        n = len(components)
        return Shift(
            tuple(Component(c.kind, min(c.p_value * n, 1.0), c.effect, c.before, c.after, c.value) for c in components),
            self.floor,
        )

    def _of_values(self, clean: pl.Series, months: int) -> Iterable[Component]:
        if self._constant is not None:
            different = int((clean.cast(pl.Float64) != self._constant).sum())
            counts = self._rows - self._missing
            share = share_shift(counts * 0, counts, different, len(clean), months=months)
            yield _of_share("shape", share, f"≠ {self._constant:g}")
        elif self._numeric is not None:
            numbers = clean.cast(pl.Float64).to_numpy()
            location = self._numeric.location(numbers, months=months)
            yield Component("location", location.p_value, location.effect)
            shape = self._numeric.shape(numbers, floor=self.floor, months=months)
            cell = shape.share
            yield Component("shape", shape.p_value, cell.effect, cell.before, cell.after, self._range(shape.cell))
        elif self.values:
            yield from self._of_categories(clean.cast(pl.String), months)

    def _of_categories(self, texts: pl.Series, months: int) -> Iterable[Component]:
        new = np.bincount(self._category_cells(texts), minlength=len(self.values) + 1)
        cell = cell_shift(self._cells, new, floor=self.floor, months=months)
        name = self.values[cell.cell] if cell.cell < len(self.values) else OTHER
        yield Component("values", cell.p_value, cell.share.effect, cell.share.before, cell.share.after, name)
        unseen = texts.filter(~texts.is_in(list(self.categories)))
        share = share_shift(self._singles[:, 1], self._singles.sum(axis=1), len(unseen), len(texts), months=months)
        names = unseen.value_counts(sort=True)[unseen.name or ""][:3].to_list() if len(unseen) else []
        yield _of_share("unseen", share, ", ".join(names))

    def _range(self, cell: int) -> str:
        """Return the range of a cell, in the unit of the values, such as '(0, 1]'."""
        edges = self._numeric.edges if self._numeric is not None else np.empty(0)
        low = "-∞" if cell == 0 else f"{edges[cell - 1]:,.6g}"
        return f"({low}, ∞)" if cell == len(edges) else f"({low}, {edges[cell]:,.6g}]"


def _present(values: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether each value is neither null nor NaN nor infinite."""
    if values.dtype.is_float():
        return values.is_finite().fill_null(False).to_numpy()
    return values.is_not_null().to_numpy()


def _of_share(kind: Kind, share: ShareShift, value: str = "") -> Component:
    return Component(kind, share.p_value, share.effect, share.before, share.after, value)
