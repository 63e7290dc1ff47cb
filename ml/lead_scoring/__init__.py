"""`lead_scoring`: how likely is this lead to buy, why, what is it worth, and whom to call first."""

from __future__ import annotations

from functools import partial

from features import lead_scoring as features
from ml import metrics
from ml.lead_scoring.answer import LeadScoringAnswer, respond
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.request import example, request
from ml.task import Metric, Task, base_rate

TASK = Task(
    name="lead_scoring",
    summary={
        "zh": "这条线索成交的可能性有多大，应当先联系谁",
        "en": "How likely is this lead to buy within the horizon, and whom do we call first",
    },
    tables=("leads",),
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
