"""Forecasts of every level that add up: paths of all series together, whose sums are the paths of the levels.

Each series keeps its own calibrated distribution. What binds them is a Gaussian copula with a factor for everything
and one for each way of grouping; part of each factor, and of what is a series' own, lasts over the horizon, the rest
is new in every period. Quantiles of a level are those of the sums of paths: coherent in the sense of S. Ben Taieb,
J. W. Taylor and R. J. Hyndman (2021), Hierarchical probabilistic forecasting of electricity demand with smart meter
data, JASA 116. Levels do not add up quantile by quantile, and must not: that would take all series for moving as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.sparse import csr_matrix
from scipy.special import ndtr, ndtri

from features.errors import DataError
from ml.demand_forecast.forecast import GRID, Forecast, ForecastTable
from ml.demand_forecast.panel import Panel
from ml.domain.arrays import FloatArray, IntArray

PATHS = 400
BLOCK = 512  # series whose own noise is drawn together
MOST = 0.95  # of a score's variance that factors may explain
PRIOR_ORIGINS = 3.0  # origins that the prior shares are worth
PRIOR = (0.05, 0.01)  # shares of everything, and of each group, before anything is known
LASTING = 0.5  # share of a factor that lasts over the horizon, before anything is known
Paths = NDArray[np.float32]


@dataclass(frozen=True)
class Level:
    """A way to add series up.

    Attributes
    ----------
    columns : tuple of str
        Columns whose equal values make a node; none for everything.
    code : ndarray of shape (n_series,)
        Node of each series.
    names : list of tuple of str
        Values of each node.
    """

    columns: tuple[str, ...]
    code: IntArray
    names: list[tuple[str, ...]]


def levels_of(panel: Panel, columns: Sequence[Sequence[str]]) -> list[Level]:
    """The levels of a panel; a value that is not known is a node of its own, named by an empty text.

    Raises
    ------
    DataError
        A column is missing.
    """
    found = []
    for names in columns:
        absent = [c for c in names if c not in panel.series.columns]
        if absent:
            raise DataError(f"levels: the series have no column '{absent[0]}'; add it to params.attributes")
        if not names:
            found.append(Level((), np.zeros(len(panel.sold), dtype=np.int64), [()]))
            continue
        values = np.array([panel.series[c].fill_null("").to_numpy().astype(str) for c in names])
        each, code = np.unique(values, axis=1, return_inverse=True)
        found.append(Level(tuple(names), code.ravel().astype(np.int64), [tuple(map(str, v)) for v in each.T]))
    return found


@dataclass(frozen=True)
class Dependence:
    """How series move together.

    Attributes
    ----------
    shares : tuple of float
        Share of the variance of a series' normal score that each factor explains.
    lasting : tuple of float
        Share of each factor that lasts over the horizon; last that of what is a series' own.
    """

    shares: tuple[float, ...]
    lasting: tuple[float, ...]

    @classmethod
    def fit(cls, scores: FloatArray, groups: Sequence[IntArray], *, information: FloatArray | None = None) -> Self:
        """Estimate by moments: what pairs of the same group have in common, at once and at different horizons.

        A small count says little of the score behind it, so that products of scores are smaller than what they stand
        for by the information of both (regression dilution).

        Parameters
        ----------
        scores : ndarray of shape (n_origins, n_series, horizon)
            Normal scores of outcomes under their forecasts; NaN where not known.
        information : ndarray of the same shape, optional
            Share of the variance of what is behind a score that the score shows; all of it if not given.
        groups : sequence of ndarray of shape (n_series,)
            Node of each series in each grouping; the first is everything.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> market = rng.normal(size=(200, 1, 2))
        >>> scores = np.sqrt(0.3) * market + np.sqrt(0.7) * rng.normal(size=(200, 50, 2))
        >>> found = Dependence.fit(scores, [np.zeros(50, dtype=int)])
        >>> abs(found.shares[0] - 0.3) < 0.05, found.lasting[0] < 0.2
        (True, True)
        """
        origins, _, horizon = scores.shape
        z = np.nan_to_num(scores)
        there = np.where(np.isfinite(scores), 1.0 if information is None else information, 0.0)
        together, apart = (np.array([_common(z, there, g, across=a) for g in groups]) for a in (False, True))
        shared = np.array([[_overlap(g, f) for f in groups] for g in groups])
        own = [_same_series(z, there)]
        weight = origins / (origins + PRIOR_ORIGINS)
        prior = np.array([PRIOR[0], *[PRIOR[1]] * (len(groups) - 1)])
        shares = weight * nnls(shared, np.maximum(together, 0.0))[0] + (1 - weight) * prior
        shares *= min(1.0, MOST / max(shares.sum(), 1e-12))
        kept = np.minimum(nnls(shared, np.maximum(apart, 0.0))[0], shares) if horizon > 1 else LASTING * shares
        lasting = weight * np.divide(kept, shares, out=np.full(len(shares), LASTING), where=shares > 1e-6)
        lasting += (1 - weight) * LASTING
        alone = np.clip((own[0] - (lasting * shares).sum()) / max(1 - shares.sum(), 1e-6), 0.0, 0.95)
        return cls(tuple(map(float, shares)), (*map(float, np.clip(lasting, 0, 1)), float(alone)))

    def to_dict(self) -> dict[str, Any]:
        """Plain content, for JSON."""
        return {"shares": list(self.shares), "lasting": list(self.lasting)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` gave."""
        return cls(tuple(content["shares"]), tuple(content["lasting"]))

    def uniforms(
        self, groups: Sequence[IntArray], horizon: int, *, n: int = PATHS, seed: int = 0
    ) -> Iterator[tuple[slice, Paths]]:
        """Blocks of series with their paths of levels, shape (n_block, horizon, n)."""
        size = len(groups[0])
        factors = [
            _lasting(np.random.default_rng([seed, i]), (int(g.max()) + 1, horizon, n), self.lasting[i])
            if size and self.shares[i] > 0
            else None
            for i, g in enumerate(groups)
        ]
        rest = np.float32(np.sqrt(max(1 - sum(self.shares), 0.0)))
        for number, begin in enumerate(range(0, size, BLOCK)):
            rows = slice(begin, min(begin + BLOCK, size))
            own = _lasting(
                np.random.default_rng([seed, len(groups), number]), (rows.stop - begin, horizon, n), self.lasting[-1]
            )
            z = rest * own
            for share, g, factor in zip(self.shares, groups, factors, strict=True):
                if factor is not None:
                    z += np.float32(np.sqrt(share)) * factor[g[rows]]
            yield rows, ndtr(z)


