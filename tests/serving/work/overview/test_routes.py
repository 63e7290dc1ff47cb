"""Answers of the endpoints of the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.overview import routes
from serving.work.overview.periods import PeriodParameters
from serving.work.routing import WorkRequest
from tests.serving.work.overview.dealership import context, records, request

PARTS = (routes.overview, routes.channels, routes.loans, routes.stores)


@pytest.mark.parametrize("respond", PARTS)
def test_every_part_says_when_and_for_how_many_stores(respond: Callable[[WorkRequest], Any]) -> None:
    """The period ends yesterday; the comparison ends where it begins."""
    answer = respond(request(parameters=PeriodParameters(period="30d")))
    assert (str(answer.period.first), str(answer.period.last)) == ("2026-03-02", "2026-03-31")
    assert str(answer.before.last) == "2026-03-01"
    assert answer.periods[:3] == ["30d", "90d", "2026-03"]
    assert (answer.stores, answer.stands_still) == (2, True)


@pytest.mark.parametrize("respond", PARTS)
@pytest.mark.parametrize(
    "missing", ["sales", "leads", "vehicles", "events", "applications", "loan_outcomes", "customers"]
)
def test_no_missing_table_is_an_error(respond: Callable[[WorkRequest], Any], missing: str) -> None:
    """The others stand."""
    work = context(records(missing))
    assert respond(request(work, parameters=PeriodParameters())).model_dump_json()


def test_a_key_of_one_store_sees_that_store_and_may_not_ask_for_another() -> None:
    """Also of the number of stores."""
    answer = routes.stores(request(stores=["S2"], parameters=PeriodParameters()))
    assert ([s.store_id for s in answer.items], answer.stores) == (["S2"], 1)
    with pytest.raises(Problem) as e:
        routes.stores(request(stores=["S2"], parameters=PeriodParameters(store_id="S1")))
    assert e.value.status == 403


def test_answers_of_two_keys_are_not_mixed_up() -> None:
    """One group, two limits."""
    work = context()
    both = routes.overview(request(work, parameters=PeriodParameters())).figures[0].now
    one = routes.overview(request(work, stores=["S2"], parameters=PeriodParameters())).figures[0].now
    assert both is not None and one is not None
    assert (both.value, one.value) == (2.0, 0.0)
