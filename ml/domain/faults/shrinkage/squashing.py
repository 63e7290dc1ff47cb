"""Data squashing: cells of equal count and similar expected count are merged into one weighted point.

Source: W. DuMouchel and D. Pregibon, "Empirical Bayes Screening for Multi-item Associations", KDD 2001, section 5.
The bins are those of the R package openEBGM 0.9 (`squashData`, `autoSquash`), so that its published fits can be
reproduced: within a count, cells are sorted by expected count; the largest few, which differ most, stay single and the
others are averaged in bins of equal size; the last bin may hold fewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import Numbers, ShrinkageError, checked_cells

UNSQUASHED = (100, 75, 50, 25)
CUT_OFFS = (500, 1_000, 10_000, 100_000, 500_000, 1_000_000, 5_000_000)
POINTS = np.array([50, 75, 150, 500, 750, 1_000, 2_000, 5_000])


@dataclass(frozen=True)
class Bins:
    """Bins of the cells of one count.

    Parameters
    ----------
    size : int
        Cells per bin, at least 2.
    unsquashed : int
        Number of cells with the largest expected counts that stay single.

    Raises
    ------
    ShrinkageError
        A number is out of its range.
    """

    size: int
    unsquashed: int

    def __post_init__(self) -> None:
        if self.size < 2 or self.unsquashed < 0:
            raise ShrinkageError(f"size must be at least 2 and unsquashed at least 0, got {self}: correct the bins")


@dataclass(frozen=True)
class Points:
    """Weighted points that represent cells, as returned by `squash`.

    Attributes
    ----------
    count, expected, weight : array of shape (n_points,)
        Events, mean expected events, and the number of cells that a point represents.
    """

    count: FloatArray
    expected: FloatArray
    weight: FloatArray


def automatic_bins(count: npt.ArrayLike) -> dict[int, Bins]:
    """Return the bins for every count of more than 101 cells, chosen as by openEBGM's `autoSquash`.

    Parameters
    ----------
    count : array
        Events of each cell.

    Returns
    -------
    dict of int to Bins
        By count; cells of other counts stay single.

    Examples
    --------
    >>> automatic_bins([1] * 1_100 + [2] * 30)
    {1: Bins(size=6, unsquashed=100)}
    """
    values, cells = np.unique(np.asarray(count), return_counts=True)
    frequent = cells > max(UNSQUASHED) + 1
    bins = {}
    for rank, (value, n) in enumerate(zip(values[frequent].tolist(), cells[frequent].tolist(), strict=True)):
        unsquashed = UNSQUASHED[min(rank, len(UNSQUASHED) - 1)]
        points = int(POINTS[np.searchsorted(CUT_OFFS, n - unsquashed, side="right")])
        bins[int(value)] = Bins(max((n - unsquashed) // points, 2), unsquashed)
    return bins


def squash(count: npt.ArrayLike, expected: npt.ArrayLike, *, bins: Mapping[int, Bins] | None = None) -> Points:
    """Return fewer, weighted points with nearly the same likelihood as the cells.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Events and expected events.
    bins : mapping of int to Bins, optional
        Bins by count; cells of other counts stay single. `automatic_bins(count)` by default.

    Returns
    -------
    Points
        Sorted by count and expected count. The sums of weight and of weight times expected count equal those of the
        cells.

    Raises
    ------
    ShrinkageError
        A count or expected count is out of its range, or `bins` names a count with fewer cells than one bin.

    Examples
    --------
    >>> points = squash([1, 1, 1, 2], [0.3, 0.1, 0.9, 5.0], bins={1: Bins(size=2, unsquashed=1)})
    >>> [array.tolist() for array in (points.count, points.expected, points.weight)]
    [[1.0, 1.0, 2.0], [0.2, 0.9, 5.0], [2.0, 1.0, 1.0]]
    """
    counts, expectations = (array.ravel() for array in checked_cells(count, expected))
    chosen = automatic_bins(counts) if bins is None else bins
    order = np.argsort(counts, kind="stable")
    values, starts = np.unique(counts[order], return_index=True)
    if missing := sorted(set(chosen) - {int(value) for value in values}):
        raise ShrinkageError(f"bins must name counts that occur, got {missing[0]}: remove it from the bins")
    parts = [
        _squash_one(float(value), np.sort(expectations[cells].astype(np.float64)), chosen.get(int(value)))
        for value, cells in zip(values, np.split(order, starts[1:]), strict=True)
    ]
    return Points(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _squash_one(value: float, expected: Numbers, bins: Bins | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    squashed, size = (0, 1) if bins is None else (len(expected) - bins.unsquashed, bins.size)
    if bins is not None and squashed < size:
        cells = f"{len(expected)} cells of count {value:g}"
        raise ShrinkageError(
            f"bins: size plus unsquashed must not exceed the cells of the count, got {bins} for {cells}: reduce them"
        )
    starts = np.arange(0, squashed, size)
    sums = np.add.reduceat(expected[:squashed], starts) if squashed else np.empty(0)
    weight = np.concatenate([np.diff(starts, append=squashed), np.ones(len(expected) - squashed)])
    means = np.concatenate([sums, expected[squashed:]]) / weight
    return np.full(len(weight), value), means, weight.astype(np.float64)
