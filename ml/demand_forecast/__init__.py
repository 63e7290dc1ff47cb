"""`demand_forecast`: forecast sales by store and model, and plan orders and transfers from the forecasts."""

from __future__ import annotations

from math import inf

from features.periods import first_day
from ml.demand_forecast.answer import is_recomputed, respond
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.orders import ORDERS
from ml.demand_forecast.params import DemandParams
from ml.demand_forecast.request import DemandAnswer, request
from ml.endpoint import task_endpoint
from ml.metrics import demand as metrics
from ml.problem import PanelProblem, RowMetric
from ml.registry import ENTRIES
from ml.task import Task

DECILES = tuple(f"p{10 * i}" for i in range(1, 10))

TASK = Task(
    entry=ENTRIES["demand_forecast"],
    params=DemandParams,
    problem=PanelProblem(
        estimator=DemandEstimator,
        metrics={
            "weighted_quantile_loss": RowMetric(metrics.weighted_quantile_loss, better="lower", columns=DECILES),
            "weighted_absolute_error": RowMetric(metrics.weighted_absolute_error, better="lower", columns=("p50",)),
            "root_mean_squared_error": RowMetric(metrics.root_mean_squared_error, better="lower", columns=("mean",)),
            "bias": RowMetric(metrics.bias, better="zero", columns=("mean",), bounds=(-inf, inf)),
        },
    ),
    endpoint=task_endpoint(
        ENTRIES["demand_forecast"],
        request=request,
        response=DemandAnswer,
        respond=respond,
        explains=False,
        max_rows=50,  # with reasons or what-if values, each is computed anew
        runs_in_thread=is_recomputed,
    ),
    extra_endpoints=(ORDERS,),
    data_times=lambda estimator: {
        "sales": 86_400.0 * int(first_day(estimator.panel.first + estimator.origin, estimator.panel.frequency))
    },
)
