"""`credit_risk`: how likely is this borrower to default, and for what reasons."""

from __future__ import annotations

from features import credit_risk as features
from ml import metrics
from ml.credit_risk.answer import CreditRiskAnswer, request, respond
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.registry import ENTRIES
from ml.task import Metric, Task, base_rate

TASK = Task(
    entry=ENTRIES["credit_risk"],
    params=CreditParams,
    examples=features.examples,
    features=features.build,
    outcome="binary",
    naive=base_rate,
    estimator=CreditRiskEstimator,
    metrics={
        "roc_auc": Metric(metrics.roc_auc, better="higher"),
        "ks": Metric(metrics.ks, better="higher"),
        "gini": Metric(metrics.gini, better="higher"),
        "brier": Metric(metrics.brier, better="lower"),
        "log_loss": Metric(metrics.log_loss, better="lower"),
        "expected_calibration_error": Metric(metrics.expected_calibration_error, better="lower"),
    },
    request=request,
    response=CreditRiskAnswer,
    respond=respond,
)
