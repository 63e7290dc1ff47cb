"""Endpoints that change champions: promotion, and the return to the champion before."""

from __future__ import annotations

import logging
from collections.abc import Callable

from features.errors import ModelNotFound
from ml import champions
from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.models.answers import ChangeAnswer
from serving.work.models.reading import move_answer
from serving.work.models.registered import MODELS, RegisteredModel
from serving.work.routing import WorkRequest

log = logging.getLogger("chehang.serving")
PROMOTED, ROLLED_BACK = "model.promoted", "model.rolled_back"
NOBODY = "without log-in"  # who, where the service has no doors


def promote_model(request: WorkRequest) -> ChangeAnswer:
    """Answer `POST /v1/models/{name}/promotion`: make a version champion, if the gate allows it or by force.

    Raises
    ------
    Problem
        Status 409: the gate does not allow it (`not_promoted`, with its failed checks), or the champion is another than
        the person saw (`changed`).
    """
    model, body = _model(request), request.body
    version = model.version(body.version)
    _check_champion(model, body.expected_champion)
    options = {"who": _who(request), "reason": body.reason.strip(), "force": body.force}
    try:
        return _change(request, PROMOTED, lambda: champions.promote(model.name, version.number, **options))
    except champions.NotPromoted as e:
        checks = () if version.gate is None else version.gate.checks
        details = [{"field": c.name, "rule": "gate", "message": c.detail} for c in checks if not c.passed]
        raise Problem(409, "not_promoted", str(e), details) from None


def roll_back_model(request: WorkRequest) -> ChangeAnswer:
    """Answer `POST /v1/models/{name}/rollback`: make the champion before champion again.

    Raises
    ------
    Problem
        Status 409: there is no earlier champion, or the champion is another than the person saw (`changed`).
    """
    model, body = _model(request), request.body
    _check_champion(model, body.expected_champion)
    if model.earlier is None:
        raise Problem(409, "no_earlier_champion", f"{model.name} has no earlier champion to return to")
    options = {"who": _who(request), "reason": body.reason.strip()}
    try:
        return _change(request, ROLLED_BACK, lambda: champions.roll_back(model.name, **options))
    except champions.NotPromoted as e:  # another machine moved the alias meanwhile
        raise Problem(409, "changed", str(e)) from None


def _model(request: WorkRequest) -> RegisteredModel:
    if request.stores is not None:
        raise Problem(403, "wrong_store", "a champion answers for all stores; this key holds for some stores only")
    if not request.body.reason.strip():
        text = "state why, in a few words: the history shows it"
        raise Problem(422, "invalid", f"reason: {text}", [{"field": "reason", "rule": "blank", "message": text}])
    return MODELS.model(request.path["name"])


def _check_champion(model: RegisteredModel, expected: int | None) -> None:
    if model.champion != expected:
        now = "no champion" if model.champion is None else f"version {model.champion}"
        raise Problem(409, "changed", f"the champion of {model.name} is now {now}; look at it again")


def _who(request: WorkRequest) -> str:
    return NOBODY if request.caller is None else request.caller.name


def _change(request: WorkRequest, kind: str, change: Callable[[], champions.Move]) -> ChangeAnswer:
    """Move the alias and write the entry; the model store's own history has the move whatever happens to the entry."""
    name = request.path["name"]
    try:
        move = move_answer(name, change())
    except champions.StoreError as e:
        raise Problem(503, "models_unavailable", f"the model store cannot be written: {e}") from None
    except ModelNotFound as e:
        raise Problem(409, "not_promoted", str(e)) from None
    content = move.model_dump(exclude={"name", "title", "who"})
    try:
        entry = request.context.entries.append([NewWorkEntry(kind, name, None, content)], caller=request.caller)[0]
    except Problem as e:
        log.error("%s version %d is champion, but its entry could not be written: %s", name, move.version, e.code)
        return ChangeAnswer(move=move, sequence=None)
    return ChangeAnswer(move=move, sequence=entry.sequence)
