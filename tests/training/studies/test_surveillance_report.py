"""Rows of weekly exposure and faults, and the figures of the report, computed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ml.fault_rate.exposure import FleetExposure, build_exposure
from ml.fault_rate.model_effects import RAISED
from ml.labels import Labels
from ml.registry import TASKS
from ml.report.report import Report
from ml.report.sections import TimeSeries
from tests.reports import keyed
from training.studies.surveillance_data import rows_of_weeks
from training.studies.surveillance_report import baseline_predictions, evaluate_faults

DAY = 86_400_000_000
START = 18_628 * DAY  # 2021-01-01
WEEKS = 20
REFERENCE_WEEKS = 10
YEAR = 365.25


def build() -> FleetExposure:
    """Ten cars of A and five of B, always in service: brakes of A fail in weeks 2 and 12 to 14, the pump of B in 13."""
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
    """Half of the faults of every week are reported by now."""

    def completeness(self, age: np.ndarray) -> np.ndarray:
        return np.full(len(age), 0.5)


def surveillance_of(
    exposure: FleetExposure, *, model_kinds: tuple[str, ...] = ("constant", "regression"), delay: Any = None
) -> Any:
    expected_faults = SimpleNamespace(baseline_rates=SimpleNamespace(model_kinds=model_kinds, seasonal=False))
    references = tuple(SimpleNamespace(test_shape=shape) for shape in (25.0, 100.0, 400.0))
    return SimpleNamespace(
        exposure=exposure, delay=delay, expected_faults=expected_faults, references=references,
        expected=np.array([[1.0], [6.0], [3.0]]), population=SimpleNamespace(variance=0.04),
        raised=pl.DataFrame([("A", "pump", 9, 4.0, 1.6, 1.2, 2.1)], schema=RAISED, orient="row"),
    )  # fmt: skip


def study(exposure: FleetExposure, surveillance: Any, **changes: Any) -> Any:
    config = SimpleNamespace(
        task="fault_rate", definition=TASKS["fault_rate"], bootstraps=20, segments=("model", "colour"), labels=Labels()
    )
    params = SimpleNamespace(reference_weeks=REFERENCE_WEEKS, false_alarm_rate=0.05)
    rows = rows_of_weeks(exposure, surveillance, REFERENCE_WEEKS, WEEKS)
    values = {
        "config": config,
        "params": params,
        "exposure": exposure,
        "notes": ("a small fleet",),
        "test_weeks": lambda: rows,
    }
    values["problem"] = TASKS["fault_rate"].problem
    return SimpleNamespace(**{**values, **changes})


class TwiceAsOften:
    """Expects two faults per vehicle-year of every component."""

    def __init__(self) -> None:
        self.trained = SimpleNamespace(expected_weekly=np.zeros(2))  # no cell whose power is shown

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select(expected=2 * pl.col("vehicle_years"))

    def importance(self) -> dict[str, float]:
        return {"age": 1.0}


def report(surveillance: Any) -> Report:
    estimator: Any = TwiceAsOften()
    return evaluate_faults(study(surveillance.exposure, surveillance), estimator, surveillance)


def test_rows_hold_all_exposure_and_every_fault_once() -> None:
    exposure = build()
    rows = rows_of_weeks(exposure, surveillance_of(exposure), 0, WEEKS)
    sums = rows.group_by("model", "component").agg(pl.col("label", "vehicle_years").sum()).sort("model", "component")
    years = 7 * WEEKS / YEAR
    assert sums.select("model", "component", "label").rows() == [
        ("A", "brakes", 4), ("A", "pump", 0), ("B", "brakes", 0), ("B", "pump", 1)
    ]  # fmt: skip
    assert sums["vehicle_years"].to_list() == pytest.approx([10 * years] * 2 + [5 * years] * 2)
    assert rows["monthly_km"].null_count() == rows.height, "the fleet has no monthly_km"
    assert rows["month"].unique().sort().to_list() == [0, 1, 2, 3, 4] and rows["group"].n_unique() == 4
    begins = pl.from_epoch(rows["as_of"], time_unit="us")
    assert (begins.dt.day() == 1).all() and begins.dt.year().unique().to_list() == [2021]


def test_rows_cover_only_the_requested_weeks() -> None:
    exposure = build()
    rows = rows_of_weeks(exposure, surveillance_of(exposure), REFERENCE_WEEKS, REFERENCE_WEEKS + 3)
    assert rows["label"].sum() == 1 and rows["vehicle_years"].sum() == pytest.approx(2 * 15 * 21 / YEAR)


def test_faults_not_reported_yet_reduce_the_exposure() -> None:
    exposure = build()
    rows = rows_of_weeks(exposure, surveillance_of(exposure, delay=Delay()), 0, WEEKS)
    assert rows["vehicle_years"].sum() == pytest.approx(2 * 15 * 7 * WEEKS / YEAR / 2)


def test_one_rate_per_component_is_the_baseline() -> None:
    exposure = build()
    surveillance = surveillance_of(exposure)
    rows = rows_of_weeks(exposure, surveillance, REFERENCE_WEEKS, WEEKS)
    rate = baseline_predictions(study(exposure, surveillance), surveillance, rows) / rows["vehicle_years"].to_numpy()
    # Brakes failed once in ten weeks of 15 cars, pumps never.
    brakes = (rows["component"] == "brakes").to_numpy()
    assert rate[brakes] == pytest.approx(1 / (15 * 70 / YEAR)) and (rate[~brakes] == 0).all()


def test_a_report_counts_faults_beside_what_was_expected() -> None:
    result = report(surveillance_of(build()))
    assert [row["faults"] for row in result.rows("rows")] == [1, 4]
    expected = 2 * 10 * 70 / YEAR
    assert keyed(result, "by_component")["brakes"]["observed"] == 3
    assert keyed(result, "by_model")["A"]["predicted"] == pytest.approx(2 * expected)
    assert result.rows("raised")[0]["model"] == "A" and "detection_power" not in result
    assert "by_colour" not in result, "the rows have no such column"
    months = result["by_month"]
    assert isinstance(months, TimeSeries) and months.y.label() == "faults (count)" and "mean" not in months.title.en
    assert sum(row["observed"] for row in keyed(result, "by_month").values()) == 4
    assert list(keyed(result, "by_month")) == ["2021-03", "2021-04", "2021-05"]
    assert all(b["predicted"] == pytest.approx(2.0) for b in result.rows("calibration"))
    assert result.protocol.startswith(
        "baseline rates estimated from the 10 weeks before 12 March 2021, tested on the 10 weeks after ("
    )


def test_notes_name_regressions_and_unknown_components() -> None:
    notes = report(surveillance_of(build(), model_kinds=("constant", "unknown"))).notes
    assert notes[0] == "a small fleet"
    assert notes[1].startswith("baseline rates by constant for 1 of 2 components")
    assert notes[2].startswith("no vehicle had pump in the reference weeks")
    assert notes[3].startswith("fewer than 52 reference weeks")
    assert notes[4] == (
        "fault rates of a component differ between models by 20% (one standard deviation); after the reference weeks "
        "the normal rate of a model is known to within 10% for half of the faults (from 5% to 20%)"
    )
