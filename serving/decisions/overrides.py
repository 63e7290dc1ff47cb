"""An officer's decision in place of the automated one: the request, and its entry in the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError, to_json

from serving.asgi import Problem
from serving.decisions.entries import Entry, NewEntry
from serving.decisions.explanation import OVERRIDE_REASONS, Override
from serving.doors.caller import Caller

ReasonCode = Literal[
    "INCOME_PROVED",
    "RECORD_EXPLAINED",
    "GUARANTOR",
    "MORE_DOWN_PAYMENT",
    "DOCUMENTS_MISSING",
    "DOCUMENTS_DIFFER",
    "LENDER_RULE",
    "WITHDRAWN",
]


class CustomerReason(BaseModel):
    """A reason in the officer's own words, for the customer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    zh: str = Field(min_length=1, max_length=500)
    en: str = Field(min_length=1, max_length=500)


class OverrideRequest(BaseModel):
    """The officer's outcome and its reason."""

    model_config = ConfigDict(extra="forbid", strict=True)

    outcome: Literal["approve", "refer", "decline"]
    reason_code: ReasonCode | None = Field(None, description="reason for the customer, by code")
    reason: CustomerReason | None = Field(None, description="reason for the customer, in the officer's words; personal")
    note: str | None = Field(None, min_length=1, max_length=2_000, description="internal note; personal")

    @model_validator(mode="after")
    def _has_reason(self) -> OverrideRequest:
        if self.reason_code is None and self.reason is None:
            raise PydanticCustomError("reason_missing", "reason_code or reason is required: the customer is told why")
        return self


def override_entry(
    request: OverrideRequest,
    entries: Sequence[Entry],
    *,
    caller: Caller | None,
    request_id: str | None,
    can_encrypt: bool,
) -> NewEntry:
    """Return the entry of an override.

    Parameters
    ----------
    request : OverrideRequest
        The officer's outcome and reason.
    entries : sequence of Entry
        Entries of the decision, the decision itself first.
    caller : Caller or None
        The officer's key.
    request_id : str or None
        Of the HTTP request.
    can_encrypt : bool
        Whether the log has keys; without them free text, which is personal, cannot be stored.

    Raises
    ------
    Problem
        Status 422, code `no_log_keys`: the request has free text, and the log has no keys.
    """
    decision = json.loads(entries[0].content)
    earlier = [entry for entry in entries if entry.kind == "override"]
    present = json.loads(earlier[-1].content)["outcome"] if earlier else decision["outcome"]
    content = {
        "request_id": request_id,
        "key_id": None if caller is None else caller.key_id,
        "store_id": decision.get("store_id"),
        "outcome": request.outcome,
        "previous_outcome": present,
        "replaces": (earlier or entries)[-1 if earlier else 0].sequence,
        "number": len(earlier) + 1,
        "reason_code": request.reason_code,
    }
    personal = request.model_dump(include={"reason", "note"}, exclude_none=True)
    if personal and not can_encrypt:
        text = "reason and note are personal and cannot be stored without CHEHANG_LOG_KEYS; send reason_code alone"
        raise Problem(422, "no_log_keys", text)
    return NewEntry(
        "override", entries[0].decision_id, to_json(content).decode(), to_json(personal) if personal else None
    )


def override_text(entry: Entry, personal: Mapping[str, Any] | None) -> Override:
    """Return an override with its reason for the customer.

    Parameters
    ----------
    entry : Entry
        Of kind `override`.
    personal : mapping or None
        Its personal fields; None if there are none, or they were purged.
    """
    content = json.loads(entry.content)
    reason = (personal or {}).get("reason")
    codes = OVERRIDE_REASONS.get(content["reason_code"])
    zh = [codes[0]] if codes else []
    en = [codes[1]] if codes else []
    if reason:
        zh.append(reason["zh"])
        en.append(reason["en"])
    return Override(entry.at, content["outcome"], " ".join(zh) or None, " ".join(en) or None)
