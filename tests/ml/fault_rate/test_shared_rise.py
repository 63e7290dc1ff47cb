"""A component that rises in most models at once is named; a fault of one model is not."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.fault_rate.reports import build_report_exposure
from ml.fault_rate.shared_rise import shared_rises
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import SurveillanceResult, run_surveillance

DAY = 24 * 3_600 * 1_000_000


def surveillance(**steps: int) -> SurveillanceResult:
    """Models with a fault on every 20th day of 20 weeks, then on every `steps`-th day of 20 more."""
    day = np.arange(280)
    models = [
        pl.DataFrame(
            {
                "model": [name] * 280,
                "serviced_at": day * DAY,
                "fault": np.where(day < 140, day % 20 == 0, day % step == 0),
            }
        )
        for name, step in steps.items()
    ]
    records = pl.concat(models).with_columns(component=pl.lit("brakes"))
    exposure = build_report_exposure(records, as_of=280 * DAY, since=0)
    return run_surveillance(exposure, start=20, alpha=0.05, longest_delay=60)


def test_a_rise_of_all_models_is_named_with_its_figures() -> None:
    """A has 70 faults in 20 weeks where 7 are expected; B 35, C 28 and D 20 together 83 instead of 21: 4.0 times."""
    result = surveillance(A=2, B=4, C=5, D=7)
    (sentence,) = shared_rises(result)
    assert result.alarms()["model"][0] == "A"
    assert sentence.startswith(
        "brakes: other models have more faults than expected too, together 83 where 21 are expected (4.0 times; 3 of "
        "3 models are above theirs)"
    )
    snapshot = Snapshot.of(result, alpha=0.05, vehicles=None, costs={})
    assert snapshot.notes == (*result.exposure.notes, sentence)


def test_a_fault_of_one_model_or_of_few_is_not() -> None:
    assert surveillance(A=2, B=20, C=20).alarms().height == 1
    assert shared_rises(surveillance(A=2, B=20, C=20)) == ()
    assert shared_rises(surveillance(A=2, B=4, C=20, D=20, E=20)) == ()
    assert shared_rises(surveillance(A=2)) == ()
    assert shared_rises(surveillance(A=20, B=20)) == ()