def _lasting(rng: np.random.Generator, shape: tuple[int, int, int], share: float) -> Paths:
    """Standard normals whose draws at different horizons have `share` in common."""
    nodes, _, n = shape
    always = rng.standard_normal((nodes, 1, n), dtype=np.float32)
    fresh = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.float32(np.sqrt(share)) * always + np.float32(np.sqrt(1 - share)) * fresh)


def _common(z: FloatArray, there: FloatArray, group: IntArray, *, across: bool) -> float:
    """Mean product of the scores of two series of a node: in the same period, or in different ones of an origin."""
    nodes = int(group.max()) + 1
    add = csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))), shape=(nodes, len(group)))
    total = pairs = 0.0
    for score, known in zip(z, there, strict=True):
        s, k = add @ score, add @ known
        if across:
            of, count = (v.sum(axis=1) ** 2 - (v**2).sum(axis=1) for v in (s, k))
            mine, own = (v.sum(axis=1) ** 2 - (v**2).sum(axis=1) for v in (score, known))
            total += float(of.sum() - mine.sum())
            pairs += float(count.sum() - own.sum())
        else:
            total += float((s**2).sum() - (score**2).sum())
            pairs += float((k**2).sum() - (known**2).sum())
    return total / pairs if pairs > 0 else 0.0


def _same_series(z: FloatArray, known: FloatArray) -> float:
    """Mean product of the scores of one series in two periods of an origin."""
    total = float((z.sum(axis=2) ** 2 - (z**2).sum(axis=2)).sum())
    pairs = float((known.sum(axis=2) ** 2 - (known**2).sum(axis=2)).sum())
    return total / pairs if pairs > 0 else 0.0


def _overlap(group: IntArray, other: IntArray) -> float:
    """Share of the pairs of a grouping that another one puts together too."""
    both = np.unique(group * (int(other.max()) + 1) + other, return_counts=True)[1].astype(np.float64)
    one = np.bincount(group).astype(np.float64)
    pairs = float((one * (one - 1)).sum())
    return float((both * (both - 1)).sum()) / pairs if pairs > 0 else 0.0


