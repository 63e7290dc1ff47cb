"""Optimal binning of one feature (optbinning) and the weight of evidence of each bin, as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from ml.domain.arrays import FloatArray

TRENDS = {1: "ascending", -1: "descending"}
MIN_TOTAL_WEIGHT = 1e6  # optbinning truncates weighted counts to integers: larger totals make the loss negligible


@dataclass(frozen=True)
class BinningRules:
    """Binning hyperparameters of `fit_bins`; `WoeScorecard` has parameters of the same names.

    Attributes
    ----------
    max_prebins, max_bins : int
        Maximum number of bins of the initial fine binning, and of final bins without that of missing values.
    min_prebin_share, min_bin_share : float
        Minimum fraction of the rows in an initial and in a final bin.
    trend : str
        optbinning's `monotonic_trend` of numeric columns without a required direction, such as "auto_heuristic".
    time_limit : int
        Maximum solver time in seconds.
    prior_rows : float
        Rows with the overall rate added to each bin before its weight of evidence is computed.
    """

    max_prebins: int
    min_prebin_share: float
    max_bins: int
    min_bin_share: float
    trend: str
    time_limit: int
    prior_rows: float


@dataclass(frozen=True)
class FeatureBins:
    """Bins of one feature; the last bin holds missing values. Returned by `fit_bins`.

    Attributes
    ----------
    edges : list of float
        Numeric feature: inner edges in increasing order; a bin includes its lower edge. Empty for categories.
    groups : list of list of float, or None
        Categorical feature: the codes of each bin. Codes in no group fall in the bin of missing values. None for
        numeric features.
    woe : list of float
        Weight of evidence of each bin, `ln(share of bads / share of goods)`, where a bad is a row with outcome 1.
    counts, bads : list of float
        Sum of the weights of all rows and of the bads in each bin.
    """

    edges: list[float]
    groups: list[list[float]] | None
    woe: list[float]
    counts: list[float]
    bads: list[float]

    @property
    def steps(self) -> tuple[list[float], list[int]]:
        """The bins as a step function: edges, and the bin of each of the `len(edges) + 1` intervals.

        A category code `c` is the interval from `c` to `c + 1`; gaps between codes fall in the bin of missing values.

        >>> from ml.estimators.woe_bins import FeatureBins
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
        """Text for each bin: an interval, a set of codes, or 'missing'.

        >>> from ml.estimators.woe_bins import FeatureBins
        >>> FeatureBins([1.5], None, [0.1, 0.2, 0.0], [9, 9, 0], [1, 2, 0]).labels
        ['[-inf, 1.5)', '[1.5, inf)', 'missing']
        """
        if self.groups is None:
            ends = ["-inf", *(f"{edge:.6g}" for edge in self.edges), "inf"]
            return [*(f"[{low}, {high})" for low, high in pairwise(ends)), "missing"]
        return [*("{" + ", ".join(f"{code:g}" for code in group) + "}" for group in self.groups), "missing"]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict, ready for JSON.

        Examples
        --------
        >>> from ml.estimators.woe_bins import FeatureBins
        >>> bins = FeatureBins([1.5], None, [0.1, 0.2, 0.0], [9, 9, 0], [1, 2, 0])
        >>> FeatureBins.from_dict(bins.as_dict()) == bins
        True
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Return the bins stored in `content`, a dict as returned by `as_dict`.

        Raises
        ------
        KeyError, TypeError, ValueError
            A field is missing, is not numeric, or contradicts another.
        """
        numbers = {name: [float(v) for v in content[name]] for name in ("edges", "woe", "counts", "bads")}
        groups = None if content["groups"] is None else [[float(c) for c in group] for group in content["groups"]]
        bins = cls(groups=groups, **numbers)
        size = 1 + (len(bins.edges) + 1 if groups is None else len(groups))
        if not len(bins.woe) == len(bins.counts) == len(bins.bads) == size:
            raise ValueError(f"woe, counts and bads must each have {size} values, one per bin")
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
    """Bin one feature and compute the weight of evidence of each bin.

    Parameters
    ----------
    x : ndarray of shape (n_rows,)
        Values or category codes; NaN is missing.
    y : ndarray of shape (n_rows,)
        0 or 1.
    weight : ndarray of shape (n_rows,)
        Weights of the rows, above 0.
    column : int
        Position of the feature, for error messages.
    categorical : bool
        True where `x` holds category codes.
    direction : {-1, 0, 1}
        Required trend of the rate of 1 along `x`; 0 leaves it to `rules.trend`.
    rules : BinningRules
        Binning hyperparameters.

    Returns
    -------
    FeatureBins
        Bins with their weights of evidence and counts.

    Raises
    ------
    ConfigError
        optbinning finds no feasible bins under these rules.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.woe_bins import BinningRules, fit_bins
    >>> rules = BinningRules(10, 0.05, 3, 0.05, trend="auto_heuristic", time_limit=5, prior_rows=20.0)
    >>> x = np.repeat([1.0, 2.0, 3.0, 4.0], 50)
    >>> y = (np.arange(200) % 4 < x - 1).astype(float)
    >>> fit_bins(x, y, np.ones(200), column=0, categorical=False, direction=1, rules=rules).edges
    [2.5, 3.5]
    """
    present = ~np.isnan(x)
    edges: list[float] = []
    groups = [np.unique(x[present]).tolist()] if categorical else None
    if len(np.unique(x[present])) > 1 and len(np.unique(y[present])) > 1:
        splits = _optimal_splits(x[present], y[present], weight[present], column, categorical, direction, rules)
        edges, groups = ([], splits) if categorical else (splits, None)
    bins = FeatureBins(edges, groups, [], [], [])
    bin_of_row = assign_bins(x, bins)
    size = 1 + (len(edges) + 1 if groups is None else len(groups))
    counts = np.asarray(np.bincount(bin_of_row, weights=weight, minlength=size), dtype=np.float64)
    bads = np.asarray(np.bincount(bin_of_row, weights=weight * y, minlength=size), dtype=np.float64)
    woe = _weight_of_evidence(counts, bads, rate=float(weight @ y / weight.sum()), prior_rows=rules.prior_rows)
    return FeatureBins(edges, groups, woe.tolist(), counts.tolist(), bads.tolist())


def assign_bins(x: FloatArray, bins: FeatureBins) -> npt.NDArray[np.intp]:
    """Return the position of each value's bin.

    Parameters
    ----------
    x : ndarray of shape (n_rows,)
        Values or category codes; NaN is missing.
    bins : FeatureBins
        As returned by `ml.estimators.woe_bins.fit_bins`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Positions in `bins.woe`; the last one for missing values and unknown codes.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.woe_bins import FeatureBins, assign_bins
    >>> assign_bins(np.array([1.0, 1.5, np.nan]), FeatureBins([1.5], None, [], [], [])).tolist()
    [0, 1, 2]
    """
    edges, bin_between = bins.steps
    missing = len(edges) + 1 if bins.groups is None else len(bins.groups)
    return np.where(np.isnan(x), missing, np.array(bin_between)[np.searchsorted(edges, x, side="right")])


def _weight_of_evidence(counts: FloatArray, bads: FloatArray, *, rate: float, prior_rows: float) -> FloatArray:
    """Return the weight of evidence after adding `prior_rows` rows of the overall rate; 0 where it is undefined."""
    bad, good = bads + prior_rows * rate, counts - bads + prior_rows * (1 - rate)
    defined = (counts > 0) & (bad > 0) & (good > 0)
    odds = np.divide(bad, good, out=np.ones_like(bad), where=defined)
    return np.where(defined, np.log(odds) - np.log(rate / (1 - rate)), 0.0)


def _optimal_splits(
    x: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    column: int,
    categorical: bool,
    direction: int,
    rules: BinningRules,
) -> Any:
    from optbinning import OptimalBinning  # slow to import, and not installed for serving

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
    equal_weights = weight.min() == weight.max()
    binning.fit(
        x,
        y.astype(int),
        sample_weight=None if equal_weights else weight * (max(MIN_TOTAL_WEIGHT, len(x)) / weight.sum()),
    )
    if binning.status not in ("OPTIMAL", "FEASIBLE"):
        raise ConfigError(
            f"column {column}: optbinning found no bins ({binning.status}); raise time_limit or lower min_bin_share"
        )
    if categorical:
        return [[float(code) for code in group] for group in binning.splits]
    return [float(edge) for edge in binning.splits]
