"""`/v1/decisions`: explain a decision again, list decisions, and override one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from anyio.to_thread import run_sync
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.asgi import Problem
from serving.bodies import invalid_field, parse_request
from serving.decisions.entries import Entry, NewEntry
from serving.decisions.explanation import explain
from serving.decisions.listing import Filters, list_decisions
from serving.decisions.log_keys import VARIABLE, UnreadablePart
from serving.decisions.overrides import OverrideRequest, override_entry, override_text, written_override
from serving.decisions.reading import read_decision, read_parts
from serving.decisions.recording import check_reference
from serving.decisions.reproduction import reasons_of
from serving.decisions.writer import LogWriter, unavailable
from serving.doors.caller import Caller
from serving.model_store import ModelStore
from serving.query_strings import parse_parameters
from serving.stores import StoreUnavailable, store_errors

LIST_PARAMETERS = ("from", "until", "outcome", "store_id", "model", "version", "key_id", "limit", "before")
MAX_LIMIT = 200
Personal = Mapping[int, Mapping[str, Any]]


def decision_routes(writer: LogWriter | None, store: ModelStore) -> list[Route]:
    """Return the routes of the decision log.

    Parameters
    ----------
    writer : LogWriter or None
        The log; without one the routes answer with status 503.
    store : ModelStore
        Holds the models that compute reasons again.

    Examples
    --------
    >>> [route.path for route in decision_routes(None, ModelStore(poll_seconds=1))]
    ['/v1/decisions', '/v1/decisions/{decision_id}', '/v1/decisions/{decision_id}/override']
    """
    desk = DecisionDesk(writer, store)
    return [
        Route("/v1/decisions", desk.list, methods=["GET"]),
        Route("/v1/decisions/{decision_id}", desk.show, methods=["GET"]),
        Route("/v1/decisions/{decision_id}/override", desk.override, methods=["POST"]),
    ]


class DecisionDesk:
    """Answers the requests about logged decisions; a caller sees the decisions of its own stores only.

    Parameters
    ----------
    writer : LogWriter or None
        The log.
    store : ModelStore
        Holds the models.
    """

    def __init__(self, writer: LogWriter | None, store: ModelStore) -> None:
        self._writer = writer
        self._store = store

    @property
    def _log(self) -> LogWriter:
        if self._writer is None:
            raise unavailable()
        return self._writer

    async def show(self, request: Request) -> Response:
        """`GET /v1/decisions/{decision_id}`: explain a decision; `?inputs=true` adds the inputs, and is logged."""
        caller, log = _caller(request), self._log
        with_inputs = _flag(parse_parameters(request.scope["query_string"], ("inputs",)).get("inputs", "false"))
        may_read = caller is None or "personal:read" in caller.scopes
        if with_inputs and not may_read:
            raise Problem(403, "no_right", "the inputs of a decision need the scope personal:read; ask without inputs")
        entries, personal = await run_sync(self._read, request.path_params["decision_id"], caller)
        first = personal.get(entries[0].sequence)
        has_reasons = any("reason" in fields for fields in personal.values())
        fields = [*(_names(first or {}) if with_inputs else ()), *(("reason",) if has_reasons and may_read else ())]
        if with_inputs or fields:
            access = {
                "request_id": request.scope.get("request_id"),
                "key_id": None if caller is None else caller.key_id,
                "store_id": json.loads(entries[0].content).get("store_id"),
                "fields": sorted(fields),
            }
            await log.append([NewEntry("access", entries[0].decision_id, to_json(access).decode())])
        content = await run_sync(self._explanation, entries, personal, may_read)
        if with_inputs:
            content["inputs"] = (first or {}).get("inputs")
            content["reference"] = (first or {}).get("reference")
        return Response(to_json(content), media_type="application/json")

    async def list(self, request: Request) -> Response:
        """`GET /v1/decisions`: decisions by filters, the latest first, in pages."""
        values = parse_parameters(request.scope["query_string"], LIST_PARAMETERS)
        limit = _number(values, "limit", default=50, high=MAX_LIMIT) or 50
        filters = self._filters(request, values)
        entries = await run_sync(self._page, filters, limit + 1)
        items = [_summary(entry) for entry in entries[:limit]]
        following = entries[limit - 1].sequence if len(entries) > limit else None
        return Response(to_json({"items": items, "next_before": following}), media_type="application/json")

    async def override(self, request: Request) -> Response:
        """`POST /v1/decisions/{decision_id}/override`: write an officer's decision as a new entry."""
        parse_parameters(request.scope["query_string"])
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Problem(415, "not_json", "the header Content-Type must be application/json")
        body = cast("OverrideRequest", parse_request(OverrideRequest, await request.body()))
        caller, log = _caller(request), self._log
        entries, personal = await run_sync(self._read, request.path_params["decision_id"], caller)
        if entries[0].personal_digest is not None and entries[0].sequence not in personal:
            text = (
                "the inputs of this decision were deleted at the end of their retention; it can no longer be reviewed"
            )
            raise Problem(409, "purged", text)
        entry = override_entry(
            body,
            entries[0],
            caller=caller,
            request_id=request.scope.get("request_id"),
            can_encrypt=log.keys is not None,
        )
        await log.append([entry])
        present, _ = await run_sync(self._read, request.path_params["decision_id"], caller)
        content = written_override(entry, [e for e in present if e.sequence > entries[-1].sequence])
        names = ("outcome", "previous_outcome", "number", "reason_code")
        answer = {"decision_id": entry.decision_id, **{name: content[name] for name in names}}
        return Response(to_json(answer), media_type="application/json")

    def _read(self, decision_id: str, caller: Caller | None) -> tuple[Sequence[Entry], Personal]:
        """Return the entries of a decision that the caller may see, and their personal fields by sequence."""
        log = self._log
        try:
            with store_errors(log.engine, "decisions"), log.engine.connect() as connection:
                entries = read_decision(connection, decision_id)
                parts = read_parts(connection, [e.sequence for e in entries if e.personal_digest is not None][:1_000])
        except StoreUnavailable:
            raise unavailable() from None
        if not entries or entries[0].kind != "decision" or not _may_see(caller, entries[0]):
            raise Problem(404, "no_decision", "there is no decision with this id, or it is one of another store")
        if parts and log.keys is None:
            raise Problem(503, "no_log_keys", f"the personal fields of this decision need {VARIABLE}")
        try:
            return entries, {n: json.loads(log.keys.decrypt(p)[16:]) for n, p in parts.items() if log.keys is not None}
        except UnreadablePart:
            text = "the personal fields of this decision cannot be decrypted; run: chehang decisions verify"
            raise Problem(503, "unreadable", text) from None

    def _explanation(self, entries: Sequence[Entry], personal: Personal, may_read: bool) -> dict[str, Any]:
        decision = entries[0]
        content, inputs = json.loads(decision.content), personal.get(decision.sequence)
        reasons = reasons_of(content, None if inputs is None else inputs.get("inputs"), self._store)
        overrides = [
            override_text(e, personal.get(e.sequence), may_read=may_read) for e in entries if e.kind == "override"
        ]
        state = "stored" if inputs is not None else "not stored" if decision.personal_digest is None else "purged"
        return {
            "decision_id": decision.decision_id,
            "decided_at": _time(decision.at),
            "outcome": overrides[-1].outcome if overrides else content["outcome"],
            "explanation": explain(content, decision.at, reasons, overrides),
            "decision": {**content, "reasons": reasons},
            "reasons_from": None
            if reasons is None
            else "log"
            if content.get("reasons") is not None
            else "computed again",
            "overrides": [_override(e, text._asdict()) for e, text in zip(_overrides(entries), overrides, strict=True)],
            "inputs_state": state,
        }

    def _page(self, filters: Filters, limit: int) -> Sequence[Entry]:
        engine = self._log.engine
        try:
            with store_errors(engine, "decisions"), engine.connect() as connection:
                return list_decisions(connection, filters, limit=limit)
        except StoreUnavailable:
            raise unavailable() from None

    def _filters(self, request: Request, values: Mapping[str, str]) -> Filters:
        caller, store = _caller(request), values.get("store_id")
        stores = None if caller is None else caller.stores
        if store is not None:
            stores = frozenset({store}) if stores is None else stores & {store}
        references = None
        if (header := request.headers.get("x-reference")) is not None:
            reference = check_reference(header.encode("latin-1"))
            if self._log.keys is None:
                raise Problem(422, "no_log_keys", f"references are not stored without {VARIABLE}; leave the header out")
            references = self._log.keys.reference_digests(reference)
        if "version" in values and "model" not in values:
            raise invalid_field("version", "model", "needs the parameter model, such as model=credit_risk")
        return Filters(
            since=_instant(values, "from"),
            until=_instant(values, "until"),
            outcome=values.get("outcome"),
            key_id=values.get("key_id"),
            stores=stores,
            model=_model_name(values),
            version=_number(values, "version"),
            references=references,
            before=_number(values, "before"),
        )


