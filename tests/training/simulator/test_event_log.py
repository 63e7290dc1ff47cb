"""The simulated event log: joined in time order, written with identifiers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import (
    CATALOGUE,
    ITEMS,
    make_people,
    make_units,
    make_world,
)
from training.simulator.draws import take
from training.simulator.event_log import (
    KIND,
    LOGGING_POLICY,
    Log,
    event_chunks,
    event_ids,
    exposure_chunks,
    join_logs,
    log_of,
)

WEBSITE = np.array([CHANNELS.index("website")])


def _view(at: list[int], person: list[int], **columns: np.ndarray) -> Log:
    return log_of("view", np.array(at), person=np.array(person), channel=np.repeat(WEBSITE, len(at)), **columns)


def test_columns_that_are_not_passed_are_empty() -> None:
    log = _view([5, 6], [1, 2])
    assert len(log) == 2
    assert log.kind.tolist() == [KIND["view"]] * 2
    assert log.session.tolist() == log.vehicle.tolist() == [-1, -1]
    assert log.position.tolist() == [0, 0]
    assert all(math.isnan(value) for value in (*log.dwell, *log.propensity, *log.utility, *log.view))
    assert take(log, np.array([1])).person.tolist() == [2]
    assert take(log, slice(0, 1)).at.tolist() == [5]


def test_logs_are_joined_in_time_order_before_the_end() -> None:
    joined = join_logs([_view([30, 10], [0, 1]), _view([10, 20], [2, 3])], before=30)
    assert joined.at.tolist() == [10, 10, 20]
    assert joined.person.tolist() == [1, 2, 3]


def test_event_ids_start_at_one() -> None:
    assert event_ids(np.array([0, 41])).to_list() == ["E000000001", "E000000042"]


def test_customer_ids_start_with_registration_and_units_have_their_own_ids() -> None:
    people, units = make_people(3, customers=2), make_units(2, item=[0, 3])
    world = make_world(people=people, units=units, registered_at=np.array([20, 5]))
    page = _view(
        [10, 20, 30, 40],
        [0, 0, 2, 1],
        session=np.array([0, 1, 2, -1]),
        vehicle=np.array([3, ITEMS + 1, -1, 0]),
        position=np.array([2, 0, 0, 0]),
        page=np.array([2, 1, 0, 0]),
        propensity=np.array([0.25, np.nan, np.nan, np.nan]),
        dwell=np.array([np.nan, 7.5, np.nan, np.nan]),
    )
    (frame,) = event_chunks(page, world)
    assert frame["customer_id"].to_list() == [None, "K0000001", None, "K0000002"]
    assert frame["visitor_id"].to_list() == ["W00000001", "W00000001", "W00000003", None]
    assert frame["session_id"].to_list() == ["T000000001", "T000000002", "T000000003", None]
    assert frame["vehicle_id"].to_list() == ["C0003", "V00000002", None, "C0000"]
    assert frame["model"].to_list() == [CATALOGUE.names[1], CATALOGUE.names[1], None, CATALOGUE.names[0]]
    assert frame["position"].to_list() == [2, None, None, None]
    assert frame["request_id"].to_list() == ["T000000001-2", "T000000002-1", None, None]
    assert frame["dwell_seconds"].to_list() == [None, 7.5, None, None]
    assert frame["store_id"].unique().to_list() == ["S0001"]
    (shown,) = exposure_chunks(page, world)
    assert shown.to_dicts() == [
        {
            "request_id": "T000000001-2", "vehicle_id": "C0003", "visitor_id": "W00000001", "store_id": "S0001",
            "place": 2, "propensity": 0.25, "model_version": LOGGING_POLICY, "shown_at": 10,
        }
    ]  # fmt: skip


def test_chunks_have_consecutive_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.event_log.CHUNK", 2)
    world = make_world(registered_at=np.array([0]))
    pieces = list(event_chunks(_view([1, 2, 3], [0, 0, 0]), world))
    assert [piece["event_id"].to_list() for piece in pieces] == [["E000000001", "E000000002"], ["E000000003"]]
    assert [piece.height for piece in event_chunks(_view([], []), world)] == [0]
    shown = _view([1, 2, 3, 4], [0] * 4, vehicle=np.array([0, 1, 2, 3]), position=np.array([1, 0, 2, 3]))
    assert [piece["place"].to_list() for piece in exposure_chunks(shown, world)] == [[1, 2], [3]]
    assert [piece.height for piece in exposure_chunks(_view([], []), world)] == [0]
