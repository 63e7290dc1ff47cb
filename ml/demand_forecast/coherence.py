"""Coherent probabilistic forecasts of totals: sample paths of all series jointly, and sum them.

Each series keeps its calibrated marginal distribution. A Gaussian copula joins them, with one factor for all series and
one for each grouping; a share of each factor and of the series' own noise persists over the horizon, the rest is drawn
anew in each period. Quantiles of a total are those of the summed paths, coherent in the sense of S. Ben Taieb, J. W.
Taylor and R. J. Hyndman (2021), Hierarchical probabilistic forecasting of electricity demand with smart meter data,
JASA 116. Means add up; quantiles do not, because series are not perfectly correlated.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csr_matrix
from scipy.special import ndtr, ndtri

from features.errors import DataError
from ml.deadlines import stop_if_abandoned
from ml.demand_forecast.forecast import GRID, Forecast, ForecastTable, Paths, draws_at_levels
from ml.demand_forecast.panel import Panel
from ml.domain.arrays import FloatArray, IntArray

PATHS = 400
BLOCK = 512  # series whose noise is drawn together; the draws depend on it
MAX_EXPLAINED = 0.95  # upper limit of the variance share that all factors explain together
PRIOR_ORIGINS = 3.0  # weight of the prior shares, in validation origins
PRIOR = (0.05, 0.01)  # prior variance shares of the factor of all series, and of each grouping's factor
PRIOR_PERSISTENCE = 0.5  # prior share of a factor that persists over the horizon
Blocks = Container[int] | None


@dataclass(frozen=True)
class AggregationLevel:
    """One level of the hierarchy, such as totals by region or by region and brand.

    Attributes
    ----------
    columns : tuple of str
        Columns whose distinct values are the nodes; empty for the total of all series.
    code : ndarray of shape (n_series,)
        Node of each series, a position in `names`.
    names : list of tuple of str
        Values of `columns` of each node.
    """

    columns: tuple[str, ...]
    code: IntArray
    names: list[tuple[str, ...]]


def aggregation_levels(panel: Panel, columns: Sequence[Sequence[str]]) -> list[AggregationLevel]:
    """Return the levels of totals of a panel; missing values form a node named "".

    Parameters
    ----------
    panel : Panel
        As returned by `ml.demand_forecast.panel.build_panel`.
    columns : sequence of sequence of str
        Columns of `panel.series` for each level, such as `DemandParams.level_columns`; empty for the grand total.

    Returns
    -------
    list of AggregationLevel
        In the order of `columns`: the nodes (`names`) and the node of each series (`code`).

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> panel = Panel(pl.DataFrame({"model": ["a", "b"]}), keys=("model",), frequency="month", first=672,
    ...     sold=np.ones((2, 3)), available=np.ones((2, 3)))
    >>> [(level.names, level.code.tolist()) for level in aggregation_levels(panel, [("model",), ()])]
    [([('a',), ('b',)], [0, 1]), ([()], [0, 0])]
    """
    levels = []
    for names in columns:
        absent = [c for c in names if c not in panel.series.columns]
        if absent:
            raise DataError(f"params.levels: the series have no column '{absent[0]}'; add it to params.attributes")
        if not names:
            levels.append(AggregationLevel((), np.zeros(len(panel.sold), dtype=np.int64), [()]))
            continue
        values = np.array([panel.series[c].fill_null("").to_numpy().astype(str) for c in names])
        each, code = np.unique(values, axis=1, return_inverse=True)
        nodes = [tuple(map(str, v)) for v in each.T]
        levels.append(AggregationLevel(tuple(names), code.ravel().astype(np.int64), nodes))
    return levels


@dataclass(frozen=True)
class Dependence:
    """Factor model of the correlation between series (Gaussian copula); fit by `fit`, or `Forecaster.dependence_`.

    Attributes
    ----------
    shares : tuple of float
        Share of the variance of a series' normal score that each factor explains: all series, then each grouping.
    persistence : tuple of float
        Share of each factor's variance that is common to all periods of the horizon; last, of the series' own noise.
    """

    shares: tuple[float, ...]
    persistence: tuple[float, ...]

    @classmethod
    def fit(cls, scores: FloatArray, groups: Sequence[IntArray], *, information: FloatArray | None = None) -> Self:
        """Estimate by moments: mean products of scores of two series of a group, in one period and in two periods.

        The score of a small count varies less than the latent normal variable, which dilutes the products (regression
        dilution); `information` corrects for it.

        Parameters
        ----------
        scores : ndarray of shape (n_origins, n_series, horizon)
            Normal scores of outcomes under their forecasts, as returned by `normal_scores`; NaN where unobserved.
        groups : sequence of ndarray of int, shape (n_series,)
            Group of each series in each grouping; the first groups all series.
        information : ndarray of shape (n_origins, n_series, horizon), optional
            Variance of each score relative to the latent variable's, as returned by `score_information`; 1 if omitted.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> market = rng.normal(size=(200, 1, 2))
        >>> scores = np.sqrt(0.3) * market + np.sqrt(0.7) * rng.normal(size=(200, 50, 2))
        >>> dependence = Dependence.fit(scores, [np.zeros(50, dtype=int)])
        >>> abs(dependence.shares[0] - 0.3) < 0.05, dependence.persistence[0] < 0.2
        (True, True)
        """
        origins, _, horizon = scores.shape
        z = np.nan_to_num(scores)
        info = np.where(np.isfinite(scores), 1.0 if information is None else information, 0.0)
        same_period, two_periods = (
            np.array([_pair_product(z, info, g, across=a) for g in groups]) for a in (False, True)
        )
        overlap = np.array([[_overlap(g, f) for f in groups] for g in groups])
        weight = origins / (origins + PRIOR_ORIGINS)
        prior = np.array([PRIOR[0], *[PRIOR[1]] * (len(groups) - 1)])
        shares = weight * nnls(overlap, np.maximum(same_period, 0.0))[0] + (1 - weight) * prior
        shares *= min(1.0, MAX_EXPLAINED / max(shares.sum(), 1e-12))
        common = nnls(overlap, np.maximum(two_periods, 0.0))[0]
        common = np.minimum(common, shares) if horizon > 1 else PRIOR_PERSISTENCE * shares
        persistence = weight * np.divide(
            common, shares, out=np.full(len(shares), PRIOR_PERSISTENCE), where=shares > 1e-6
        )
        persistence += (1 - weight) * PRIOR_PERSISTENCE
        own = _same_series_product(z, info) - (persistence * shares).sum()
        own = np.clip(own / max(1 - shares.sum(), 1e-6), 0.0, 0.95)
        return cls(tuple(map(float, shares)), (*map(float, np.clip(persistence, 0, 1)), float(own)))

    def to_dict(self) -> dict[str, Any]:
        """Return the two attributes as lists, for JSON."""
        return {"shares": list(self.shares), "persistence": list(self.persistence)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Restore from the dictionary of `to_dict`: `shares` and `persistence`, each a list of float."""
        return cls(tuple(content["shares"]), tuple(content["persistence"]))

    def uniforms(
        self, groups: Sequence[IntArray], horizon: int, *, n: int = PATHS, seed: int = 0, blocks: Blocks = None
    ) -> Iterator[tuple[slice, Paths]]:
        """Yield correlated uniform draws in blocks of series.

        Parameters
        ----------
        groups : sequence of ndarray of int, shape (n_series,)
            Groups in each grouping, as returned by `ml.demand_forecast.forecaster.Forecaster.codes`; first: all series.
        horizon, n, seed : int
            Periods, number of paths, and seed of the draws.
        blocks : container of int, optional
            Numbers of the blocks to draw, from 0; all if omitted. The draws of a block do not depend on the others'.

        Yields
        ------
        rows : slice
            Series of the block, at most 512.
        uniforms : ndarray of float32, shape (n_block, horizon, n)
            Draws between 0 and 1.

        Examples
        --------
        >>> dependence = Dependence(shares=(0.3,), persistence=(0.5, 0.2))
        >>> rows, draws = next(dependence.uniforms([np.zeros(2, dtype=int)], 3, n=100))
        >>> rows, draws.shape
        (slice(0, 2, None), (2, 3, 100))
        """
        size = len(groups[0])
        factors = [
            _normals(np.random.default_rng([seed, i]), (int(g.max()) + 1, horizon, n), self.persistence[i])
            if size and self.shares[i] > 0
            else None
            for i, g in enumerate(groups)
        ]
        rest = np.float32(np.sqrt(max(1 - sum(self.shares), 0.0)))
        for number in (b for b in range(-(-size // BLOCK)) if blocks is None or b in blocks):
            stop_if_abandoned()
            begin = number * BLOCK
            rows = slice(begin, min(begin + BLOCK, size))
            shape = (rows.stop - begin, horizon, n)
            own = _normals(np.random.default_rng([seed, len(groups), number]), shape, self.persistence[-1])
            z = rest * own
            for share, g, factor in zip(self.shares, groups, factors, strict=True):
                if factor is not None:
                    z += np.float32(np.sqrt(share)) * factor[g[rows]]
            yield rows, ndtr(z)


def _normals(rng: np.random.Generator, shape: tuple[int, int, int], persistence: float) -> Paths:
    """Draw standard normals whose correlation between periods (axis 1) is `persistence`."""
    nodes, _, n = shape
    common = rng.standard_normal((nodes, 1, n), dtype=np.float32)
    own = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.float32(np.sqrt(persistence)) * common + np.float32(np.sqrt(1 - persistence)) * own)


def _pair_product(z: FloatArray, info: FloatArray, group: IntArray, *, across: bool) -> float:
    """Return the mean product of scores of two series of a group: in one period, or in two periods if `across`."""
    nodes = int(group.max()) + 1
    add = csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))), shape=(nodes, len(group)))
    total = pairs = 0.0
    for score, weight in zip(z, info, strict=True):
        s, w = add @ score, add @ weight
        if across:
            group_products, group_pairs = (v.sum(axis=1) ** 2 - (v**2).sum(axis=1) for v in (s, w))
            series_products, series_pairs = (v.sum(axis=1) ** 2 - (v**2).sum(axis=1) for v in (score, weight))
            total += float(group_products.sum() - series_products.sum())
            pairs += float(group_pairs.sum() - series_pairs.sum())
        else:
            total += float((s**2).sum() - (score**2).sum())
            pairs += float((w**2).sum() - (weight**2).sum())
    return total / pairs if pairs > 0 else 0.0