def _caller(request: Request) -> Caller | None:
    caller: Caller | None = request.scope.get("caller")
    return caller


def _may_see(caller: Caller | None, entry: Entry) -> bool:
    return caller is None or caller.stores is None or json.loads(entry.content).get("store_id") in caller.stores


def _names(fields: Mapping[str, Any]) -> list[str]:
    """Return the names of personal fields, those of the inputs themselves in place of `inputs`."""
    return [*fields.get("inputs", ()), *(name for name in fields if name != "inputs")]


def _overrides(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == "override"]


def _override(entry: Entry, text: Mapping[str, Any]) -> dict[str, Any]:
    content = json.loads(entry.content)
    names = ("number", "outcome", "previous_outcome", "reason_code", "key_id", "request_id")
    return {"at": _time(entry.at), **{n: content[n] for n in names}, "reason": {"zh": text["zh"], "en": text["en"]}}


def _summary(entry: Entry) -> dict[str, Any]:
    content = json.loads(entry.content)
    names = ("outcome", "store_id", "endpoint", "row", "key_id", "request_id")
    models = {name: model["version"] for name, model in content["models"].items()}
    return {
        "decision_id": entry.decision_id,
        "decided_at": _time(entry.at),
        **{name: content.get(name) for name in names},
        "model_versions": models,
    }


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat()


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "1", "false", "0"):
        raise invalid_field("inputs", "bool", "must be true or false")
    return value.lower() in ("true", "1")


def _number(values: Mapping[str, str], name: str, *, default: int | None = None, high: int = 2**53) -> int | None:
    text = values.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= high):
        raise invalid_field(name, "integer", f"must be a whole number from 1 to {high}")
    return int(text)


def _instant(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return int(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise invalid_field(name, "instant", "must be a time with offset, such as 2026-09-01T00:00:00Z") from None


def _model_name(values: Mapping[str, str]) -> str | None:
    name = values.get("model")
    if name is not None and not all(c.isascii() and (c.isalnum() or c in "._-") for c in name):
        raise invalid_field("model", "name", "must be the name of a model, such as credit_risk or credit_risk.north")
    return name