def normal_scores(low: FloatArray, high: FloatArray) -> FloatArray:
    """Expected normal score of outcomes that stand for the levels from one end to the other.

    >>> np.abs(normal_scores(np.array([0.9, 0.0]), np.array([0.9, 1.0]))).round(2).tolist()
    [1.28, 0.0]
    """
    a, b = (ndtri(np.clip(v, 1e-6, 1 - 1e-6)) for v in (low, high))
    width = ndtr(b) - ndtr(a)
    density = [np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi) for v in (a, b)]
    inside = np.divide(density[0] - density[1], width, out=np.zeros_like(width), where=width > 1e-6)
    return np.asarray(np.where(width > 1e-6, inside, (a + b) / 2))


def score_information(scores: FloatArray, mean: FloatArray) -> FloatArray:
    """Mean square of scores among those with about the same expected demand, at most 1."""
    order = np.argsort(mean, kind="stable")
    found = np.empty(len(scores))
    for rows in np.array_split(order, max(1, min(20, len(scores) // 100))):
        found[rows] = np.mean(scores[rows] ** 2)
    return np.clip(found, 0.02, 1.0)


def demand_paths(
    forecast: Forecast, dependence: Dependence, groups: Sequence[IntArray], *, n: int = PATHS, seed: int = 0
) -> Iterator[tuple[slice, Paths]]:
    """Blocks of series with paths of their demand, shape (n_block, horizon, n); whole where demand is counted."""
    steps = GRID.astype(np.float32)
    for rows, u in dependence.uniforms(groups, forecast.mean.shape[1], n=n, seed=seed):
        quantiles = forecast.take(rows).quantiles(GRID).astype(np.float32)
        low = np.clip(np.searchsorted(steps, u, side="right") - 1, 0, len(steps) - 2)
        a, b = (np.take_along_axis(quantiles, i, axis=2) for i in (low, low + 1))
        share = np.clip((u - steps[low]) / (steps[low + 1] - steps[low]), 0, 1)
        y = a + share * (b - a)
        yield rows, np.rint(y) if forecast.whole else y


def node_quantiles(
    forecast: Forecast,
    dependence: Dependence,
    groups: Sequence[IntArray],
    levels: Sequence[Level],
    *,
    n: int = PATHS,
    seed: int = 0,
) -> list[ForecastTable]:
    """Forecasts of every node of every level, from one set of paths.

    A node of one series has that series' quantiles. The paths of others are scaled to the sum of the means, which
    rounding and calibration leave by a little.
    """
    horizon = forecast.mean.shape[1]
    sums = [np.zeros((len(v.names), horizon * n), dtype=np.float32) for v in levels]
    for rows, y in demand_paths(forecast, dependence, groups, n=n, seed=seed):
        flat = y.reshape(len(y), -1)
        for level, total in zip(levels, sums, strict=True):
            code = level.code[rows]
            total += (
                csr_matrix(
                    (np.ones(len(code), dtype=np.float32), (code, np.arange(len(code)))), shape=(len(total), len(code))
                )
                @ flat
            )
    found = []
    for level, total in zip(levels, sums, strict=True):
        nodes = len(level.names)
        mean = np.zeros((nodes, horizon))
        np.add.at(mean, level.code, forecast.mean)
        paths = total.reshape(nodes, horizon, n)
        scale = np.divide(mean, paths.mean(axis=2), out=np.ones_like(mean), where=paths.mean(axis=2) > 0)
        quantiles = np.quantile(paths, GRID, axis=2).transpose(1, 2, 0) * scale[..., None]
        count = np.bincount(level.code, minlength=nodes)
        if single := np.flatnonzero(count == 1).tolist():
            member = np.array([int(np.flatnonzero(level.code == node)[0]) for node in single])
            quantiles[single] = forecast.take(member).quantiles(GRID)
        found.append(ForecastTable(mean, quantiles.astype(np.float32)))
    return found


def cumulative_quantiles(
    forecast: Forecast,
    dependence: Dependence,
    groups: Sequence[IntArray],
    periods: float,
    grid: FloatArray,
    *,
    n: int = PATHS,
    seed: int = 0,
) -> FloatArray:
    """Quantiles of what each series sells over the first so many periods together, shape (n_series, n_grid).

    Of a period that counts in part each unit counts with that chance.
    """
    full, part = int(periods), periods - int(periods)
    rng = np.random.default_rng([seed, 99])
    found = np.empty((len(forecast.mean), len(grid)))
    for rows, y in demand_paths(forecast, dependence, groups, n=n, seed=seed):
        total = y[:, :full].sum(axis=1)
        if part > 1e-9:
            last = y[:, full]
            total = total + (rng.binomial(last.astype(np.int64), part) if forecast.whole else part * last)
        found[rows] = np.quantile(total, grid, axis=1, method="inverted_cdf" if forecast.whole else "linear").T
    return found
