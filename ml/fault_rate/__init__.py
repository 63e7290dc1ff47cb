"""Task `fault_rate`: components of a model with an elevated fault rate, and the vehicles to inspect first."""

from __future__ import annotations

from math import inf

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray
from ml.endpoint import task_endpoint
from ml.fault_rate.answer import respond
from ml.fault_rate.endpoints import ENDPOINTS
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.live_updates import LiveUpdates, data_times
from ml.fault_rate.params import FaultParams
from ml.fault_rate.request import FaultAnswer, request
from ml.metrics import demand
from ml.metrics.counts import poisson_deviance
from ml.problem import RowMetric, SurveillanceProblem
from ml.registry import ENTRIES
from ml.task import Task


def constant_rate(X: pl.DataFrame, y: FloatArray, requests: pl.DataFrame) -> FloatArray:
    """Return the faults expected at one rate per component: the baseline of the task's report.

    Parameters
    ----------
    X : DataFrame
        Training rows with `component` and `vehicle_years`.
    y : ndarray of shape (n_train,)
        Faults of each training row.
    requests : DataFrame
        Rows to predict, with the same two columns. A component without training rows gets 0.

    Returns
    -------
    ndarray of shape (n_requests,)
        Expected faults.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> X = pl.DataFrame({"component": ["brakes", "brakes"], "vehicle_years": [1.0, 3.0]})
    >>> constant_rate(X, np.array([1.0, 1.0]), X).tolist()
    [0.5, 1.5]
    """
    training_rows = X.select("component", "vehicle_years").with_columns(y=pl.Series(y))
    rates = training_rows.group_by("component").agg((pl.col("y").sum() / pl.col("vehicle_years").sum()).alias("rate"))
    rows = requests.select("component", "vehicle_years")
    rows = rows.join(rates, on="component", how="left", maintain_order="left")
    return np.asarray((rows["rate"].fill_null(0.0) * rows["vehicle_years"]).to_numpy(), dtype=np.float64)


TASK = Task(
    entry=ENTRIES["fault_rate"],
    params=FaultParams,
    problem=SurveillanceProblem(
        estimator=FaultEstimator,
        metrics={
            "poisson_deviance": RowMetric(poisson_deviance, better="lower"),
            "bias": RowMetric(demand.bias, better="zero", bounds=(-inf, inf)),
        },
        baseline=constant_rate,
    ),
    endpoint=task_endpoint(
        ENTRIES["fault_rate"],
        request=request,
        response=FaultAnswer,
        respond=respond,
        explains=False,
        max_rows=20,  # of filtered alarms, each with its campaign
        runs_in_thread=None,  # answers simulate inspection campaigns
    ),
    extra_endpoints=ENDPOINTS,
    refresh=LiveUpdates,
    data_times=data_times,
)
