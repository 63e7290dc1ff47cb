"""Surveillance of a fleet simulated by a known rule: baseline rates, detection, affected builds."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.fault_rate import surveillance
from ml.fault_rate.baseline_rates import KINDS
from ml.fault_rate.expected import deviance, expect_faults
from ml.fault_rate.exposure import FleetExposure, build_exposure
from ml.fault_rate.params import FaultParams
from ml.fault_rate.reports import build_report_exposure
from tests.small.fault_rate import COMPONENTS, DAY, DAYS, START, fleet_and_records

PARAMS = FaultParams()


def field_of(fleet: pl.DataFrame, records: pl.DataFrame) -> FleetExposure:
    return build_exposure(fleet, records, as_of=START + DAYS * DAY, since=START)


def watch(
    field: FleetExposure, *, start: int, alpha: float = PARAMS.false_alarm_rate
) -> surveillance.SurveillanceResult:
    return surveillance.run_surveillance(field, start=start, alpha=alpha, longest_delay=PARAMS.longest_delay_days)


def test_every_vehicle_is_at_risk_while_it_is_in_service() -> None:
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V2", "V3"],
            "model": ["A", "A", "B"],
            "entered_service_at": [START - 9 * DAY, START + 7 * DAY, START],
            "left_service_at": [START + 14 * DAY, None, None],
        }
    )
    records = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V2", "V9", "V2"],
            "component": ["brakes", "brakes", "brakes", "brakes"],
            "fault": [True, True, True, False],
            "serviced_at": [START + DAY, START + 8 * DAY, START + DAY, START + 9 * DAY],
            "reported_at": [START + 8 * DAY, START + 21 * DAY, START + DAY, START + 9 * DAY],
        }
    )
    field = build_exposure(fleet, records, as_of=START + 21 * DAY, since=START)
    of_a = field.at_risk[(field.strata["model"] == "A").to_numpy()].sum(axis=0) * 365.25
    np.testing.assert_allclose(of_a, [7, 14, 7])
    assert field.counts(0).sum() == 1 and field.report_week.tolist() == [1]
    assert any("1 fault with a vehicle_id that is not in the fleet" in note for note in field.notes)


def test_season_and_absent_components_are_estimated() -> None:
    field = field_of(*fleet_and_records())
    usual = expect_faults(field, until=104)
    battery = usual.of_component(field.components.index("battery"))[:, 104:]
    winter = np.isin(field.month[104:], (11, 0, 1))
    rate = battery.sum(axis=0) / field.at_risk[:, 104:].sum(axis=0)
    assert 1.5 < rate[winter].mean() / rate[~winter].mean() < 2.3
    assert not usual.component_present[field.components.index("pump")][(field.strata["model"] == "E").to_numpy()].any()
    assert usual.component_present[field.components.index("brakes")].all()
    # A season that doubles the faults of batteries is a clear gain; brakes and pumps have one rate.
    assert dict(zip(field.components, usual.baseline_rates.model_kinds, strict=True)) == {
        "battery": "season", "brakes": "constant", "pump": "constant"
    }  # fmt: skip
    of_battery = dict(zip(KINDS, usual.baseline_rates.deviance[field.components.index("battery")], strict=True))
    assert of_battery["season"] < 0.99 * of_battery["constant"]
    for c in range(len(COMPONENTS)):
        observed, expected = field.counts(c)[:, 104:150].sum(), usual.of_component(c)[:, 104:150].sum()
        assert abs(observed - expected) < 4 * np.sqrt(expected) + 0.05 * expected


def test_the_fault_is_detected_early_with_its_builds() -> None:
    result = watch(field_of(*fleet_and_records(ratio=3.0)), start=60)
    alarms = result.alarms()
    assert alarms.select("model", "component").rows() == [("D", "brakes")]
    alarm = alarms.row(0, named=True)
    assert alarm["detected_on"] < date(2024, 1, 1)
    assert abs((alarm["built_from"] - date(2021, 1, 8)).days) <= 92
    assert abs((alarm["built_until"] - date(2022, 1, 8)).days) <= 92
    assert 2.0 < alarm["rate_ratio"] < 3.6 and alarm["low"] < alarm["rate_ratio"] < alarm["high"]
    assert alarm["probability_notable"] > 0.99
    row = result.cells.rows().index(("D", "brakes"))
    # The fault was in the reference weeks: the normal rate is that of the other builds, not the mean of all.
    assert result.normal_ratio[row] == pytest.approx(alarm["own_ratio"]) and result.references[row].mean > 1.3
    assert result.count[row, -1] > 1.3 * result.expected[row, -1]
    assert result.delay is not None and 0.4 < result.delay.completeness(8) < 0.6


def test_later_reports_do_not_change_earlier_counts() -> None:
    fleet, records = fleet_and_records(ratio=3.0)
    cut = START + 130 * 7 * DAY
    whole = watch(field_of(fleet, records), start=60)
    early = build_exposure(fleet, records.filter(pl.col("serviced_at") < cut), as_of=cut, since=START)
    late = build_exposure(fleet, records, as_of=cut, since=START)
    faults = [np.sort(f.report_week + 1_000 * (f.week + 1_000 * (f.component + 10 * f.stratum))) for f in (early, late)]
    assert np.array_equal(*faults)
    reported = whole.count[:, 130 - 60 - 1].sum()
    assert reported == watch(late, start=60).count[:, -1].sum()


def test_the_family_wise_false_alarm_rate_holds_for_fleets_without_a_fault() -> None:
    """Twelve fleets, tested for almost two years each with estimated baseline rates: a rate of 5% allows for two."""
    worlds = [watch(field_of(*fleet_and_records(seed=seed + 10)), start=60).alarms() for seed in range(12)]
    assert sum(not alarms.is_empty() for alarms in worlds) <= 2


def test_bad_arguments_are_refused() -> None:
    fleet, records = fleet_and_records(cars=300)
    field = field_of(fleet, records)
    with pytest.raises(DataError, match="start"):
        watch(field, start=1)
    with pytest.raises(DataError, match="alpha"):
        watch(field, start=60, alpha=1.0)
    with pytest.raises(DataError, match="rate_drift"):
        surveillance.run_surveillance(field, start=60, alpha=0.05, longest_delay=120, rate_drift=2.0)
    with pytest.raises(DataError, match="no fault"):
        build_exposure(fleet, records.with_columns(fault=pl.lit(value=False)), as_of=START + DAYS * DAY, since=START)
    with pytest.raises(DataError, match="in the first 60 weeks"):
        late = fleet.with_columns(entered_service_at=pl.lit(START + 900 * DAY), left_service_at=pl.lit(None, pl.Int64))
        watch(field_of(late, records), start=60)
    with pytest.raises(DataError, match="as_of"):
        build_exposure(fleet, records, as_of=START + DAY, since=START)
    with pytest.raises(DataError, match="fleet"):
        build_exposure(fleet.clear(), records, as_of=START + DAYS * DAY, since=START)


def test_reports_without_a_date_are_counted_as_complete_with_a_note() -> None:
    fleet, records = fleet_and_records()
    field = field_of(fleet, records.drop("reported_at"))
    assert any("reported_at is missing" in note for note in field.notes)
    assert watch(field, start=60).delay is None


def test_records_whose_dates_run_backwards_are_left_out_with_a_note_with_and_without_a_fleet() -> None:
    fleet, records = fleet_and_records(cars=300)
    records = records.join(fleet.select("vehicle_id", "model"), on="vehicle_id")
    end, early = START + DAYS * DAY, pl.col("serviced_at") - DAY
    wrong = pl.int_range(pl.len()) % 5 == 0
    some = records.with_columns(reported_at=pl.when(wrong).then(early).otherwise("reported_at"))
    broken = some.filter(wrong)
    for field, rows in (
        (build_exposure(fleet, some, as_of=end, since=START), f"{int(broken['fault'].sum()):,} faults"),
        (build_report_exposure(some, as_of=end, since=START), f"{broken.height:,} records"),
    ):
        assert f"left out: {rows} with reported_at before serviced_at" in field.notes
        assert (field.delay_days >= 0).all()
    every = records.with_columns(reported_at=early)
    with pytest.raises(DataError, match=r"left out: [\d,]+ faults with reported_at before .* the dates"):
        build_exposure(fleet, every, as_of=end, since=START)
    with pytest.raises(DataError, match=r"[\d,]+ records with reported_at before .* map serviced_at and"):
        build_report_exposure(every, as_of=end, since=START)


def test_faults_outside_the_time_in_service_are_left_out_with_a_note() -> None:
    fleet, records = fleet_and_records(cars=300)
    gone = fleet.with_columns(left_service_at=pl.lit(START + 500 * DAY))
    field = field_of(gone, records)
    assert field.week.max() <= 500 // 7
    assert any("not in service" in note for note in field.notes)


def test_deviance_of_a_perfect_forecast_is_zero() -> None:
    assert deviance(np.array([3.0, 1.0]), np.array([3.0, 1.0])) == pytest.approx(0, abs=1e-9)
