"""Order and columns of the ranked list."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.ranking import RANKED_COLUMNS, VehicleFigures, ranked_vehicles
from tests.ml.fault_rate.small_campaign import TODAY, snapshot

EPOCH = date(1970, 1, 1)


def figures(values: list[float]) -> VehicleFigures:
    n = np.array(values)
    chosen = n >= 0
    return VehicleFigures(
        faults=np.full(len(n), 0.2), faults_to_come=np.full(len(n), 2.0), avoided=np.full(len(n), 0.5),
        benefit=n + 100, cost=np.full(len(n), 100.0), largest_benefit=n + 100,
        chosen=chosen, moment=np.full(len(n), "call_in_now"),
    )  # fmt: skip


def test_the_list_is_sorted_by_value_then_by_the_longest_time_since_a_visit() -> None:
    state = snapshot({"visit": TODAY - 10}, {"visit": TODAY - 90, "next_visit": TODAY + 5}, {}, {}, repaired={0: 30})
    listed = ranked_vehicles(state, np.arange(4), "suspension", figures([5.0, 5.0, -1.0, 9.0]))
    assert listed.columns == list(RANKED_COLUMNS)
    assert listed["vehicle_id"].to_list() == ["V3", "V1", "V0", "V2"]
    assert listed["value"].to_list() == [9, 5, 5, -1] and listed["moment"].null_count() == 1
    row = listed.row(2, named=True)
    assert row["probability"] == pytest.approx(1 - np.exp(-0.2)) and row["age"] == pytest.approx(1_000 / YEAR_DAYS)
    assert row["built_on"] == EPOCH + timedelta(days=TODAY - 1_000)
    assert row["last_visit_on"] == EPOCH + timedelta(days=TODAY - 10)
    assert row["fault_on"] == EPOCH + timedelta(days=TODAY - 30)
    assert listed.row(1, named=True)["next_visit_on"] == EPOCH + timedelta(days=TODAY + 5)
    assert listed.row(0, named=True)["last_visit_on"] is None


def test_vehicles_below_the_cut_are_sorted_by_what_an_inspection_saves_and_not_by_its_cost() -> None:
    content = figures([-50.0, -60.0, 1.0])
    content.largest_benefit[:] = [50.0, 90.0, 60.0]
    listed = ranked_vehicles(snapshot({}, {}, {}), np.arange(3), "suspension", content)
    assert listed["vehicle_id"].to_list() == ["V2", "V1", "V0"]


def test_a_safety_component_is_sorted_by_the_faults_expected_soon() -> None:
    content = figures([5.0, 1.0])
    content.faults[1] = 0.9
    listed = ranked_vehicles(snapshot({}, {}), np.arange(2), "suspension", content, by_faults=True)
    assert listed["vehicle_id"].to_list() == ["V1", "V0"]
