"""The global model: LightGBM on one table of all series, origins and horizons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.params import TreeParams
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.bag import sequential_mean
from ml.threads import thread_count

MIN_AVAILABLE = 0.1  # share of a period with stock below which its sales are neither trained on nor evaluated
MIN_ROWS = 12  # minimum number of training rows, and of validation outcomes
MIN_THREADED_ROWS = 30_000  # with fewer rows, synchronising threads costs more than it saves


class Trees:
    """Global LightGBM model of the ratio of demand to baseline, one table for all series, origins and horizons.

    A fitted one is the attribute `trees_` of a fitted `ml.demand_forecast.forecaster.Forecaster`, or is returned by
    `fit`; before, `forecast`, `ratio` and `contributions` raise AttributeError.

    Parameters
    ----------
    params : TreeParams
        Hyperparameters: `ml.demand_forecast.params.TreeParams()`, or `DemandParams.trees`.
    weighting : {'volume', 'series'}
        Whether the loss weights each unit or each series equally; `DemandParams.weighting`.

    Attributes
    ----------
    boosters_ : list of lightgbm.Booster
        One per bag, `params.bags` in all; their seeds differ.
    """

    def __init__(self, params: TreeParams, *, weighting: str) -> None:
        self.params = params
        self.weighting = weighting

    def fit(self, features: PanelFeatures, *, until: int, horizon: int, seed: int = 0) -> Trees:
        """Fit on all targets before column `until`.

        Parameters
        ----------
        features : PanelFeatures
            `ml.demand_forecast.panel_features.PanelFeatures(panel, params.groups)`, with `panel` as returned by
            `ml.demand_forecast.panel.build_panel` and `params` an `ml.demand_forecast.params.DemandParams`.
        until : int
            First column of the panel that is not trained on, at most `features.panel.periods`.
        horizon : int
            Maximum number of periods ahead, at least 1.
        seed : int
            Seed of sampling and of the first bag.

        Returns
        -------
        Trees
            Itself.

        Raises
        ------
        DataError
            Fewer than `MIN_ROWS` training rows, or no sales at all.
        """
        import lightgbm as lgb

        p = features.panel
        s, t, h = _rows(p, until, horizon, self.params.max_rows, seed)
        if len(s) < MIN_ROWS:
            raise DataError(
                f"demand_forecast: {len(s)} training rows before {p.name(until)}, at least {MIN_ROWS} needed: provide "
                "a longer history, or reduce params.validation_origins or params.test_origins"
            )
        table = features.table(s, t, h)
        baseline = features.baseline[s, t]
        # Poisson regression with the share of the period in stock as exposure: the target is a rate.
        exposure = p.available[s, t + h - 1] if features.uncensor else np.ones(len(s))
        y = p.sold[s, t + h - 1] / exposure / baseline
        if not y.sum() > 0:
            raise DataError(f"demand_forecast: no sales before {p.name(until)}; check the mapping of sales.quantity")
        weight = exposure * (baseline if self.weighting == "volume" else 1.0)
        data = lgb.Dataset(table, y, weight=weight, categorical_feature=features.categorical, free_raw_data=False)
        q = self.params
        threads = thread_count(q.num_threads) if len(table) >= MIN_THREADED_ROWS else 1
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
        features: PanelFeatures,
        origin: int,
        horizon: int,
        *,
        rows: NDArray[np.intp] | None = None,
        changed: Mapping[str, FloatArray] | None = None,
    ) -> FloatArray:
        """Return expected demand, units per period, shape (n_rows, horizon).

        Parameters
        ----------
        features : PanelFeatures
            As returned by `ml.demand_forecast.forecaster.Forecaster.features`, with the columns of the fit.
        origin : int
            Column of the first period to forecast, at most `features.panel.periods`; only earlier columns are used.
        horizon : int
            Number of periods to forecast, at least 1.
        rows : ndarray of int, optional
            Rows of the panel to forecast; all if omitted.
        changed : mapping of str to ndarray of shape (n_rows * horizon,), optional
            What-if values of drivers by name, all periods of the first series first; price in fen.
        """
        series = np.arange(len(features.panel.sold)) if rows is None else rows
        n = len(series)
        s, h = np.repeat(series, horizon), np.tile(np.arange(1, horizon + 1), n)
        t = np.full(len(s), origin, dtype=np.int64)
        ratio = self.ratio(features.table(s, t, h, changed=None if changed is None else dict(changed)))
        return np.asarray(ratio.reshape(n, horizon) * features.baseline[series, origin][:, None])

    def ratio(self, table: NDArray[np.float32]) -> FloatArray:
        """Return the ratio of expected demand to baseline (no unit), shape (n_rows,): the mean of the bags.

        Parameters
        ----------
        table : ndarray of float32, shape (n_rows, n_columns)
            ``features.table(s, t, h)``: rows of the series, columns of the origin and periods ahead from 1 (ndarrays of
            int, shape (n_rows,)), with `features` as returned by
            `ml.demand_forecast.forecaster.Forecaster.features`.
        """
        threads = thread_count(self.params.num_threads) if len(table) >= MIN_THREADED_ROWS else 1
        ratios = (np.asarray(b.predict(table, num_threads=threads)) for b in self.boosters_)
        return np.asarray(sequential_mean(ratios, members=len(self.boosters_)), dtype=np.float64)

    def contributions(self, table: NDArray[np.float32]) -> FloatArray:
        """Return SHAP values on the natural logarithm of demand over baseline: the mean of the bags.

        Parameters
        ----------
        table : ndarray of float32, shape (n_rows, n_columns)
            ``features.table(s, t, h)``: rows of the series, columns of the origin and periods ahead from 1 (ndarrays of
            int, shape (n_rows,)), with `features` as returned by
            `ml.demand_forecast.forecaster.Forecaster.features`.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_columns)
            Columns as `features.names`. The expected value (LightGBM's last column) is left out, so a row does not sum
            to the logarithm of `ratio`.

        Examples
        --------
        >>> import numpy as np
        >>> import polars as pl
        >>> from ml.demand_forecast.panel import Panel
        >>> from ml.demand_forecast.panel_features import PanelFeatures
        >>> from ml.demand_forecast.params import TreeParams
        >>> from ml.demand_forecast.trees import Trees
        >>> sold = np.random.default_rng(0).poisson(5.0, (20, 24)).astype(float)
        >>> series = pl.DataFrame({"model": [f"M{i}" for i in range(20)]})
        >>> features = PanelFeatures(Panel(series, keys=("model",), frequency="month", first=672,
        ...     sold=sold, available=np.ones_like(sold)), groups=((),))
        >>> trees = Trees(TreeParams(n_estimators=10, bags=1), weighting="volume").fit(features, until=24, horizon=2)
        >>> table = features.table(np.array([0]), np.array([24]), np.array([1]))  # series 0, one month ahead
        >>> trees.ratio(table).shape, trees.contributions(table).shape == (1, len(features.names))
        ((1,), True)
        """
        shap = (np.asarray(b.predict(table, pred_contrib=True, num_threads=1))[:, :-1] for b in self.boosters_)
        return np.asarray(sequential_mean(shap, members=len(self.boosters_)), dtype=np.float64)


def _rows(p: Panel, until: int, horizon: int, max_rows: int, seed: int) -> tuple[NDArray[np.intp], IntArray, IntArray]:
    """Return series, origins and horizons of the observed targets before a column, at most `max_rows` of them."""
    rng = np.random.default_rng(seed)
    s, target = np.nonzero(np.isfinite(p.sold[:, :until]) & (p.available[:, :until] >= MIN_AVAILABLE))
    is_large = len(s) * horizon > 4 * max_rows
    h = rng.integers(1, horizon + 1, (len(s), 1)) if is_large else np.arange(1, horizon + 1)[None, :]
    s, target, h = (a.ravel() for a in np.broadcast_arrays(s[:, None], target[:, None], h))
    t = target - h + 1
    first = min(max(2, int(np.quantile(p.begin, 0.05)) + 3), max(1, until - horizon - 1))
    is_valid = (t >= first) & (t >= p.begin[s])
    s, t, h = s[is_valid], t[is_valid], h[is_valid]
    if len(s) > max_rows:
        sample = np.sort(rng.choice(len(s), max_rows, replace=False))
        s, t, h = s[sample], t[sample], h[sample]
    return s, t.astype(np.int64), h.astype(np.int64)
