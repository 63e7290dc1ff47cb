"""The answer has the stored reports by state and page, with the kind's name in both languages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl

from ml.fault_rate.prepared_report import DUTIES
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.safety_endpoint import SafetyRequest, safety
from ml.fault_rate.safety_store import STORED

ROWS = [
    {"id": n, "state": state, "record_id": f"R{n}", "kind": kind, "words": "smoke", "model": model}
    for n, state, kind, model in ((3, "new", "fire", "A"), (2, "acknowledged", "odd", "B"), (1, "closed", "fire", "A"))
]
CHAMPIONS: Any = {
    "fault_rate": SimpleNamespace(
        estimator=SimpleNamespace(safety_reports=pl.DataFrame(ROWS, schema=STORED), rules=AlarmRules())
    )
}


def test_open_reports_come_by_default_with_the_names_of_their_kinds_and_the_duties() -> None:
    answer = safety(CHAMPIONS, SafetyRequest())
    assert [(r.id, r.title.zh) for r in answer.reports] == [(3, "起火或冒烟"), (2, "odd")] and answer.total == 2
    assert answer.duties == DUTIES


def test_states_model_and_page_narrow_the_list() -> None:
    every = ("new", "acknowledged", "closed")
    assert [r.id for r in safety(CHAMPIONS, SafetyRequest(states=every, model="A")).reports] == [3, 1]
    page = safety(CHAMPIONS, SafetyRequest(states=every, limit=1, offset=1))
    assert page.total == 3 and [r.id for r in page.reports] == [2]
