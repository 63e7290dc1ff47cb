"""Another price is forecast again; what the model does not read is said."""

from __future__ import annotations

import pytest

from tests.serving.work.inventory.dealership import Dealership

SERIES = {"store_id": "a", "model": "y"}
PATH = "/v1/inventory/what_if/preview"


def test_a_lower_price_sells_more_and_earns_less(group: Dealership) -> None:
    """Three at 100,000 become 3.75 at 80,000, which is beyond the recorded prices; the margin of 6,000 is gone."""
    answer = group.ask(PATH, {**SERIES, "price": 80_000.0})
    assert [(p["mean"], p["new_mean"]) for p in answer["periods"]] == [(3.0, 3.75)] * 3
    assert (answer["price"], answer["new_price"], answer["is_beyond_records"]) == (100_000, 80_000, True)
    assert answer["change"] == 2.25 and answer["change_share"] == 0.25 and answer["reacts"]
    assert answer["margin_change"] == pytest.approx(11.25 * (6_000 - 20_000) - 9 * 6_000)


def test_what_the_forecast_does_not_react_to_is_said(group: Dealership) -> None:
    """A promotion changes nothing here."""
    answer = group.ask(PATH, {**SERIES, "promotion": 0.0})
    assert not answer["reacts"] and answer["change"] == 0 and not answer["is_beyond_records"]
    fields = group.champions["demand_forecast"].estimator.signature.fields
    fields.clear()
    answer = group.ask(PATH, {**SERIES, "price": 1.0})
    assert not answer["reads_price"] and answer["price"] is None and answer["margin_change"] is None


def test_an_unknown_series_is_refused(group: Dealership) -> None:
    """And so is a store of others."""
    group.ask(PATH, {"store_id": "b", "model": "y"}, status=404)
    group.ask(PATH, SERIES, stores=frozenset({"b"}), status=403)
    group.ask(PATH, {**SERIES, "price": -1.0}, status=422)
