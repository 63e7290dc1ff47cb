"""Task `credit_risk`: probability of default, score, decision band and reasons of a loan application."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl

from features import credit_risk as features
from ml import metrics
from ml.bilingual import Text
from ml.credit_risk.answer import CreditRiskAnswer, decision, request, respond
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.endpoint import task_endpoint
from ml.problem import BinaryProblem, Decisions, RowEstimator, RowMetric, base_rate
from ml.registry import ENTRIES
from ml.task import Task


def decisions(estimator: RowEstimator, answers: pl.DataFrame) -> Decisions:
    """Return the decision band of each answer, and the cut-offs of the estimator's policy.

    Parameters
    ----------
    estimator : ml.credit_risk.estimator.CreditRiskEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    answers : polars.DataFrame
        As returned by `estimator.predict`; only `band` is read.

    Returns
    -------
    Decisions
        `bands` ("approve", "refer", "decline") in the order of `answers`, and the cut-offs `approve` and `decline` on
        the probability of default, 0 to 1.
    """
    policy = cast("CreditRiskEstimator", estimator).policy_
    return Decisions(np.asarray(answers["band"].to_numpy()), policy["approve"], policy["decline"])


TASK = Task(
    entry=ENTRIES["credit_risk"],
    params=CreditParams,
    problem=BinaryProblem(
        estimator=CreditRiskEstimator,
        metrics={
            "roc_auc": RowMetric(metrics.roc_auc, better="higher", bounds=(0.0, 1.0)),
            "ks": RowMetric(metrics.ks, better="higher", bounds=(0.0, 1.0)),
            "gini": RowMetric(metrics.gini, better="higher", bounds=(-1.0, 1.0)),
            "brier": RowMetric(metrics.brier, better="lower", bounds=(0.0, 1.0)),
            "log_loss": RowMetric(metrics.log_loss, better="lower"),
            "expected_calibration_error": RowMetric(metrics.expected_calibration_error, better="lower"),
        },
        build_spine=features.build_spine,
        features=features.build,
        baseline=base_rate,
        decisions=decisions,
        rate=Text(zh="违约率", en="default rate"),
        cases=Text(zh="违约", en="defaults"),
    ),
    endpoint=task_endpoint(
        ENTRIES["credit_risk"],
        request=request,
        response=CreditRiskAnswer,
        respond=respond,
        explains=True,
        distribution=("probability", "probability_of_default"),
        decision=decision,
    ),
    learner=lambda params: params.estimator,
)
