"""Weeks of a fleet as rows, and the figures of a report on them, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ml.fault_rate.exposure import FleetExposure, build_exposure
from ml.registry import TASKS
from ml.report.report import Report
from ml.report.sections import TimeSeries
from tests.reports import keyed
from training.studies.surveillance_data import rows_of_weeks
from training.studies.surveillance_report import baseline_predictions, evaluate_faults

DAY = 86_400_000_000
START = 18_628 * DAY  # 2021-01-01
WEEKS = 20
WATCHED = 10  # weeks that are learnt from before
YEAR = 365.25


def field() -> FleetExposure:
    """Ten cars of A and five of B, always there: brakes of A fail in weeks 2 and 12 to 14, the pump of B in 13."""
    fleet = pl.DataFrame(
        {
            "vehicle_id": [f"V{i}" for i in range(15)],
            "model": ["A"] * 10 + ["B"] * 5,
            "entered_service_at": [START] * 15,
            "left_service_at": pl.Series([None] * 15, dtype=pl.Int64),
        }
    )
    faults = [
        ("V0", "brakes", 2),
        ("V0", "brakes", 12),
        ("V1", "brakes", 13),
        ("V2", "brakes", 14),
        ("V10", "pump", 13),
    ]
    records = pl.DataFrame(
        [
            {"vehicle_id": v, "component": c, "fault": True, "serviced_at": START + (7 * w + 1) * DAY}
            for v, c, w in faults
        ]
    )
    return build_exposure(fleet, records, as_of=START + 7 * WEEKS * DAY, since=START)


class Delay:
    """Half of what a week holds is reported by now."""

    def completeness(self, age: np.ndarray) -> np.ndarray:
        return np.full(len(age), 0.5)


def watch(whole: FleetExposure, *, model_kinds: tuple[str, ...] = ("constant", "regression"), delay: Any = None) -> Any:
    expected_faults = SimpleNamespace(baseline_rates=SimpleNamespace(model_kinds=model_kinds, seasonal=False))
    return SimpleNamespace(exposure=whole, delay=delay, expected_faults=expected_faults, between_model_variance=0.04)


def study(whole: FleetExposure, watched: Any, **changes: Any) -> Any:
    config = SimpleNamespace(
        task="fault_rate", definition=TASKS["fault_rate"], bootstraps=20, segments=("model", "colour")
    )
    params = SimpleNamespace(reference_weeks=WATCHED, false_alarm_rate=0.05)
    rows = rows_of_weeks(whole, watched, WATCHED, WEEKS)
    values = {
        "config": config,
        "params": params,
        "exposure": whole,
        "notes": ("a small fleet",),
        "test_weeks": lambda: rows,
    }
    values["problem"] = TASKS["fault_rate"].problem
    return SimpleNamespace(**{**values, **changes})


class TwiceAsOften:
    """Expects two faults of a vehicle-year of everything."""

    def __init__(self, weekly: list[float]) -> None:
        self.trained = SimpleNamespace(
            expected_weekly=np.array(weekly), alarm_threshold=np.full(len(weekly), 3.0), between_model_variance=0.0
        )

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select(expected=2 * pl.col("vehicle_years"))

    def importance(self) -> dict[str, float]:
        return {"age": 1.0}


def report(watched: Any, *, weekly: list[float] | None = None) -> Report:
    estimator: Any = TwiceAsOften([0.0, 0.5, 0.1, 0.9] if weekly is None else weekly)
    return evaluate_faults(study(watched.exposure, watched), estimator, watched)


def test_rows_hold_all_exposure_and_every_fault_once() -> None:
    whole = field()
    rows = rows_of_weeks(whole, watch(whole), 0, WEEKS)
    sums = rows.group_by("model", "component").agg(pl.col("label", "vehicle_years").sum()).sort("model", "component")
    years = 7 * WEEKS / YEAR
    assert sums.select("model", "component", "label").rows() == [
        ("A", "brakes", 4), ("A", "pump", 0), ("B", "brakes", 0), ("B", "pump", 1)
    ]  # fmt: skip
    assert sums["vehicle_years"].to_list() == pytest.approx([10 * years] * 2 + [5 * years] * 2)
    assert rows["monthly_km"].null_count() == rows.height, "nobody said how far they drive"
    assert rows["month"].unique().sort().to_list() == [0, 1, 2, 3, 4] and rows["group"].n_unique() == 4
    begins = pl.from_epoch(rows["as_of"], time_unit="us")
    assert (begins.dt.day() == 1).all() and begins.dt.year().unique().to_list() == [2021]


def test_only_the_weeks_that_are_asked_for() -> None:
    whole = field()
    rows = rows_of_weeks(whole, watch(whole), WATCHED, WATCHED + 3)
    assert rows["label"].sum() == 1 and rows["vehicle_years"].sum() == pytest.approx(2 * 15 * 21 / YEAR)


def test_what_is_not_reported_yet_counts_for_less_exposure() -> None:
    whole = field()
    rows = rows_of_weeks(whole, watch(whole, delay=Delay()), 0, WEEKS)
    assert rows["vehicle_years"].sum() == pytest.approx(2 * 15 * 7 * WEEKS / YEAR / 2)


def test_one_rate_of_each_component_is_the_naive_answer() -> None:
    whole = field()
    watched = watch(whole)
    rows = rows_of_weeks(whole, watched, WATCHED, WEEKS)
    rate = baseline_predictions(study(whole, watched), watched, rows) / rows["vehicle_years"].to_numpy()
    # Brakes failed once in ten weeks of 15 cars, pumps never.
    brakes = (rows["component"] == "brakes").to_numpy()
    assert rate[brakes] == pytest.approx(1 / (15 * 70 / YEAR)) and (rate[~brakes] == 0).all()


def test_a_report_counts_faults_beside_what_was_expected() -> None:
    result = report(watch(field()))
    assert [row["faults"] for row in result.rows("rows")] == [1, 4]
    expected = 2 * 10 * 70 / YEAR
    assert keyed(result, "by_component")["brakes"]["observed"] == 3
    assert keyed(result, "by_model")["A"]["predicted"] == pytest.approx(2 * expected)
    assert "by_colour" not in result, "nothing is known of it"
    months = result["by_month"]
    assert isinstance(months, TimeSeries) and months.y.label() == "number of faults" and "mean" not in months.title.en
    assert sum(row["observed"] for row in keyed(result, "by_month").values()) == 4
    assert list(keyed(result, "by_month")) == ["2021-03", "2021-04", "2021-05"]
    assert all(b["predicted"] == pytest.approx(2.0) for b in result.rows("calibration"))
    assert result.protocol.startswith(
        "usual rates learnt from the 10 weeks before 2021-03-12, tested on the 10 weeks from then on ("
    )


def test_power_is_of_the_cell_of_median_size() -> None:
    power = list(keyed(report(watch(field())), "detection_power").values())
    assert list(keyed(report(watch(field())), "detection_power")) == [1.5, 2.0, 3.0]
    assert {p["false_alarm_rate"] for p in power} == {0.05}
    assert {p["expected_weekly"] for p in power} == {0.5}, "of 0.1, 0.5 and 0.9; of the fourth nothing is expected"
    shares = [p["detected_in_26_weeks"] for p in power]
    assert shares == sorted(shares) and shares[0] < shares[-1]
    assert report(watch(field()), weekly=[0.0, 0.0]).rows("detection_power") == []


def test_notes_say_how_rates_were_learnt_and_what_is_unknown() -> None:
    notes = report(watch(field(), model_kinds=("constant", "unknown"))).notes
    assert notes[0] == "a small fleet"
    assert notes[1].startswith("usual rates by constant for 1 of 2 components")
    assert notes[2].startswith("no vehicle had pump in the reference weeks")
    assert notes[3].startswith("less than a year of reference")
    assert notes[4] == "models differ by a factor of 1.22 for good (upper limit)"
