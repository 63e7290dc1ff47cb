"""Power of a cell of a snapshot, and the endpoint's answer: some builds or all, now or from the first week."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from features.errors import DataError, FeatureError
from ml import champions
from ml.fault_rate.power import PowerAnswer, PowerRequest, not_detected_reason, power
from ml.fault_rate.power_curve import RATIOS, cell_power, power_rows
from ml.model import Model
from tests.conftest import Trained

if TYPE_CHECKING:
    from ml.fault_rate.estimator import FaultEstimator


@pytest.fixture
def model(fault_rate: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(fault_rate.home))
    champion = champions.champion("fault_rate")
    assert champion is not None
    return champions.load(champion)


def ask(model: Model, /, **fields: Any) -> PowerAnswer:
    request = PowerRequest(**{"model": "A", "component": "battery", "rate_ratio": 2.0, **fields})
    return power({"fault_rate": model}, request)


def weeks_of(answer: PowerAnswer) -> float:
    return np.inf if answer.weeks_p50 is None else answer.weeks_p50


def test_a_higher_rate_ratio_is_detected_sooner_and_the_curve_is_monotone(model: Model) -> None:
    large, small = ask(model, rate_ratio=3.0), ask(model, rate_ratio=1.5)
    assert large.weeks_p10 <= large.weeks_p50 <= large.weeks_p90  # type: ignore[operator]
    assert weeks_of(large) < weeks_of(small)
    assert small.detected_in_52_weeks <= large.detected_in_52_weeks
    assert ask(model, rate_ratio=1.0).detected_in_52_weeks < 0.05
    assert [point.rate_ratio for point in large.curve] == list(RATIOS)
    medians = [np.inf if point.weeks_p50 is None else point.weeks_p50 for point in large.curve]
    assert medians == sorted(medians, reverse=True)
    assert large.curve[RATIOS.index(3.0)].weeks_p50 == large.weeks_p50
    ratio = large.detectable_ratio_in_52_weeks
    assert ratio is not None and weeks_of(ask(model, rate_ratio=ratio + 0.05)) <= 52


def test_a_fault_of_some_builds_is_asked_by_dates_or_by_the_newest_share(model: Model) -> None:
    everything = ask(model)
    assert everything.affected_weekly == pytest.approx(everything.expected_weekly)
    third = ask(model, newest_share=1 / 3)
    assert third.affected_weekly == pytest.approx(everything.affected_weekly / 3)
    some = ask(model, built_from=date(2021, 1, 1), built_until=date(2022, 1, 1))
    assert 0 < some.affected_weekly < everything.affected_weekly
    assert weeks_of(some) > 0.5 * weeks_of(everything)
    assert weeks_of(ask(model, rate_ratio=3.0, from_now=True)) >= weeks_of(ask(model, rate_ratio=3.0))


def test_the_normal_rate_of_an_alarmed_cell_leaves_out_its_fault(model: Model) -> None:
    """Affected faults of all builds are the expected ones, also where an alarm has lowered the normal rate."""
    snapshot = cast("FaultEstimator", model.estimator).snapshot
    alarms = snapshot.alarms.select("model", "component").rows()
    assert alarms
    for name, component in alarms:
        answer = ask(model, model=name, component=component)
        assert answer.affected_weekly == pytest.approx(answer.expected_weekly)
        with pytest.raises(DataError, match=rf"from_now: {component} of {name} has had an alarm since \d{{4}}-"):
            ask(model, model=name, component=component, from_now=True)


def test_what_is_not_detected_has_a_reason_with_its_figures(model: Model) -> None:
    answer = ask(model, component="pump", rate_ratio=1.05, weeks=20)
    assert answer.weeks_p50 is None and answer.reason is not None
    assert answer.reason.en.startswith("in 20 weeks ") and "an alarm needs about" in answer.reason.en
    assert answer.reason.zh.startswith("20 周内") and "预警约需" in answer.reason.zh
    assert ask(model, rate_ratio=4.0).reason is None
    computed = cell_power(model.estimator.snapshot, model.estimator.snapshot.row("A", "pump"), weeks=20)
    assert not_detected_reason(computed, 1.05) == answer.reason
    assert [row["rate_ratio"] for row in power_rows(computed)] == list(RATIOS)


def test_the_answer_comes_in_well_under_a_second(model: Model) -> None:
    started = time.perf_counter()
    ask(model)
    assert time.perf_counter() - started < 1.0


def test_bad_requests_are_named(model: Model) -> None:
    with pytest.raises(DataError, match="zero exposure"):
        ask(model, model="E", component="pump")
    with pytest.raises(FeatureError, match="not tested"):
        ask(model, model="Z")
    with pytest.raises(DataError, match="built_until: must lie after built_from"):
        ask(model, built_from=date(2022, 1, 1), built_until=date(2022, 1, 1) - timedelta(days=1))
    with pytest.raises(DataError, match=r"built_from, built_until: no battery of A .* in service"):
        ask(model, built_from=date(1990, 1, 1), built_until=date(1991, 1, 1))