def _same_series_product(z: FloatArray, info: FloatArray) -> float:
    """Return the mean product of the scores of one series in two periods of an origin."""
    total = float((z.sum(axis=2) ** 2 - (z**2).sum(axis=2)).sum())
    pairs = float((info.sum(axis=2) ** 2 - (info**2).sum(axis=2)).sum())
    return total / pairs if pairs > 0 else 0.0


def _overlap(group: IntArray, other: IntArray) -> float:
    """Return the share of the pairs of series in a group of one grouping that share a group of the other too."""
    joint_sizes = np.unique(group * (int(other.max()) + 1) + other, return_counts=True)[1].astype(np.float64)
    sizes = np.bincount(group).astype(np.float64)
    pairs = float((sizes * (sizes - 1)).sum())
    return float((joint_sizes * (joint_sizes - 1)).sum()) / pairs if pairs > 0 else 0.0


def normal_scores(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the expected standard normal score of outcomes, uniform between two ends of their probability integral.

    Parameters
    ----------
    low, high : ndarray of the shape of the result
        Ends, 0 to 1, of each outcome's probability integral: `ml.demand_forecast.metrics.calibrated_integral`.

    Examples
    --------
    >>> np.abs(normal_scores(np.array([0.9, 0.0]), np.array([0.9, 1.0]))).round(2).tolist()
    [1.28, 0.0]
    """
    a, b = (ndtri(np.clip(v, 1e-6, 1 - 1e-6)) for v in (low, high))
    width = ndtr(b) - ndtr(a)
    density = [np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi) for v in (a, b)]
    inside = np.divide(density[0] - density[1], width, out=np.zeros_like(width), where=width > 1e-6)
    return np.asarray(np.where(width > 1e-6, inside, (a + b) / 2))


def score_information(scores: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the mean square of scores among outcomes with a similar expected demand, between 0.02 and 1.

    Parameters
    ----------
    scores, mean : ndarray of shape (n,)
        Normal scores, as returned by `normal_scores`, and expected demand (units) of the same outcomes.

    Returns
    -------
    ndarray of shape (n,)
        One value per outcome, equal within each of up to 20 groups of similar `mean`.
    """
    order = np.argsort(mean, kind="stable")
    information = np.empty(len(scores))
    for rows in np.array_split(order, max(1, min(20, len(scores) // 100))):
        information[rows] = np.mean(scores[rows] ** 2)
    return np.clip(information, 0.02, 1.0)


def demand_paths(
    forecast: Forecast, dependence: Dependence, groups: Sequence[IntArray], *, n: int = PATHS, seed: int = 0
) -> Iterator[tuple[slice, Paths]]:
    """Yield sample paths of demand in blocks of series.

    Parameters
    ----------
    forecast : Forecast
        Marginal distributions, as returned by `ml.demand_forecast.forecaster.Forecaster.forecast`.
    dependence : Dependence
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator.forecaster.dependence_``.
    groups : sequence of ndarray of int, shape (n_series,)
        As returned by `ml.demand_forecast.forecaster.Forecaster.codes` for the panel of the forecast.
    n, seed : int
        Number of paths, and seed of the draws.

    Yields
    ------
    rows : slice
        Series of the block.
    paths : ndarray of float32, shape (n_block, horizon, n)
        Units per period, whole numbers where demand is counted.
    """
    for rows, u in dependence.uniforms(groups, forecast.mean.shape[1], n=n, seed=seed):
        quantiles = forecast.take(rows).quantiles(GRID).astype(np.float32)
        yield rows, draws_at_levels(quantiles, u, is_count=forecast.is_count)


def node_quantiles(
    forecast: Forecast,
    dependence: Dependence,
    groups: Sequence[IntArray],
    levels: Sequence[AggregationLevel],
    *,
    n: int = PATHS,
    seed: int = 0,
) -> list[ForecastTable]:
    """Return forecasts of every node of every level, from one set of sample paths.

    A node with one series has that series' quantiles. Paths of the others are scaled so that their mean is the sum of
    the series' means, from which rounding and calibration differ slightly.

    Parameters
    ----------
    forecast, dependence, groups, n, seed
        With a fitted `ml.demand_forecast.forecaster.Forecaster` ``f``: ``f.forecast(panel)``, ``f.dependence_`` and
        ``f.codes(panel)``; number of sample paths and seed of the draws (int).
    levels : sequence of AggregationLevel
        As returned by `ml.demand_forecast.coherence.aggregation_levels` for the panel of the forecast.

    Returns
    -------
    list of ForecastTable
        One per level; rows are the level's `names`, columns periods ahead: `mean`, and `quantiles` at `GRID`, units.
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
    tables = []
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
        tables.append(ForecastTable(mean, quantiles.astype(np.float32)))
    return tables


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
    """Return quantiles of each series' total demand over the first `periods` periods.

    Parameters
    ----------
    forecast, dependence, groups, n, seed
        With a fitted `ml.demand_forecast.forecaster.Forecaster` ``f``: ``f.forecast(panel)``, ``f.dependence_`` and
        ``f.codes(panel)``; number of sample paths and seed of the draws (int).
    periods : float
        Number of periods, at most the horizon. Of the last, partial period each unit counts with the probability of
        that part (continuous demand: proportionally).
    grid : ndarray of shape (n_grid,)
        Quantile levels, 0 to 1.

    Returns
    -------
    ndarray of shape (n_series, n_grid)
        Units over the whole span, at the levels of `grid`; whole numbers where demand is counted.
    """
    full, part = int(periods), periods - int(periods)
    rng = np.random.default_rng([seed, 99])
    quantiles = np.empty((len(forecast.mean), len(grid)))
    for rows, y in demand_paths(forecast, dependence, groups, n=n, seed=seed):
        total = y[:, :full].sum(axis=1)
        if part > 1e-9:
            last = y[:, full]
            total = total + (rng.binomial(last.astype(np.int64), part) if forecast.is_count else part * last)
        quantiles[rows] = np.quantile(total, grid, axis=1, method="inverted_cdf" if forecast.is_count else "linear").T
    return quantiles
