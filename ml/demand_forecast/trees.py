"""The global model: LightGBM on one table of all series, origins and horizons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.params import TreeParams
from ml.demand_forecast.past import Past
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.bag import sequential_mean
from ml.threads import thread_count

OPEN = 0.1  # share of a period that must have had stock for its sales to test anything
FEWEST_ROWS = 12  # examples, and outcomes, below which nothing can be learnt
MANY_ROWS = 30_000  # rows below which threads wait for each other longer than they work


class Trees:
    """LightGBM on the ratio of demand to level, one table for all series, origins and horizons."""

    def __init__(self, params: TreeParams, *, weighting: str) -> None:
        self.params = params
        self.weighting = weighting

    def fit(self, past: Past, *, until: int, horizon: int, seed: int = 0) -> Trees:
        """Learn from all targets before column `until`."""
        import lightgbm as lgb

        p = past.panel
        s, t, h = _rows(p, until, horizon, self.params.max_rows, seed)
        if len(s) < FEWEST_ROWS:
            raise DataError(
                f"demand_forecast: only {len(s)} examples before {p.name(until)}; give a longer history or fewer "
                "validation and test origins"
            )
        table = past.table(s, t, h)
        level = past.level[s, t]
        # Sales in the part of a period that had stock, as a rate: Poisson regression with that part as exposure.
        exposure = p.available[s, t + h - 1] if past.uncensor else np.ones(len(s))
        y = p.sold[s, t + h - 1] / exposure / level
        if not y.sum() > 0:
            raise DataError(f"demand_forecast: nothing was sold before {p.name(until)}; check sales.quantity")
        weight = exposure * (level if self.weighting == "volume" else 1.0)
        data = lgb.Dataset(table, y, weight=weight, categorical_feature=past.categorical, free_raw_data=False)
        q = self.params
        threads = thread_count(q.num_threads) if len(table) >= MANY_ROWS else 1
        self.boosters_ = [
            lgb.train(
                {
                    "objective": "poisson", "learning_rate": q.learning_rate, "num_leaves": q.num_leaves,
                    "min_data_in_leaf": q.min_data_in_leaf, "feature_fraction": q.feature_fraction,
                    "bagging_fraction": q.bagging_fraction, "bagging_freq": 1, "lambda_l2": q.lambda_l2,
                    "num_threads": threads, "seed": seed + bag, "verbose": -1, "deterministic": True,
                    "force_row_wise": True,
                },
                data,
                q.n_estimators,
            )
            for bag in range(q.bags)
        ]  # fmt: skip
        return self

    def forecast(
        self,
        past: Past,
        origin: int,
        horizon: int,
        *,
        rows: NDArray[np.intp] | None = None,
        changed: Mapping[str, FloatArray] | None = None,
    ) -> FloatArray:
        """Expected demand of each series (or of some rows), shape (n_series, horizon); see `Past.table` for changes."""
        series = np.arange(len(past.panel.sold)) if rows is None else rows
        n = len(series)
        s, h = np.repeat(series, horizon), np.tile(np.arange(1, horizon + 1), n)
        t = np.full(len(s), origin, dtype=np.int64)
        ratio = self.ratio(past.table(s, t, h, changed=None if changed is None else dict(changed)))
        return np.asarray(ratio.reshape(n, horizon) * past.level[series, origin][:, None])

    def ratio(self, table: NDArray[np.float32]) -> FloatArray:
        """Demand over level, of each row."""
        threads = thread_count(self.params.num_threads) if len(table) >= MANY_ROWS else 1
        ratios = (np.asarray(b.predict(table, num_threads=threads)) for b in self.boosters_)
        return np.asarray(sequential_mean(ratios, members=len(self.boosters_)), dtype=np.float64)

    def contributions(self, table: NDArray[np.float32]) -> FloatArray:
        """What each column adds to the logarithm of demand over level, shape (n_rows, n_columns)."""
        shap = (np.asarray(b.predict(table, pred_contrib=True, num_threads=1))[:, :-1] for b in self.boosters_)
        return np.asarray(sequential_mean(shap, members=len(self.boosters_)), dtype=np.float64)


def _rows(p: Panel, until: int, horizon: int, most: int, seed: int) -> tuple[NDArray[np.intp], IntArray, IntArray]:
    """Series, origins and horizons of all known targets before a column, or a sample of them."""
    rng = np.random.default_rng(seed)
    known = np.isfinite(p.sold[:, :until]) & (p.available[:, :until] >= OPEN)
    s, target = np.nonzero(known)
    h = rng.integers(1, horizon + 1, (len(s), 1)) if len(s) * horizon > 4 * most else np.arange(1, horizon + 1)[None, :]
    s, target, h = (a.ravel() for a in np.broadcast_arrays(s[:, None], target[:, None], h))
    t = target - h + 1
    first = min(max(2, int(np.quantile(p.begin, 0.05)) + 3), max(1, until - horizon - 1))
    keep = (t >= first) & (t >= p.begin[s])
    s, t, h = s[keep], t[keep], h[keep]
    if len(s) > most:
        chosen = np.sort(rng.choice(len(s), most, replace=False))
        s, t, h = s[chosen], t[chosen], h[chosen]
    return s, t.astype(np.int64), h.astype(np.int64)
