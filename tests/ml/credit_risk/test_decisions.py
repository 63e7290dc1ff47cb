"""Decision bands and cut-offs of the credit model, as the report of a binary problem reads them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl

from ml.credit_risk import TASK, decisions
from ml.problem import BinaryProblem


def test_decisions_are_the_bands_and_the_cut_offs_of_the_policy() -> None:
    estimator: Any = SimpleNamespace(policy_={"approve": 0.02, "decline": 0.08})
    result = decisions(estimator, pl.DataFrame({"probability_of_default": [0.01, 0.1], "band": ["approve", "decline"]}))
    assert (result.band.tolist(), result.approve_at_most, result.decline_above) == (["approve", "decline"], 0.02, 0.08)
    assert isinstance(TASK.problem, BinaryProblem) and TASK.problem.decisions is decisions
