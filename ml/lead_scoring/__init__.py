"""`lead_scoring`: how likely is this lead to buy, why, what is it worth, and whom to call first."""

from __future__ import annotations

from functools import partial

from features import lead_scoring as features
from ml import metrics
from ml.lead_scoring.answer import LeadScoringAnswer, respond
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.request import example, request
from ml.registry import ENTRIES
from ml.task import Metric, Task, base_rate

TASK = Task(
    entry=ENTRIES["lead_scoring"],
    also=("events", "sales", "customers"),
    params=LeadParams,
    examples=features.examples,
    features=features.build,
    outcome="binary",
    naive=base_rate,
    estimator=LeadScoringEstimator,
    metrics={
        "roc_auc": Metric(metrics.roc_auc, better="higher"),
        "pr_auc": Metric(metrics.pr_auc, better="higher"),
        "brier": Metric(metrics.brier, better="lower"),
        "log_loss": Metric(metrics.log_loss, better="lower"),
        "expected_calibration_error": Metric(metrics.expected_calibration_error, better="lower"),
        "lift_in_top_decile": Metric(partial(metrics.lift, share=0.1), better="higher"),
    },
    request=request,
    response=LeadScoringAnswer,
    respond=respond,
    example=example,
)
