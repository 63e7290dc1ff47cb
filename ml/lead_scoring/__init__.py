"""Task `lead_scoring`: probability of a sale, reasons, expected margin and the order of calls."""

from __future__ import annotations

from functools import partial

from features import lead_scoring as features
from ml import metrics
from ml.bilingual import Text
from ml.endpoint import task_endpoint
from ml.lead_scoring.answer import LeadScoringAnswer, respond
from ml.lead_scoring.endpoints import ENDPOINTS
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.request import example, request
from ml.problem import BinaryProblem, RowMetric, base_rate
from ml.registry import ENTRIES
from ml.task import Task

TASK = Task(
    entry=ENTRIES["lead_scoring"],
    params=LeadParams,
    problem=BinaryProblem(
        estimator=LeadScoringEstimator,
        metrics={
            "roc_auc": RowMetric(metrics.roc_auc, better="higher", bounds=(0.0, 1.0)),
            "pr_auc": RowMetric(metrics.pr_auc, better="higher", bounds=(0.0, 1.0)),
            "brier": RowMetric(metrics.brier, better="lower", bounds=(0.0, 1.0)),
            "log_loss": RowMetric(metrics.log_loss, better="lower"),
            "expected_calibration_error": RowMetric(metrics.expected_calibration_error, better="lower"),
            "lift_in_top_decile": RowMetric(partial(metrics.lift, share=0.1), better="higher"),
        },
        build_spine=features.build_spine,
        features=features.build,
        baseline=base_rate,
        complete_example=example,
        closing_columns=("converted_at", "closed_at"),
        rate=Text(zh="成交率", en="conversion rate"),
        cases=Text(zh="成交", en="sales"),
    ),
    endpoint=task_endpoint(
        ENTRIES["lead_scoring"],
        request=request,
        response=LeadScoringAnswer,
        respond=respond,
        explains=True,
        distribution=("probability", "conversion_probability"),
    ),
    extra_endpoints=ENDPOINTS,
)
