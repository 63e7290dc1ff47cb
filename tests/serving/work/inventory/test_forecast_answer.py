"""Forecasts by group, region, store and model: parts add up, history is the champion's, others' stores stay hidden."""

from __future__ import annotations

import pytest

from serving.work.inventory.forecast_answer import HISTORY
from serving.work.inventory.forecast_models import ForecastAnswer
from tests.serving.work.inventory.dealership import Dealership


@pytest.mark.parametrize(
    ("query", "level", "part_level", "parts", "mean"),
    [
        ("", "group", "region", ["north", "south"], 6.0),
        ("?region=north", "region", "store", ["a", "b"], 6.0),
        ("?store_id=a", "store", "series", ["y", "x"], 4.0),
        ("?model=x", "model", "store", ["b", "a"], 3.0),
    ],
)
def test_a_total_has_its_parts(
    group: Dealership, query: str, level: str, part_level: str, parts: list[str], mean: float
) -> None:
    """Their means add up, largest first; the last and the next period are named."""
    answer = group.ask(f"/v1/inventory/forecast{query}")
    assert (answer["level"], answer["part_level"]) == (level, part_level)
    column = {"region": "region", "store": "store_id", "series": "model"}[part_level]
    assert [part[column] for part in answer["parts"]] == parts
    assert answer["forecast"][0]["mean"] == sum(part["mean"] for part in answer["parts"]) == mean
    assert (answer["history"][-1], answer["last_period"]) == ({"period": "2022-12", "sold": mean}, "2022-12")
    assert answer["forecast"][0]["last_year"] == mean and len(answer["history"]) == 12 < HISTORY["month"]
    assert ForecastAnswer.model_validate(answer).level == level


def test_a_store_names_models_without_forecast(group: Dealership) -> None:
    """Store c sold z alone, which has ended."""
    assert group.ask("/v1/inventory/forecast?store_id=c")["ended"] == ["z"]
    assert group.ask("/v1/inventory/forecast")["ended"] == ["z"]


def test_a_series_has_no_parts(group: Dealership) -> None:
    """And an unknown one is not there."""
    answer = group.ask("/v1/inventory/forecast?store_id=a&model=y")
    assert (answer["level"], answer["parts"], answer["region"]) == ("series", [], "north")
    for query in ("store_id=b&model=y", "region=moon", "store_id=unheard"):
        assert group.ask(f"/v1/inventory/forecast?{query}", status=404)["error"]["code"] == "no_series"
    assert group.ask("/v1/inventory/forecast?region=north&model=x", status=404)["error"]["code"] == "no_level"


def test_a_key_of_some_stores_sees_no_total_of_others(group: Dealership) -> None:
    """Its own stores stand side by side, without the group's total."""
    own = frozenset({"b", "c"})
    for query in ("", "?region=north", "?model=x"):
        answer = group.ask(f"/v1/inventory/forecast{query}", stores=own)
        assert answer["forecast"] == answer["history"] == [] and answer["part_level"] == "store"
        assert {part["store_id"] for part in answer["parts"]} <= own
    group.ask("/v1/inventory/forecast?store_id=a", stores=own, status=403)
    assert group.ask("/v1/inventory/forecast?store_id=b", stores=own)["forecast"][0]["mean"] == 2.0


def test_a_forecast_is_asked_once_for_each_champion(group: Dealership) -> None:
    """A new champion is asked again."""
    for _ in range(2):
        group.ask("/v1/inventory/forecast")
    assert group.questions == [("forecasts", 3)]
    group.promote(2)
    group.ask("/v1/inventory/forecast")
    assert len(group.questions) == 2
