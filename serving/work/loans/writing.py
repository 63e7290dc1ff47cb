"""Writes of the loan desk: a new application, who works on it, decisions, results of lenders, saved plans."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.decisions.log_keys import VARIABLE
from serving.decisions.overrides import CODES_AGAINST, ReasonCode
from serving.work.entries import NewWorkEntry, WorkEntry
from serving.work.journal import EntryAnswer, entry_answer
from serving.work.loans.applications import LoanCase, case, with_inputs
from serving.work.loans.fields import credit_request, signature_of
from serving.work.loans.people import identity, masked
from serving.work.loans.quote import QuoteRequest, planned_inputs, quote
from serving.work.routing import WorkRequest

Outcome = Literal["approve", "refer", "decline"]
MAX_TRIES = 20  # numbers; each try lost means that a colleague has entered an application in the same moment


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewApplication(_Body):
    """An application that is entered at the desk; money in yuan."""

    store_id: str | None = Field(None, max_length=200)
    name: str = Field(min_length=1, max_length=100)
    phone: str | None = Field(None, max_length=40)
    age: float | None = Field(None, ge=18, le=100)
    vehicle: str = Field("", max_length=200, description="brand and model")
    vin: str | None = Field(None, max_length=40)
    vehicle_id: str | None = Field(None, max_length=200)
    customer_id: str | None = Field(None, max_length=200)
    inputs: dict[str, Any] = Field(description="fields of the credit model, and the plan")
    confirmed: list[str] = Field(default_factory=list)


class NewInputs(_Body):
    """Fields of a new application that are to be checked; money in yuan."""

    inputs: dict[str, Any]
    confirmed: list[str] = Field(default_factory=list)


class InputCheck(BaseModel):
    """Values of a new application that lie far outside the training data, and are not confirmed."""

    warnings: list[dict[str, Any]]


class Opened(_Body):
    """Body of `POST …/opened`."""

    last_sequence: int = Field(0, ge=0)


class Decision(_Body):
    """An officer's decision on a plan."""

    outcome: Outcome = Field(description="refer: further documents are asked for")
    reason_code: ReasonCode | None = Field(None, description="reason for the customer")
    note: str | None = Field(None, max_length=2_000, description="internal note, which the customer does not see")
    plan: QuoteRequest = Field(default_factory=QuoteRequest)
    last_sequence: int = Field(ge=0, description="last entry that the officer has read")


class Confirmation(_Body):
    """A second person confirms a decision against the model, or sends it back."""

    agrees: bool
    last_sequence: int = Field(ge=0)


class LenderResult(_Body):
    """What a lender has said."""

    lender: str = Field(min_length=1, max_length=200)
    stage: Literal["submitted", "in_review", "documents", "approved", "declined", "paid_out"]
    amount: float | None = Field(None, gt=0, le=1e10, description="yuan")
    annual_rate: float | None = Field(None, ge=0, le=1)
    reference: str | None = Field(None, max_length=100)
    last_sequence: int = Field(ge=0)


class SavedPlan(_Body):
    """A plan that is kept for the customer."""

    plan: QuoteRequest
    title: str | None = Field(None, max_length=100)


class NewApplicationAnswer(BaseModel):
    """Number of a new application."""

    application_id: str
    entry: EntryAnswer


class Identity(BaseModel):
    """Name and phone number in clear; who has read them is written down."""

    name: str | None
    phone: str | None


def check_inputs(request: WorkRequest) -> InputCheck:
    """Answer `POST /v1/applications/check/preview`: check the inputs as `submit` does, and write nothing."""
    body: NewInputs = request.body
    _, answer = _checked(request, body.inputs)
    return InputCheck(warnings=[w for w in answer["warnings"] if w["field"] not in body.confirmed])


