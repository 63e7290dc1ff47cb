"""Task `residual_value`: price of a used car with an interval, today and after a number of months."""

from __future__ import annotations

from features import residual_value as features
from ml import metrics
from ml.endpoint import task_endpoint
from ml.problem import AmountProblem, RowMetric
from ml.registry import ENTRIES
from ml.residual_value.answer import ResidualValueAnswer, request, respond
from ml.residual_value.depreciation import depreciation_sections
from ml.residual_value.estimator import ResidualValueEstimator, median_table
from ml.residual_value.params import ResidualParams
from ml.task import Task

TASK = Task(
    entry=ENTRIES["residual_value"],
    params=ResidualParams,
    problem=AmountProblem(
        estimator=ResidualValueEstimator,
        metrics={
            "mean_absolute_error": RowMetric(metrics.mean_absolute_error, better="lower"),
            "median_absolute_percentage_error": RowMetric(metrics.median_absolute_percentage_error, better="lower"),
            "mean_absolute_percentage_error": RowMetric(metrics.mean_absolute_percentage_error, better="lower"),
            "interval_coverage": RowMetric(
                metrics.interval_coverage, better="higher", columns=("value_low", "value_high"), bounds=(0.0, 1.0)
            ),
        },
        build_spine=features.build_spine,
        features=features.build,
        baseline=median_table,
        sections=depreciation_sections,
    ),
    endpoint=task_endpoint(
        ENTRIES["residual_value"],
        request=request,
        response=ResidualValueAnswer,
        respond=respond,
        explains=True,
        distribution=("price", "value"),
    ),
)
