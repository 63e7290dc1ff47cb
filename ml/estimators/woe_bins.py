"""Bins of one feature and the evidence in each: found by optbinning, kept as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from ml.domain.arrays import FloatArray

TRENDS = {1: "ascending", -1: "descending"}
EXACT = 1e6  # optbinning cuts weighted counts down to integers: weights are scaled until that loses nothing


@dataclass(frozen=True)
class BinningRules:
    """How optbinning is asked to cut; see `ml.estimators.woe_scorecard.WoeScorecard`."""

    max_prebins: int
    min_prebin_share: float
    max_bins: int
    min_bin_share: float
    trend: str
    time_limit: int
    prior_rows: float


@dataclass(frozen=True)
class FeatureBins:
    """Bins of one feature, the last one for missing values.

    Attributes
    ----------
    edges : list of float
        Number column: inner edges, increasing; a value equal to an edge lies in the bin above it.
    groups : list of list of float, or None
        Category column: the codes of each bin. A code in no group counts as missing.
    woe : list of float
        Weight of evidence, `ln(share of bads / share of goods)`, of each bin.
    counts, bads : list of float
        Weight of the rows, and of those with outcome 1, in each bin.
    """

    edges: list[float]
    groups: list[list[float]] | None
    woe: list[float]
    counts: list[float]
    bads: list[float]

    @property
    def steps(self) -> tuple[list[float], list[int]]:
        """The bins as one step function: edges, and the bin between each two of them.

        A code `c` is the interval from `c` to `c + 1`; the gaps between codes belong to the last bin.

        >>> FeatureBins([], [[0.0, 4.0], [1.0]], [0.1, 0.2, 0.0], [9, 9, 0], [1, 2, 0]).steps
        ([0.0, 1.0, 2.0, 4.0, 5.0], [2, 0, 1, 2, 0, 2])
        """
        if self.groups is None:
            return self.edges, list(range(len(self.edges) + 1))
        missing = len(self.groups)
        bin_of = {code: i for i, group in enumerate(self.groups) for code in group}
        edges = sorted({edge for code in bin_of for edge in (code, code + 1)})
        return edges, [missing, *(bin_of.get(edge, missing) for edge in edges)]

    @property
    def labels(self) -> list[str]:
        """A name for each bin.

        >>> FeatureBins([1.5], None, [0.1, 0.2, 0.0], [9, 9, 0], [1, 2, 0]).labels
        ['[-inf, 1.5)', '[1.5, inf)', 'missing']
        """
        if self.groups is None:
            ends = ["-inf", *(f"{edge:.6g}" for edge in self.edges), "inf"]
            return [*(f"[{low}, {high})" for low, high in pairwise(ends)), "missing"]
        return [*("{" + ", ".join(f"{code:g}" for code in group) + "}" for group in self.groups), "missing"]

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Restore what `as_dict` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            The fields are not there, are no numbers, or contradict each other.
        """
        numbers = {name: [float(v) for v in content[name]] for name in ("edges", "woe", "counts", "bads")}
        groups = None if content["groups"] is None else [[float(c) for c in group] for group in content["groups"]]
        bins = cls(groups=groups, **numbers)
        size = 1 + (len(bins.edges) + 1 if groups is None else len(groups))
        if not len(bins.woe) == len(bins.counts) == len(bins.bads) == size:
            raise ValueError(f"{size} bins need as many woe, counts and bads")
        if any(low >= high for low, high in pairwise(bins.edges)):
            raise ValueError(f"edges must increase, got {bins.edges}")
        return bins


def fit_bins(
    x: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    *,
    column: int,
    categorical: bool,
    direction: int,
    rules: BinningRules,
) -> FeatureBins:
    """Cut one feature and weigh the evidence in each bin.

    Parameters
    ----------
    x, y, weight : array of shape (n_rows,)
        Values (NaN is missing), outcomes and weights.
    column : int
        Position of the feature, for errors.
    categorical : bool
        Whether values are codes.
    direction : {-1, 0, 1}
        Direction in which the rate of 1 must move as a number grows; 0 leaves it to `rules.trend`.
    rules : BinningRules
        How to cut.

    Raises
    ------
    ConfigError
        optbinning found no bins under these rules.
    """
    there = ~np.isnan(x)
    edges: list[float] = []
    groups = [np.unique(x[there]).tolist()] if categorical else None
    if len(np.unique(x[there])) > 1 and len(np.unique(y[there])) > 1:
        cut = _cut(x[there], y[there], weight[there], column, categorical, direction, rules)
        edges, groups = ([], cut) if categorical else (cut, None)
    bins = FeatureBins(edges, groups, [], [], [])
    place = assign_bins(x, bins)
    size = 1 + (len(edges) + 1 if groups is None else len(groups))
    counts = np.asarray(np.bincount(place, weights=weight, minlength=size), dtype=np.float64)
    bads = np.asarray(np.bincount(place, weights=weight * y, minlength=size), dtype=np.float64)
    woe = _evidence(counts, bads, rate=float(weight @ y / weight.sum()), prior_rows=rules.prior_rows)
    return FeatureBins(edges, groups, woe.tolist(), counts.tolist(), bads.tolist())


def assign_bins(x: FloatArray, bins: FeatureBins) -> npt.NDArray[np.intp]:
    """Bin of each value.

    >>> assign_bins(np.array([1.0, 1.5, np.nan]), FeatureBins([1.5], None, [], [], [])).tolist()
    [0, 1, 2]
    """
    edges, bin_between = bins.steps
    missing = len(edges) + 1 if bins.groups is None else len(bins.groups)
    return np.where(np.isnan(x), missing, np.array(bin_between)[np.searchsorted(edges, x, side="right")])


def _evidence(counts: FloatArray, bads: FloatArray, *, rate: float, prior_rows: float) -> FloatArray:
    """Weight of evidence after adding rows of the average rate; 0 where nothing can be said."""
    bad, good = bads + prior_rows * rate, counts - bads + prior_rows * (1 - rate)
    known = (counts > 0) & (bad > 0) & (good > 0)
    odds = np.divide(bad, good, out=np.ones_like(bad), where=known)
    return np.where(known, np.log(odds) - np.log(rate / (1 - rate)), 0.0)


def _cut(
    x: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    column: int,
    categorical: bool,
    direction: int,
    rules: BinningRules,
) -> Any:
    from optbinning import OptimalBinning  # slow to import, and absent where models only answer

    trend = TRENDS.get(direction, rules.trend)
    binning = OptimalBinning(
        dtype="categorical" if categorical else "numerical",
        solver="cp",
        max_n_prebins=rules.max_prebins,
        min_prebin_size=rules.min_prebin_share,
        max_n_bins=rules.max_bins,
        min_bin_size=rules.min_bin_share,
        monotonic_trend=None if categorical else trend,
        time_limit=rules.time_limit,
        random_state=0,
    )
    equal = weight.min() == weight.max()
    binning.fit(x, y.astype(int), sample_weight=None if equal else weight * (max(EXACT, len(x)) / weight.sum()))
    if binning.status not in ("OPTIMAL", "FEASIBLE"):
        raise ConfigError(
            f"column {column}: optbinning found no bins ({binning.status}); raise time_limit or lower min_bin_share"
        )
    if categorical:
        return [[float(code) for code in group] for group in binning.splits]
    return [float(edge) for edge in binning.splits]