def _checked(request: WorkRequest, inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs with the loan amount, and the answer of the credit model to them; raises `Problem` 422."""
    planned = planned_inputs(LoanCase("", 0, None, None, None, inputs, is_of_desk=True), QuoteRequest())
    signature, _ = signature_of(request.context)
    body = credit_request(signature, planned)
    return planned, request.ask("POST", "/v1/credit_risk", body, query="preview=true&explain=false")


def submit(request: WorkRequest) -> NewApplicationAnswer:
    """Answer `POST /v1/applications`: check the inputs with the credit model, then keep them encrypted."""
    body: NewApplication = request.body
    request.check_store(body.store_id)
    inputs, _ = _checked(request, body.inputs)
    plan = {n: body.inputs.get(n) for n in ("vehicle_price", "down_payment", "loan_amount", "term_months")}
    content = {
        "plan": {**plan, "loan_amount": inputs["loan_amount"], "vehicle": body.vehicle},
        "masked_name": masked(body.name),
        "customer_id": body.customer_id,
        "vehicle_id": body.vehicle_id,
        "confirmed": body.confirmed,
    }
    personal = {
        "inputs": {**inputs, **({"age": body.age} if body.age else {})},
        "name": body.name, "phone": body.phone, "vin": body.vin,
    }  # fmt: skip
    entry = _numbered(request, NewWorkEntry("application.submitted", "", body.store_id, content, personal))
    return NewApplicationAnswer(application_id=entry.subject, entry=entry_answer(entry))


def open_case(request: WorkRequest) -> EntryAnswer:
    """Answer `POST …/opened`: others see who works on the application."""
    return _write(request, "application.opened", {})


def decide(request: WorkRequest) -> EntryAnswer:
    """Answer `POST …/decision`: log the model's judgement, then the officer's decision or its proposal."""
    body: Decision = request.body
    present = with_inputs(request, case(request, request.path["application_id"]))
    _check_reason(body)
    _check_open(request, present, body)
    judged = quote(request, present, body.plan)
    if not judged.is_judged:
        text = f"correct or confirm {', '.join(judged.unconfirmed)} first: with this value nothing can be judged"
        raise Problem(422, "invalid", text, [{"field": judged.unconfirmed[0], "rule": "implausible", "message": text}])
    _check_unchanged(request, present, body.last_sequence)
    if is_against(judged.credit["band"], body.outcome) and body.reason_code is None:
        raise _no_reason("a reason for the customer is required against the judgement of the model")
    signature, _ = signature_of(request.context)
    inputs = credit_request(signature, planned_inputs(present, body.plan), store_id=present.store_id)
    assessment = request.ask("POST", "/v1/credit_risk", inputs)
    against = is_against(assessment["band"], body.outcome)
    content = {
        "outcome": body.outcome,
        "band": assessment["band"],
        "score": assessment["score"],
        "decision_id": assessment.get("decision_id"),
        "reason_code": body.reason_code,
        "plan": judged.plan.model_dump(include={"down_payment", "term_months", "loan_amount"}),
        "model_version": assessment.get("model_version"),
    }
    kind = "application.proposed" if against else "application.decided"
    personal = {"note": body.note} if body.note else None
    return _write(request, kind, content, personal=personal, expected=body.last_sequence)


def confirm(request: WorkRequest) -> EntryAnswer:
    """Answer `POST …/confirmation`: another person than the first lets a decision against the model take effect."""
    body: Confirmation = request.body
    present = case(request, request.path["application_id"])
    proposal = present.last("application.proposed")
    if present.state != "second_person" or proposal is None:
        raise Problem(409, "changed", "no decision of this application waits for a second person")
    if not request.may("decisions:override"):
        raise Problem(403, "missing_scope", "to confirm needs the scope decisions:override")
    if request.caller is not None and request.caller.key_id == proposal.key_id:
        raise Problem(403, "same_person", "a second person has to confirm: ask a colleague to open this application")
    _check_unchanged(request, present, body.last_sequence)
    content = {**proposal.content, "first_person": proposal.person, "agrees": body.agrees}
    if not body.agrees:
        return _write(request, "application.decided", {**content, "outcome": "refer"}, expected=body.last_sequence)
    if proposal.content.get("decision_id"):
        path = f"/v1/decisions/{proposal.content['decision_id']}/override"
        override = {"outcome": proposal.content["outcome"], "reason_code": proposal.content["reason_code"]}
        request.ask("POST", path, override)
    return _write(request, "application.decided", content, expected=body.last_sequence)


def add_lender_result(request: WorkRequest) -> EntryAnswer:
    """Answer `POST …/lender_results`."""
    body: LenderResult = request.body
    content = body.model_dump(exclude={"last_sequence"}, exclude_none=True)
    return _write(request, "application.lender_result", content, expected=body.last_sequence)


def save_plan(request: WorkRequest) -> EntryAnswer:
    """Answer `POST …/plans`: keep a plan with what it costs today."""
    present = with_inputs(request, case(request, request.path["application_id"]))
    body: SavedPlan = request.body
    judged = quote(request, present, body.plan)
    offer = judged.current or {}
    content = {
        "title": body.title,
        "plan": judged.plan.model_dump(include={"down_payment", "term_months", "loan_amount"}),
        "product": offer.get("product"),
        "product_name": offer.get("product_name"),
        "monthly_payment": offer.get("monthly_payment"),
        "band": judged.credit["band"],
        "score": judged.credit["score"],
        "valid_until": offer.get("valid_until"),
        "model_versions": judged.model_versions,
    }
    return _write(request, "application.plan_saved", content)


def show_identity(request: WorkRequest) -> Identity:
    """Answer `POST …/identity`."""
    return Identity(**identity(request, case(request, request.path["application_id"])))


def _write(
    request: WorkRequest,
    kind: str,
    content: dict[str, Any],
    *,
    personal: dict[str, Any] | None = None,
    expected: int | None = None,
) -> EntryAnswer:
    present = case(request, request.path["application_id"])
    new = NewWorkEntry(kind, present.application_id, present.store_id, content, personal)
    last = None if expected is None else {present.application_id: _relevant(request, present, expected)}
    entry: WorkEntry = request.context.entries.append([new], caller=request.caller, expected=last)[0]
    return entry_answer(entry)


def _relevant(request: WorkRequest, present: LoanCase, expected: int) -> int:
    """Return the sequence to expect: entries that only say who looked at the application change nothing."""
    later = [e for e in present.entries if e.sequence > expected]
    harmless = ("application.opened", "application.identity_shown", "application.plan_saved")
    if all(e.kind in harmless for e in later):
        return request.context.entries.last_sequence(present.application_id)
    return expected


def _check_unchanged(request: WorkRequest, present: LoanCase, expected: int) -> None:
    """Raise `Problem` 409 before a decision is logged that would not be written."""
    if _relevant(request, present, expected) == expected and any(e.sequence > expected for e in present.entries):
        person = present.entries[-1].person or "somebody else"
        raise Problem(409, "changed", f"{person} has changed this application meanwhile; read it again, then decide")


def _check_reason(body: Decision) -> None:
    """Raise `Problem` 422 for a decision without a reason, or with one that contradicts it."""
    if body.outcome != "approve" and body.reason_code is None:
        raise _no_reason("a reason for the customer is required, unless the application is approved")
    if body.reason_code in CODES_AGAINST.get(body.outcome, ()):
        text = f"{body.reason_code} is no reason to {body.outcome}; choose another one"
        raise Problem(422, "invalid", f"reason_code: {text}", [_detail("reason_contradicts", text)])


def _check_open(request: WorkRequest, present: LoanCase, body: Decision) -> None:
    """Raise `Problem` for an application that is decided, and for a note that could not be stored."""
    if present.state in ("approve", "decline"):
        decided = present.last("application.decided")
        who = "before it came to the desk" if decided is None else f"by {decided.person or 'somebody'}"
        text = f"this application was already decided {who}; take that decision back, or enter a new application"
        raise Problem(409, "decided", text)
    if body.note and not request.context.entries.can_encrypt:
        text = f"the note is stored encrypted only: set {VARIABLE}, or send the decision without a note"
        raise Problem(503, "no_log_keys", text)


def is_against(band: str, outcome: str) -> bool:
    """Return whether a decision contradicts the judgement of the model, so that a second person confirms it.

    Documents may always be asked for before an approval.

    >>> is_against("refer", "approve"), is_against("approve", "refer"), is_against("decline", "refer")
    (True, False, True)
    """
    return band != outcome and (band, outcome) != ("approve", "refer")


def _no_reason(text: str) -> Problem:
    return Problem(422, "invalid", f"reason_code: {text}", [_detail("missing", text)])


def _detail(rule: str, message: str) -> dict[str, str]:
    return {"field": "reason_code", "rule": rule, "message": message}


def _numbered(request: WorkRequest, new: NewWorkEntry) -> WorkEntry:
    """Write a new application under the next free number; somebody else may take a number meanwhile."""
    for _ in range(MAX_TRIES - 1):
        number = _next_number(request)
        try:
            return _submitted(request, new._replace(subject=number))
        except Problem as e:
            if e.code != "changed":
                raise
    return _submitted(request, new._replace(subject=_next_number(request)))


def _submitted(request: WorkRequest, new: NewWorkEntry) -> WorkEntry:
    return request.context.entries.append([new], caller=request.caller, expected={new.subject: 0})[0]


def _next_number(request: WorkRequest) -> str:
    """Return a new number: `A-`, the day, and the number of the application on this day."""
    start = f"A-{_day(request):%Y%m%d}-"
    entries = request.context.entries.of("application.submitted")
    numbers = [int(e.subject.removeprefix(start)) for e in entries if e.subject.startswith(start)]
    return f"{start}{max(numbers, default=0) + 1:04d}"


def _day(request: WorkRequest) -> date:
    return request.context.clock.local().date()
