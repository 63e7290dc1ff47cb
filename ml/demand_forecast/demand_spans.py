"""Sample paths of demand in spans of time that need not be whole periods, such as lead time and review period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ml.demand_forecast.coherence import BLOCK
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import Paths, draws_at_levels
from ml.domain.arrays import IntArray


def split_periods(paths: Paths, edges: Sequence[float], *, is_count: bool, seed: int = 0) -> Paths:
    """Return the demand in each span of time, from demand by period.

    Each unit of a period falls anywhere in it with equal probability (continuous demand: evenly).

    Parameters
    ----------
    paths : ndarray of shape (n_series, n_periods, n_paths)
        Units per period.
    edges : sequence of float
        Ends of the spans in periods from the start, not decreasing, the last at most `n_periods`; the first span begins
        at 0.
    is_count : bool
        Whether demand is counted in whole units.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of float32, shape (n_series, n_spans, n_paths)
        Units in each span.

    Raises
    ------
    ValueError
        `edges` decrease, are negative, or exceed the periods.

    Examples
    --------
    >>> month = np.full((1, 2, 1), 6.0, dtype=np.float32)
    >>> split_periods(month, [0.5, 1.0, 1.5], is_count=False).ravel().tolist()
    [3.0, 3.0, 3.0]
    """
    n, periods, draws = paths.shape
    ends = np.asarray(edges, dtype=np.float64)
    if (np.diff(ends, prepend=0.0) < 0).any() or ends[-1] > periods + 1e-9:
        raise ValueError(f"edges must not decrease and lie between 0 and {periods}, got {list(map(float, ends))}")
    rng = np.random.default_rng([seed, 99])
    spans = np.zeros((n, len(ends), draws), dtype=np.float32)
    for period in range(int(np.ceil(ends[-1] - 1e-9))):
        rest, at = paths[:, period], float(period)
        for span, end in enumerate(ends):
            until = min(end, period + 1.0)
            if until - at < 1e-9:
                continue
            share = min((until - at) / (period + 1 - at), 1.0)
            part = rng.binomial(rest.astype(np.int64), share).astype(np.float32) if is_count else share * rest
            spans[:, span] += part
            rest, at = rest - part, until
    return spans


def demand_in_spans(
    estimator: DemandEstimator, rows: IntArray, edges: Sequence[float]
) -> Iterator[tuple[IntArray, Paths]]:
    """Yield sample paths of the demand of series in spans of time, in blocks of series.

    The paths are those of the totals: series are correlated as the estimator's `dependence_` has them, over all blocks.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, for example.
    rows : ndarray of int
        Rows of the series in the estimator's panel.
    edges : sequence of float
        Ends of the spans in periods from the first forecast period, as in `split_periods`.

    Yields
    ------
    positions : ndarray of int
        Positions in `rows` of the block's series.
    paths : ndarray of float32, shape (n_positions, n_spans, n_paths)
        Units in each span.

    Examples
    --------
    >>> blocks = demand_in_spans(estimator, np.array([0, 1]), [0.7, 1.2])  # doctest: +SKIP
    """
    table, forecaster = estimator.series_forecasts, estimator.forecaster
    blocks = set((rows // BLOCK).tolist())
    groups, horizon = forecaster.codes(estimator.panel), table.mean.shape[1]
    periods = max(int(np.ceil(edges[-1] - 1e-9)), 1)
    for block, u in forecaster.dependence_.uniforms(groups, horizon, blocks=blocks):
        positions = np.flatnonzero((rows >= block.start) & (rows < block.stop))
        paths = draws_at_levels(table.quantiles[block, :periods], u[:, :periods], is_count=bool(forecaster.is_count_))
        parts = split_periods(paths, edges, is_count=bool(forecaster.is_count_))
        yield positions, parts[rows[positions] - block.start]
