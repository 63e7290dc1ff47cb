"""Training on a cluster: mlforecast's distributed class on Dask computes the features of `lag_table`."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from ml.demand_forecast.lags import NAMES, as_rows, lag_table, transforms

SETTINGS = {
    "n_estimators": 40,
    "num_leaves": 7,
    "min_child_samples": 10,
    "verbose": -1,
    "seed": 0,
    "objective": "poisson",
}


@pytest.mark.slow
def test_training_on_dask_reads_the_same_features_and_learns_the_same() -> None:
    import dask.dataframe as dd
    from distributed import Client, LocalCluster
    from mlforecast import MLForecast
    from mlforecast.distributed import DistributedMLForecast
    from mlforecast.distributed.models.dask.lgb import DaskLGBMForecast

    rng = np.random.default_rng(0)
    level = rng.gamma(3, 4, 60)
    sold = rng.poisson(level[:, None] * (1 + 0.3 * np.sin(2 * np.pi * np.arange(48) / 12))).astype(np.float64)
    begin = np.arange(60) % 3
    rows = as_rows(sold, begin)
    rows = rows[rows["ds"] < 48]
    local = MLForecast(models={"trees": lgb.LGBMRegressor(n_jobs=1, **SETTINGS)}, num_threads=1, **transforms("month"))
    local_forecast = local.fit(rows, static_features=[], dropna=False).predict(3)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        frame = dd.from_pandas(rows.set_index(rows["unique_id"].rename("part")), npartitions=2).reset_index(drop=True)
        cluster_model = DistributedMLForecast(
            models={"trees": DaskLGBMForecast(**SETTINGS)}, engine=client, **transforms("month")
        )
        features = cluster_model.preprocess(frame, dropna=False, static_features=[]).compute()
        # Its own predict treats integer periods as dates; predict locally instead.
        cluster_forecast = cluster_model.fit(frame, static_features=[], dropna=False).to_local().predict(3)
    expected = lag_table(sold, begin, "month")[features["unique_id"].to_numpy(), features["ds"].to_numpy()]
    np.testing.assert_allclose(features.iloc[:, -len(NAMES) :].to_numpy(dtype=np.float32), expected, rtol=1e-5)
    merged = pd.merge(local_forecast, cluster_forecast, on=["unique_id", "ds"], suffixes=("", "_cluster"))
    assert len(merged) == 180
    # Workers find bins and splits jointly: the trees differ slightly from those of one machine.
    assert np.corrcoef(merged["trees"], merged["trees_cluster"])[0, 1] > 0.98
    assert abs(merged["trees_cluster"].sum() / merged["trees"].sum() - 1) < 0.02
