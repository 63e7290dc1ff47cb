"""Rows of events in the units of the contracts, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from features.tables import EVENTS, LEADS, VEHICLES
from serving.feedback.contract_models import CLOCK_SKEW_US, OutOfRange, contract_model, instant_of, row_of
from serving.feedback.events import EVENT
from serving.feedback.rows import event_rows

NOW = 1_772_326_800_000_000


def rows(**fields: Any) -> Any:
    values = {"event_id": "e", "at": "2026-03-01T01:00:00Z", **fields}
    return event_rows(EVENT.validate_python(values), now=NOW)


def test_the_ranges_are_those_of_the_contracts() -> None:
    lead = contract_model("Lead", LEADS, LEADS.columns, required=["lead_id"])
    schema = lead.model_json_schema()
    assert schema["required"] == ["lead_id"] and set(schema["properties"]) == set(LEADS.columns)
    action = contract_model("Action", EVENTS, ["dwell_seconds", "channel"]).model_json_schema()["properties"]
    assert action["dwell_seconds"]["anyOf"][0]["maximum"] == EVENTS.columns["dwell_seconds"].high
    assert action["channel"]["anyOf"][0]["enum"] == list(EVENTS.columns["channel"].values)
    price = contract_model("Car", VEHICLES, ["price"]).model_json_schema()["properties"]["price"]["anyOf"][0]
    assert price["maximum"] == VEHICLES.columns["price"].high / 100  # type: ignore[operator]


def test_yuan_become_fen_and_instants_microseconds() -> None:
    car = contract_model("Car", VEHICLES, ["price", "listed_at", "model"])
    row = row_of(car(price=0.29, listed_at=datetime(2026, 3, 1, 1, tzinfo=UTC), model=" A "), VEHICLES, now=NOW)
    assert row == {"price": 29, "listed_at": NOW, "model": "A"}


@pytest.mark.parametrize(
    ("column", "ahead", "is_refused"), [("sold_at", 1, True), ("sold_at", 0, False), ("launched_at", 1, False)]
)
def test_only_what_has_happened_must_not_be_in_the_future(column: str, ahead: int, is_refused: bool) -> None:
    at = datetime(2026, 3, 1, 1, tzinfo=UTC)
    now = NOW - CLOCK_SKEW_US - ahead
    if is_refused:
        with pytest.raises(OutOfRange, match="future"):
            instant_of(column, at, VEHICLES, now=now)
    else:
        assert instant_of(column, at, VEHICLES, now=now) == NOW


def test_the_digest_is_of_what_is_stored() -> None:
    view = {"type": "view", "visitor_id": "w", "vehicle_id": "V"}
    same = rows(**view, at="2026-03-01T09:00:00+08:00").digest
    assert rows(**view).digest == rows(**view, channel=None).digest == same and len(same) == 32
    others = [rows(**view, channel="app"), rows(**view, model="A"), rows(**{**view, "type": "compare"})]
    assert len({same, *(other.digest for other in others)}) == 4


def test_tables() -> None:
    page = {"request_id": "r", "vehicles": [{"vehicle_id": "V", "place": 11, "propensity": 0.25}]}
    exposure = rows(type="shown", **page, visitor_id="w", model_version=7)
    assert exposure.table == "exposures" and exposure.rows[0]["model_version"] == "7"
    assert (exposure.rows[0]["place"], exposure.rows[0]["propensity"], exposure.rows[0]["shown_at"]) == (11, 0.25, NOW)
    assert rows(type="sold", lead_id="L", gross_margin=12.34).rows == [
        {"lead_id": "L", "salesperson_id": None, "gross_margin": 1234, "event_id": "e", "type": "sold", "event_at": NOW}
    ]
