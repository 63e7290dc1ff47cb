"""Turn the answers of an endpoint that decides into entries of the decision log."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from serving.asgi import Problem, Scope
from serving.bodies import invalid_field
from serving.decisions.entries import NewEntry
from serving.model_store import LoadedChampion

DECIDING_SCOPE = "decisions:make"  # without it, a caller may look at decisions, but not take them
REFERENCE_HEADER = b"x-reference"
MAX_STORE_LENGTH = 200
_MAX_BODY = 4_096  # a longer body may be mostly blanks
_REFERENCE = re.compile(rb"[!-~](?:[ -~]{0,62}[!-~])?")


class Recorder:
    """Makes the log entries of the answers of one endpoint.

    Parameters
    ----------
    path : str
        URL path of the endpoint, such as `/v1/credit_risk`.
    decision : callable
        ``(request, answer) -> mapping``: `decision` of an `ml.endpoint.Endpoint`.
    stores_inputs : bool
        Whether the log has keys to encrypt the inputs; otherwise each entry says that they are not stored.
    """

    def __init__(self, path: str, decision: Callable[[Any, Any], Mapping[str, Any]], *, stores_inputs: bool) -> None:
        self.path = path
        self.decision = decision
        self.stores_inputs = stores_inputs

    def entries(
        self,
        scope: Scope,
        models: bytes,
        requests: Sequence[BaseModel],
        answers: Sequence[BaseModel],
        *,
        body: bytes | None = None,
    ) -> list[NewEntry]:
        """Return the entries of answers, each with a new decision id; nothing is written.

        Parameters
        ----------
        scope : mapping
            ASGI scope with `request_id` and `caller` of the guard; without a caller the key is null.
        models : bytes
            JSON of the models, as returned by `models_json`.
        requests, answers : sequence of BaseModel
            Each answer in the order of its request.
        body : bytes, optional
            Body of a single request, which is stored as its inputs; requests of a batch are serialised.

        Raises
        ------
        Problem
            Status 422: the header `X-Reference` or a store is invalid.
        """
        caller = scope.get("caller")
        header = _reference(scope)
        origin: dict[str, Any] = {
            "request_id": scope.get("request_id"),
            "key_id": None if caller is None else caller.key_id,
            "endpoint": self.path,
            "row": None,
            "propensity": 1,
        }
        if not self.stores_inputs:
            origin["personal"] = "not stored"
        entries = []
        for row, (request, answer) in enumerate(zip(requests, answers, strict=True)):
            if body is None:
                origin["row"] = row
            content = {**origin, **self.decision(request, answer)}
            _check_store(content.get("store_id"))
            text = (to_json(content)[:-1] + b',"models":' + models + b"}").decode()
            reference = header or getattr(request, "application_id", None)
            personal = _personal(request, body, reference)
            entries.append(NewEntry("decision", new_id(), text, personal, reference))
        return entries


def new_id() -> str:
    """Return a new decision id: 12 hexadecimal digits of the time and 20 random ones.

    Ids of one hour lie together in the index, so that writing stays fast however long the log is.

    >>> len(new_id()), new_id() == new_id()
    (32, False)
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def models_json(champions: Mapping[str, LoadedChampion]) -> bytes:
    """Return the JSON of the models that decide: version, and by whom and when each was made champion.

    Parameters
    ----------
    champions : mapping of str to LoadedChampion
        Champion by name of the model.

    Examples
    --------
    >>> models_json({})
    b'{}'
    """
    return to_json({name: _model(loaded) for name, loaded in champions.items()})


def _model(loaded: LoadedChampion) -> dict[str, Any]:
    move = loaded.promotion
    promotion = None
    if move is not None:
        promotion = {"action": move.action, "who": move.who, "when": move.when, "forced": move.forced}
    return {"version": loaded.version, "promotion": promotion}


def check_right(scope: Scope, *, preview: bool) -> None:
    """Refuse callers that may only preview decisions.

    Parameters
    ----------
    scope : mapping
        ASGI scope with the `caller` of the guard; without one everything is allowed.
    preview : bool
        Whether the request is a preview.

    Raises
    ------
    Problem
        Status 403, code `preview_only`.

    Examples
    --------
    >>> check_right({}, preview=False)
    """
    caller = scope.get("caller")
    if not preview and caller is not None and DECIDING_SCOPE not in caller.scopes:
        text = f"keys with the role {caller.role} may only preview decisions; add ?preview=true"
        raise Problem(403, "preview_only", text)


def _reference(scope: Scope) -> str | None:
    values = [value for name, value in scope.get("headers", ()) if name == REFERENCE_HEADER]
    if len(values) > 1:
        raise invalid_field("X-Reference", "repeated", "must be sent once")
    return check_reference(values[0]) if values else None


def check_reference(value: bytes) -> str:
    """Return the text of a header `X-Reference`.

    Raises
    ------
    Problem
        Status 422: it has more than 64 characters, or other characters than printable ASCII.

    Examples
    --------
    >>> check_reference(b"APP-2026 0017")
    'APP-2026 0017'
    """
    if not _REFERENCE.fullmatch(value):
        raise invalid_field(
            "X-Reference", "reference", "must be 1 to 64 printable ASCII characters, no blank at an end"
        )
    return value.decode()


def _check_store(store: Any) -> None:
    """Check the store for the index of the log; a model without a list of stores accepts any text."""
    if store is not None and not (isinstance(store, str) and len(store) <= MAX_STORE_LENGTH and store.isprintable()):
        raise invalid_field("store_id", "store", f"must have at most {MAX_STORE_LENGTH} printable characters")


def _personal(request: BaseModel, body: bytes | None, reference: str | None) -> bytes:
    if body is None or len(body) > _MAX_BODY:
        body = request.model_dump_json(exclude_unset=True).encode()
    if reference is None:
        return b'{"inputs":%b}' % body
    return b'{"inputs":%b,"reference":%b}' % (body, to_json(reference))
