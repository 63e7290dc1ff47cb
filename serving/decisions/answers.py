"""Answers of an endpoint that decides: with the id of the logged decision, or as a preview that is not binding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from ml.endpoint import Endpoint
from serving.asgi import Scope
from serving.decisions.entries import NewEntry
from serving.decisions.recording import Recorder, check_right
from serving.decisions.writer import LogWriter
from serving.watching.stages import begin_stage

_NOT_BINDING = b',"binding":false'


class DecisionAnswers:
    """Makes the JSON of the answers of one endpoint that decides, and writes their log entries.

    Parameters
    ----------
    path : str
        URL path of the endpoint, such as `/v1/credit_risk`.
    endpoint : Endpoint
        Its `decision` is not None.
    writer : LogWriter or None
        Writes the entries; None logs nothing, and answers have no decision ids.
    """

    def __init__(self, path: str, endpoint: Endpoint[Any, Any, Any], writer: LogWriter | None) -> None:
        assert endpoint.decision is not None
        self._excluded = endpoint.binding_fields
        self._writer = writer
        self._recorder = None if writer is None else Recorder(path, endpoint.decision, stores_inputs=bool(writer.keys))

    def check(self, scope: Scope, *, preview: bool) -> None:
        """Refuse a request before it is computed: its caller may not decide, or the log cannot be written.

        Raises
        ------
        Problem
            Status 403 or 503.
        """
        check_right(scope, preview=preview)
        if self._writer is not None and not preview:
            self._writer.check()

    async def single(
        self, scope: Scope, models: bytes, request: BaseModel, answer: BaseModel, body: bytes, *, preview: bool
    ) -> bytes:
        """Return the JSON of an answer without the last brace, after its decision was written.

        Parameters
        ----------
        scope : mapping
            ASGI scope with `request_id` and `caller` of the guard.
        models : bytes
            As returned by `serving.decisions.recording.models_json`.
        request, answer : BaseModel
            The parsed request, and its answer.
        body : bytes
            The request as it was sent, which is logged.
        preview : bool
            Whether the answer is not binding: it is not logged, and has no ids.

        Raises
        ------
        Problem
            Status 503: the decision could not be written. Status 422: reference or store cannot be logged.
        """
        begin_stage(scope, "log commit")
        if preview:
            return self._preview(answer) + _NOT_BINDING
        content = answer.model_dump_json().encode()[:-1]
        if self._recorder is None:
            return content
        entries = self._recorder.entries(scope, models, [request], [answer], body=body)
        await self.write(entries)
        return content + _id_field(entries[0])

    def batch(
        self, scope: Scope, models: bytes, requests: Sequence[BaseModel], answers: Sequence[BaseModel], *, preview: bool
    ) -> tuple[bytes, list[NewEntry]]:
        """Return the JSON of a batch without the last brace, and the entries to `write`; parameters as in `single`."""
        begin_stage(scope, "log commit")
        entries: list[NewEntry] = []
        if preview:
            items = [self._preview(answer) + b"}" for answer in answers]
        elif self._recorder is None:
            items = [answer.model_dump_json().encode() for answer in answers]
        else:
            entries = self._recorder.entries(scope, models, requests, answers)
            pairs = zip(answers, entries, strict=True)
            items = [answer.model_dump_json().encode()[:-1] + _id_field(entry) + b"}" for answer, entry in pairs]
        return b'{"items":[%b]%b' % (b",".join(items), _NOT_BINDING if preview else b""), entries

    async def write(self, entries: list[NewEntry]) -> None:
        """Write entries to the log; without entries nothing is done. Raises `Problem` with status 503."""
        if entries and self._writer is not None:
            await self._writer.append(entries)

    def _preview(self, answer: BaseModel) -> bytes:
        return answer.model_dump_json(exclude=self._excluded).encode()[:-1]


def _id_field(entry: NewEntry) -> bytes:
    return f',"decision_id":"{entry.decision_id}"'.encode()
