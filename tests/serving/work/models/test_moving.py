"""Promotion and return: who may, what is refused, and what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.champions import champion_number, history
from serving.asgi import Problem
from serving.feedback.store import FeedbackStore
from serving.work.entries import WorkEntries
from serving.work.models.answers import PromotionBody, RollBackBody
from serving.work.models.moving import promote_model, roll_back_model
from tests.ml.champions.registry import TASK, store_gate_result

PATH = {"name": TASK}
Requests = Callable[..., Any]


def test_a_promotion_is_in_the_history_and_in_the_entries(home: Path, request_of: Requests) -> None:
    """Both say who and why."""
    request = request_of(path=PATH, body=PromotionBody(version=3, reason="newer data", expected_champion=2))
    answer = promote_model(request)
    assert (champion_number(TASK), answer.move.previous, answer.move.forced) == (3, 2, False)
    assert (history(TASK)[-1].who, history(TASK)[-1].why) == ("Lin Yue", "newer data")
    entry = request.context.entries.of("model.")[0]
    assert (entry.sequence, entry.kind, entry.subject, entry.person) == (
        answer.sequence,
        "model.promoted",
        TASK,
        "Lin Yue",
    )
    assert entry.content["version"] == 3


def test_a_version_that_failed_the_gate_needs_force(home: Path, request_of: Requests) -> None:
    """The refusal has the failed checks; the forced move says that it was forced."""
    store_gate_result(3, 2, passed=False)
    body = {"version": 3, "reason": "the only one with the new product", "expected_champion": 2}
    with pytest.raises(Problem) as error:
        promote_model(request_of(path=PATH, body=PromotionBody(**body)))
    assert (error.value.status, error.value.code, champion_number(TASK)) == (409, "not_promoted", 2)
    assert list(error.value.details) == [
        {"field": "roc_auc beats the champion", "rule": "gate", "message": "gain: +0.1 [0.05, 0.15]"}
    ]
    answer = promote_model(request_of(path=PATH, body=PromotionBody(**body, force=True)))
    assert answer.move.forced and champion_number(TASK) == 3


def test_a_return_makes_the_champion_before_champion_again(home: Path, request_of: Requests) -> None:
    """A second return is refused: there is nothing before the first champion."""
    answer = roll_back_model(request_of(path=PATH, body=RollBackBody(reason="drifted", expected_champion=2)))
    assert (answer.move.version, answer.move.previous, answer.move.action) == (1, 2, "rollback")
    with pytest.raises(Problem) as error:
        roll_back_model(request_of(path=PATH, body=RollBackBody(reason="drifted", expected_champion=1)))
    assert error.value.code == "no_earlier_champion"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (promote_model, PromotionBody(version=3, reason="newer", expected_champion=1)),
        (promote_model, PromotionBody(version=3, reason="newer")),
        (roll_back_model, RollBackBody(reason="drifted", expected_champion=3)),
    ],
)
def test_a_champion_that_changed_meanwhile_is_not_replaced(
    call: Any, body: Any, home: Path, request_of: Requests
) -> None:
    """The person saw another champion."""
    with pytest.raises(Problem) as error:
        call(request_of(path=PATH, body=body))
    assert (error.value.status, error.value.code, champion_number(TASK)) == (409, "changed", 2)


def test_a_key_of_some_stores_and_a_blank_reason_are_refused(home: Path, request_of: Requests) -> None:
    """A champion answers for all stores."""
    body = RollBackBody(reason="drifted", expected_champion=2)
    with pytest.raises(Problem) as error:
        roll_back_model(request_of(frozenset({"S1"}), path=PATH, body=body))
    assert error.value.status == 403
    with pytest.raises(Problem) as error:
        roll_back_model(request_of(path=PATH, body=RollBackBody(reason="  ", expected_champion=2)))
    assert error.value.details[0]["field"] == "reason" and champion_number(TASK) == 2


def test_a_move_whose_entry_cannot_be_written_says_so(
    home: Path, tmp_path: Path, request_of: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias has moved, and the history of the model store has it."""
    request = request_of(path=PATH, body=RollBackBody(reason="drifted", expected_champion=2))
    (tmp_path / "file").write_text("no folder")
    broken = WorkEntries(FeedbackStore(f"sqlite:///{tmp_path}/file/feedback.db"), None)
    monkeypatch.setattr(request.context, "entries", broken)
    answer = roll_back_model(request)
    assert (answer.sequence, champion_number(TASK)) == (None, 1)
