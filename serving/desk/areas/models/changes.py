"""Promotion and return: what would change is shown once more, with a reason to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from ml.report.formats import format_interval
from serving.asgi import Problem
from serving.desk.areas.models.figures import GATES, Answer, figure_text
from serving.desk.catalogue import Language
from serving.desk.formats import in_language
from serving.desk.page import Page, PageRequest, View

SCOPE = "models:write"
SHOWN_HERE = ("not_promoted", "invalid", "changed", "no_earlier_champion")


async def show_roll_back(request: PageRequest) -> View:
    """Answer `GET /desk/models/{name}/rollback`."""
    return await _form(request, "rollback")


async def roll_back(request: PageRequest) -> View | Response:
    """Answer `POST /desk/models/{name}/rollback`."""
    body = {"reason": request.field("reason"), "expected_champion": _number(request.field("expected_champion"))}
    return await _send(request, "rollback", body, "models.notice.rolled_back")


async def show_promotion(request: PageRequest) -> View:
    """Answer `GET /desk/models/{name}/promotion?version=`."""
    return await _form(request, "promotion")


async def promote(request: PageRequest) -> View | Response:
    """Answer `POST /desk/models/{name}/promotion`."""
    body = {
        "version": _number(request.field("version")),
        "reason": request.field("reason"),
        "expected_champion": _number(request.field("expected_champion")),
        "force": request.field("force") == "true",
    }
    return await _send(request, "promotion", body, "models.notice.promoted")


async def _send(request: PageRequest, action: str, body: Mapping[str, Any], notice: str) -> View | Response:
    name = request.path["name"]
    try:
        await request.ask("POST", f"/v1/models/{name}/{action}", body)
    except Problem as e:
        if e.code not in SHOWN_HERE:
            raise
        return await _form(request, action, problem=e)
    return request.redirect(f"/desk/models/{name}", notice=notice)


async def _form(request: PageRequest, action: str, problem: Problem | None = None) -> View:
    name = request.path["name"]
    model = await request.ask("GET", f"/v1/models/{name}")
    target = _target(model, action, request)
    if target is None:
        raise Problem(404, "not_found", "there is no version for this change")
    champion = model["champion"]
    versions = [await _metrics(name, row, request) for row in (champion, target)]
    return request.render(
        "models/change.html",
        status=200 if problem is None else problem.status,
        model=model,
        action=action,
        target=target,
        gate=GATES[target["gate"]],
        rows=_compared(versions, request),
        needs_force=action == "promotion" and target["gate"] != "passed",
        reason=request.field("reason"),
        force=request.field("force") == "true",
        problem=problem,
    )


def _target(model: Answer, action: str, request: PageRequest) -> Answer | None:
    """Return the version that would become champion; None if there is none."""
    challenger = model["challenger"]
    number = model["earlier"] if action == "rollback" else None if challenger is None else challenger["version"]
    if action == "promotion" and (text := request.field("version") or request.query.get("version", "")):
        number = _number(text)
    row = next((row for row in model["versions"] if row["version"] == number), None)
    return None if row is not None and row["gate"] == "champion" else row


async def _metrics(name: str, row: Answer | None, request: PageRequest) -> Mapping[str, Answer]:
    """Return the metrics of a version by name; none without a version, or without its report."""
    if row is None:
        return {}
    try:
        answer = await request.ask("GET", f"/v1/models/{name}/versions/{row['version']}")
    except Problem as e:
        if e.code != "no_report":
            raise
        return {}
    return {metric["name"]: metric for metric in answer["metrics"]}


def _compared(versions: Sequence[Mapping[str, Answer]], request: PageRequest) -> list[dict[str, Any]]:
    """Return the metrics of both versions side by side, each on the hold-out rows of its own report."""
    language = request.language
    rows = []
    for name in dict.fromkeys(n for metrics in versions for n in metrics):
        either = next(metrics[name] for metrics in versions if name in metrics)
        cells = [
            (figure_text(metrics[name]["value"], either, language), _limits(metrics[name], language))
            if name in metrics
            else ("—", "")
            for metrics in versions
        ]
        direction = in_language(either["direction"], language) if either["direction"] else ""
        rows.append({"title": in_language(either["title"], language), "direction": direction, "cells": cells})
    return rows


def _limits(metric: Answer, language: Language) -> str:
    return format_interval(metric["low"], metric["high"], metric["format"], language)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


PAGES = (
    Page("/desk/models/{name}/rollback", SCOPE, show_roll_back),
    Page("/desk/models/{name}/rollback", SCOPE, roll_back, "POST"),
    Page("/desk/models/{name}/promotion", SCOPE, show_promotion),
    Page("/desk/models/{name}/promotion", SCOPE, promote, "POST"),
)
