"""Errors of the alarm store as answers, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.errors import ConfigError, DataError
from serving.asgi import Problem
from serving.work.alarms.deeds import deed_of, last_deed
from serving.work.alarms.store import MAX_REMEMBERED, remembered, store_errors
from serving.work.alarms.times import iso
from serving.work.entries import WorkEntry
from tests.serving.work.alarms.conftest import Work


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ConfigError("/srv/alarms.db: cannot be used"), 503, "alarm_store_unavailable"),
        (DataError("alarm: the store has no alarm 3"), 404, "no_alarm"),
        (DataError("state: alarm 3 is closed and cannot become campaign"), 409, "move_not_allowed"),
        (DataError("by: must name the person"), 422, "move_not_allowed"),
    ],
)
def test_an_error_of_the_store_is_an_answer_without_the_path_of_a_file(
    error: Exception, status: int, code: str
) -> None:
    """The operator finds the path in the configuration."""
    with pytest.raises(Problem) as problem, store_errors(writing=True):
        raise error
    assert (problem.value.status, problem.value.code) == (status, code)
    assert "/srv" not in problem.value.message


def test_a_result_is_computed_once_for_each_key_and_the_oldest_is_forgotten(work: Work) -> None:
    """Sixteen keys are remembered."""
    calls: list[int] = []
    context: Callable[..., object] = type("Context", (), {"records": work.records})

    def ask(key: int) -> int:
        return remembered(context(), "numbers", key, lambda: calls.append(key) or key)  # type: ignore[arg-type, func-returns-value]

    assert [ask(1), ask(1), ask(2)] == [1, 1, 2] and calls == [1, 2]
    for key in range(3, 3 + MAX_REMEMBERED):
        ask(key)
    assert ask(1) == 1 and calls[-1] == 1


def test_an_entry_as_a_deed_has_its_instant_and_person(work: Work) -> None:
    """Without a subject there is none."""
    deed = deed_of(WorkEntry(4, 1_000_000, "alarm.reported", "alarm-1", None, "k", "Li", {"reference": "Q"}))
    assert deed.at == iso(1_000_000) and (deed.sequence, deed.person) == (4, "Li")
    context: Callable[..., object] = type("Context", (), {})
    assert last_deed(context(), "", "alarm.reported") is None  # type: ignore[arg-type]
