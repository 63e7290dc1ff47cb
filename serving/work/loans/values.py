"""Values of an application that an officer corrects, enters or confirms before it is judged."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.journal import EntryAnswer, entry_answer
from serving.work.loans.applications import VALUES_CHECKED, LoanCase, case, with_inputs
from serving.work.loans.fields import credit_request, signature_of
from serving.work.loans.quote import LOAN_FIELDS, QuoteRequest, planned_inputs
from serving.work.routing import WorkRequest

PLAN_FIELDS = ("vehicle_price", "down_payment", "loan_amount", "term_months")


class CheckedValues(BaseModel):
    """Corrected and missing values, money in yuan, and the implausible ones that are right."""

    model_config = ConfigDict(extra="forbid", strict=True)

    values: dict[str, Any] = Field(default_factory=dict, max_length=100, description="corrected or missing fields")
    confirmed: list[str] = Field(default_factory=list, max_length=100, description="fields whose value is right")

    @model_validator(mode="after")
    def _has_content(self) -> CheckedValues:
        if not self.values and not self.confirmed:
            raise PydanticCustomError("values_missing", "send values, confirmed, or both")
        return self


def check_values(request: WorkRequest) -> EntryAnswer:
    """Answer `POST /v1/applications/{application_id}/values`: write corrections and confirmations as an entry.

    The credit model checks the values first; they are stored encrypted, the entry itself only names the fields.
    """
    body: CheckedValues = request.body
    present = with_inputs(request, case(request, request.path["application_id"]))
    if not present.is_waiting and present.state != "documents":
        raise Problem(409, "decided", "this application is decided; its values are no longer changed")
    values = _complete(present, _checked_names(request, body))
    if values:
        _check_with_model(request, present, values)
    content = {"corrected": sorted(values), "confirmed": sorted(set(body.confirmed))}
    personal = {"values": values} if values else None
    new = NewWorkEntry(VALUES_CHECKED, present.application_id, present.store_id, content, personal)
    return entry_answer(request.context.entries.append([new], caller=request.caller)[0])


def _check_with_model(request: WorkRequest, present: LoanCase, values: dict[str, Any]) -> None:
    """Raise `Problem` 422 for a value that the model or a loan refuses; other fields may still be missing."""
    signature, _ = signature_of(request.context)
    try:
        inputs = planned_inputs(present, QuoteRequest(corrections=values))
        request.ask("POST", "/v1/credit_risk", credit_request(signature, inputs), query="preview=true&explain=false")
    except Problem as e:
        fields = {detail["field"] for detail in e.details}
        if e.status != 422 or not fields or fields & values.keys():
            raise


def _checked_names(request: WorkRequest, body: CheckedValues) -> dict[str, Any]:
    """Return the values; raises `Problem` 422 for a field that an application does not have."""
    signature, _ = signature_of(request.context)
    names = {f.name for f in signature.fields if not f.computed} | {*LOAN_FIELDS, *PLAN_FIELDS}
    for name in (*body.values, *body.confirmed):
        if name not in names:
            text = "is no field of an application; GET /v1/applications/fields lists them"
            raise Problem(422, "invalid", f"{name}: {text}", [{"field": name, "rule": "unknown", "message": text}])
    return dict(body.values)


def _complete(present: LoanCase, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with the loan that follows from a corrected price or down payment."""
    if "loan_amount" in values or not {"vehicle_price", "down_payment"} & values.keys():
        return values
    merged = {**present.inputs, **values}
    price, down = merged.get("vehicle_price"), merged.get("down_payment")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in (price, down)):
        return values
    return {**values, "loan_amount": round(float(price) - float(down), 2)}  # type: ignore[arg-type]
