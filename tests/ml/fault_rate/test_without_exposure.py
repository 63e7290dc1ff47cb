"""A component that no vehicle of a model has: the answer is the prior, with a note."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import gammainc

from ml.fault_rate.answer import respond
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.model_effects import RAISED
from ml.fault_rate.rate_ratios import cell_posterior, normal_ratio
from ml.fault_rate.request import FaultRequest
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import ALARM


@pytest.fixture
def estimator() -> FaultEstimator:
    """Two weeks of two models: A has 1 pump fault with 1 expected, E has no pump."""
    usual = BaselineRates(
        components=("pump",), distance_limits=np.array([]), rates=np.zeros((1, 192)), seasonal=False,
        pairs=(("A", ""), ("E", "")), component_present=np.array([[True, False]]), model_kinds=("constant",),
        deviance=np.ones((1, 5)),
    )  # fmt: skip
    return FaultEstimator(
        Snapshot(
            basis="exposure", first_day=19_000.0, until_day=19_014.0, alpha=0.05, between_model_variance=1.0,
            between_model_sd=1.0, rate_drift=0.0, scale=1.0, own_shape=np.array([4.0, 1.0]),
            own_rate=np.array([2.0, 1.0]),
            raised=pl.DataFrame(schema=RAISED), builds=np.zeros((0, 7)),
            cells=pl.DataFrame({"model": ["A", "E"], "component": ["pump", "pump"]}),
            count=np.array([[0.0, 1.0], [0.0, 0.0]]), expected=np.array([[0.5, 1.0], [0.0, 0.0]]),
            log_e=np.zeros((2, 2)), alarm_threshold=np.full(2, 3.0), expected_weekly=np.array([0.5, 0.0]),
            alarms=pl.DataFrame(schema=ALARM), baseline_rates=usual, costs={}, vehicles=None, notes=("a note",),
        )
    )  # fmt: skip


def test_the_answer_is_the_prior_with_a_note(estimator: FaultEstimator) -> None:
    (answer,) = respond(estimator, [FaultRequest(model="E", component="pump")])
    cell = answer.cell
    assert cell is not None and not cell.alarm and (cell.count, cell.expected, cell.expected_weekly) == (0, 0, 0)
    # Prior of the ratio and of the normal rate: variance 1 each, so that the shape is 1/2 and 2 * shape a chi-square.
    assert cell.rate_ratio == 1.0
    assert (cell.low, cell.high) == pytest.approx((0.00393, 3.8415), rel=1e-3)
    shape, rate = cell_posterior(estimator.snapshot, "E", "pump")
    assert shape / rate == cell.rate_ratio and normal_ratio(estimator.snapshot, "E", "pump") == 1.0
    note = answer.notes[-1]
    assert note.startswith("pump of E:") and "zero exposure" in note and "ask about another component" in note


def test_a_cell_with_exposure_answers_by_its_own_faults(estimator: FaultEstimator) -> None:
    (answer,) = respond(estimator, [FaultRequest(model="A", component="pump")])
    cell = answer.cell
    assert cell is not None and cell.rate_ratio == pytest.approx((1 + 1) / (1 + 1))
    # Shape 2 from one fault and the prior; the normal rate has shape 4: 1 / (1/2 + 1/4).
    shape, rate = cell_posterior(estimator.snapshot, "A", "pump")
    assert (shape, rate) == pytest.approx((4 / 3, 4 / 3)) and gammainc(shape, rate * cell.high) == pytest.approx(0.95)
    assert normal_ratio(estimator.snapshot, "A", "pump") == 2.0
    assert answer.notes == ["a note"]


def test_a_batch_with_such_a_cell_is_answered_whole(estimator: FaultEstimator) -> None:
    answers = respond(estimator, [FaultRequest(), FaultRequest(model="E", component="pump")], explain=True)
    assert answers[0].cell is None and answers[0].notes == ["a note"]
    assert answers[1].cell is not None and [w.expected for w in answers[1].cell.evidence] == [0.0, 0.0]
