"""Decisions of the same application and the same customer, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.labels import Labels
from ml.signature import Field as SignatureField
from ml.signature import Signature
from serving.asgi import Problem
from serving.work.entries import WorkEntry
from serving.work.loans.applications import LoanCase, case, case_of_entries, case_of_row, with_inputs
from serving.work.loans.fields import credit_request, signature_of
from serving.work.loans.quote import QuoteRequest, planned_inputs
from serving.work.routing import WorkRequest

MAX_COLUMNS = 6
DECISIONS = ("application.proposed", "application.decided")


class ComparedDecision(BaseModel):
    """One column of the comparison."""

    application_id: str
    at: str = Field(description="of the decision; for an application that waits, of its submission")
    outcome: str | None = Field(description="approve, refer or decline; null while it waits")
    person: str | None = Field(description="who decided at the desk; null for others")
    is_proposed: bool = Field(description="whether a second person had yet to confirm it")
    is_present: bool = Field(description="whether this is the application as it stands")
    score: int | None = Field(description="score by the present champion, so that all columns can be compared")
    band: str | None = Field(description="band by the present champion")
    probability_of_default: float | None
    logged_score: int | None = Field(description="score on which the decision was based, if it was made at the desk")
    model_version: int | None = Field(description="version of the model that gave `logged_score`")
    inputs_state: str = Field(description="stored, purged, or unreadable without the keys of the log")


class ComparedField(BaseModel):
    """A field whose value differs between columns; money in yuan."""

    name: str
    label: Text
    unit: str | None
    values: list[Any] = Field(description="by column; null if it lacks the field")


class Comparison(BaseModel):
    """Decisions side by side, the latest first."""

    columns: list[ComparedDecision]
    fields: list[ComparedField] = Field(description="fields that differ")
    same: int = Field(description="number of fields that are the same in all columns")
    model_version: int | None = Field(description="present champion; null without one, then there are no scores")
    left_out: int = Field(description=f"earlier applications beyond the {MAX_COLUMNS} columns")


class _Column:
    """Inputs of a column, and what was decided on them."""

    def __init__(self, present: LoanCase, entry: WorkEntry | None = None, *, is_present: bool = False) -> None:
        self.case = present
        self.entry = entry
        self.is_present = is_present
        self.inputs: dict[str, Any] = {}
        self.state = "stored"

    @property
    def at(self) -> int:
        return self.case.submitted_at if self.entry is None else self.entry.at


def compare(request: WorkRequest) -> Comparison:
    """Answer `GET /v1/applications/{application_id}/comparison`."""
    present = case(request, request.path["application_id"])
    decided = [e for e in present.entries if e.kind in DECISIONS]
    others = _of_customer(request, present)
    columns = [_Column(present, is_present=True), *(_Column(present, e) for e in reversed(decided))]
    columns += [_Column(other) for other in others]
    left_out = max(0, len(columns) - MAX_COLUMNS)
    columns = columns[:MAX_COLUMNS]
    for column in columns:
        _read(request, column)
    signature, version = _signature(request)
    scores = [None] * len(columns) if signature is None else _scores(request, signature, columns)
    fields, same = _fields(signature, columns)
    return Comparison(
        columns=[_answer(column, score) for column, score in zip(columns, scores, strict=True)],
        fields=fields,
        same=same,
        model_version=version,
        left_out=left_out,
    )


def _of_customer(request: WorkRequest, present: LoanCase) -> list[LoanCase]:
    """Return the other applications of the same customer that the caller may see, the latest first."""
    if present.customer_id is None:
        return []
    context = request.context
    table = context.records.table("applications").filter(pl.col("customer_id") == present.customer_id)
    groups: dict[str, list[WorkEntry]] = {}
    for entry in context.entries.of("application."):
        groups.setdefault(entry.subject, []).append(entry)
    rows = [case_of_row(row, groups.get(row["application_id"], [])) for row in table.to_dicts()]
    desk = [case_of_entries(group) for group in groups.values() if group[0].kind == "application.submitted"]
    others = [
        other
        for other in (*rows, *desk)
        if other.customer_id == present.customer_id
        and other.application_id != present.application_id
        and (request.stores is None or other.store_id in request.stores)
    ]
    return sorted(others, key=lambda other: -other.submitted_at)


def _read(request: WorkRequest, column: _Column) -> None:
    """Decrypt the inputs of a column; what cannot be read is named in its state."""
    try:
        inputs = dict(with_inputs(request, column.case).inputs)
    except Problem as e:
        column.state = "purged" if e.code == "purged" else "unreadable"
        return
    if column.entry is not None:
        inputs |= column.entry.content.get("plan") or {}
    column.inputs = inputs


def _signature(request: WorkRequest) -> tuple[Signature | None, int | None]:
    try:
        return signature_of(request.context)
    except Problem:
        return None, None


def _scores(request: WorkRequest, signature: Signature, columns: Sequence[_Column]) -> list[dict[str, Any] | None]:
    """Return the answers of the present champion; None for a column that it cannot judge."""
    scores: list[dict[str, Any] | None] = []
    for column in columns:
        try:
            inputs = planned_inputs(replace(column.case, inputs=column.inputs), QuoteRequest())
            body = credit_request(signature, inputs, store_id=column.case.store_id)
            scores.append(request.ask("POST", "/v1/credit_risk", body, query="preview=true&explain=false"))
        except Problem as e:
            if e.status not in (422, 503):
                raise
            scores.append(None)
    return scores


def _fields(signature: Signature | None, columns: Sequence[_Column]) -> tuple[list[ComparedField], int]:
    readable = [column for column in columns if column.state == "stored"]
    names = list(dict.fromkeys(name for column in readable for name in column.inputs))
    present = {} if signature is None else {f.name: f for f in signature.fields}
    labels = Labels() if signature is None else signature.labels
    fields = [
        _field(name, present.get(name), labels, [column.inputs.get(name) for column in columns])
        for name in names
        if len({repr(column.inputs.get(name)) for column in readable}) > 1
    ]
    return fields, len(names) - len(fields)


def _field(name: str, field: SignatureField | None, labels: Labels, values: list[Any]) -> ComparedField:
    unit = None if field is None else "yuan" if field.unit == "fen" else field.unit
    label = labels.column(name, table="applications", own=field is not None and field.own)
    texts = [labels.value(name, v) if isinstance(v, str) else v for v in values]
    return ComparedField(name=name, label=label, unit=unit, values=texts)


def _answer(column: _Column, score: dict[str, Any] | None) -> ComparedDecision:
    content = {} if column.entry is None else column.entry.content
    decided = column.case.last("application.decided")
    outcome = content.get("outcome")
    if column.entry is None:
        outcome = column.case.decision if decided is None else decided.content["outcome"]
    return ComparedDecision(
        application_id=column.case.application_id,
        at=datetime.fromtimestamp(column.at / 1e6, UTC).isoformat(),
        outcome=outcome,
        person=None if column.entry is None else column.entry.person,
        is_proposed=column.entry is not None and column.entry.kind == "application.proposed",
        is_present=column.is_present,
        score=None if score is None else score["score"],
        band=None if score is None else score["band"],
        probability_of_default=None if score is None else score["probability_of_default"],
        logged_score=content.get("score"),
        model_version=content.get("model_version"),
        inputs_state=column.state,
    )
