"""Answers of the endpoints of other areas, as `GET /v1/today` gets them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.routing import WorkRequest

NAME = {"zh": "制动", "en": "Brakes"}
REPORT = {
    "id": 3, "state": "new", "model": "X5", "component": "brakes", "component_name": NAME,
    "reported_on": "2026-03-31",
    "alarm_id": None, "title": {"zh": "制动失灵", "en": "Brakes fail"}, "words": "刹车失灵", "store_id": "S1",
}  # fmt: skip
ALARM = {
    "id": 7, "state": "open", "model": "X5", "component_name": NAME, "is_safety": False,
    "figures": {"count": 30, "expected": 12.0},
}  # fmt: skip
WAITING = {"store_id": None, "waiting_orders": 2, "waiting_vehicles": 9, "waiting_cost": 1_250_000.0}
MODEL = {
    "name": "credit_risk", "title": {"zh": "信用风险", "en": "Credit risk"}, "state": "quiet",
    "champion": {"version": 1, "metric": None}, "drift": None,
    "data_until": "2026-03-01T00:00:00+00:00", "promotion": {"at": datetime.now(UTC).isoformat()},
}  # fmt: skip
WAITING_APPLICATION = {
    "application_id": "A9", "name": "王**", "vehicle": "X5", "waiting_minutes": 130, "is_late": True,
    "missing": ["bureau_score"],
}  # fmt: skip
APPLICATIONS = {"items": [WAITING_APPLICATION], "waiting": 1, "late": 1, "longest_minutes": 130, "promise_minutes": 60}
LEAD = {
    "lead_id": "L4", "name": "王**", "model": "X5", "loss_per_hour": 410.4,
    "headline": {"zh": "试驾后询价", "en": "asked for a quote"},
}  # fmt: skip
LEADS = {"counts": {"today": 2, "all": 5}, "costs_waiting": True, "items": [LEAD]}
ANSWERS: Mapping[str, Any] = {
    "/v1/alarms/safety": {"items": [REPORT, {**REPORT, "id": 1, "state": "closed", "reported_on": "2026-03-20"}]},
    "/v1/alarms": {"items": [ALARM, {**ALARM, "id": 8, "state": "campaign"}, {**ALARM, "id": 9, "state": "closed"}]},
    "/v1/inventory/orders": {"total": WAITING, "stores": [{**WAITING, "store_id": "S1"}]},
    "/v1/applications": APPLICATIONS,
    "/v1/leads": LEADS,
    "/v1/models": {"items": [MODEL]},
    "/v1/overview/stores": {"items": [{"store_id": "S1", "verdict": "inside"}]},
}


def use_answers(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> list[str]:
    """Let the endpoints answer; a `Problem` is raised. Returns the list to which the paths are added."""
    answers = {**ANSWERS, **changed}
    paths: list[str] = []

    def ask(self: WorkRequest, method: str, path: str, body: Any = None, *, query: str = "") -> Any:
        paths.append(path)
        answer = answers.get(path, Problem(404, "not_found", "there is no such path"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(WorkRequest, "ask", ask)
    return paths
