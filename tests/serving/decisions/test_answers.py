"""Answers of an endpoint that decides, without a log: the same answers, without ids of decisions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serving.asgi import Problem
from serving.decisions.answers import DecisionAnswers
from serving.doors.caller import Caller
from tests.serving.decisions.deciding import Answer, Application, Offer, endpoint

ANSWERS = DecisionAnswers("/v1/credit_risk", endpoint().endpoint, None)
REQUESTS = [Application(amount=1), Application(amount=2)]
OUTPUT = [Answer(band="approve", offers=[Offer(offer_id="o1")], reasons=None)] * 2


@pytest.mark.parametrize("preview", [False, True])
def test_without_a_log_nothing_is_written_and_no_decision_has_an_id(preview: bool) -> None:
    content, entries = ANSWERS.batch({}, b"{}", REQUESTS, OUTPUT, preview=preview)
    offer = b'{"valid_until":"2026-12-31"}' if preview else b'{"offer_id":"o1","valid_until":"2026-12-31"}'
    item = b'{"band":"approve","offers":[%b],"reasons":null' % offer
    assert entries == []
    assert content == b'{"items":[%b},%b}]%b' % (item, item, b',"binding":false' if preview else b"")
    single = asyncio.run(ANSWERS.single({}, b"{}", REQUESTS[0], OUTPUT[0], b"", preview=preview))
    assert single == item + (b',"binding":false' if preview else b"")


def test_a_caller_who_may_only_preview_is_refused_without_a_log_too() -> None:
    scope: dict[str, Any] = {"caller": Caller("k", "lab", "data_scientist", frozenset(), None)}
    ANSWERS.check(scope, preview=True)
    with pytest.raises(Problem) as refused:
        ANSWERS.check(scope, preview=False)
    assert (refused.value.status, refused.value.code) == (403, "preview_only")
