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

CODES_AGAINST = {  # codes that contradict an outcome; the customer would read nonsense
    "approve": ("DOCUMENTS_MISSING", "DOCUMENTS_DIFFER", "LENDER_RULE", "WITHDRAWN"),
    "decline": ("INCOME_PROVED", "RECORD_EXPLAINED", "GUARANTOR", "MORE_DOWN_PAYMENT"),
}

_WITHHELD = (
    "（工作人员填写的理由属于个人信息，需要 personal:read 权限才能查看。）",
    "(The officer's own words are personal; reading them needs the scope personal:read.)",
)


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
        if self.reason_code in CODES_AGAINST.get(self.outcome, ()):
            text = (
                f"reason_code {self.reason_code} is no reason to {self.outcome}: choose another code, or write a reason"
            )
            raise PydanticCustomError("reason_contradicts", text)  # type: ignore[arg-type]
        return self


def override_entry(
    request: OverrideRequest, decision: Entry, *, caller: Caller | None, request_id: str | None, can_encrypt: bool
) -> NewEntry:
    """Return the entry of an override; `serving.decisions.appending.append` adds what it replaces.

    Parameters
    ----------
    request : OverrideRequest
        The officer's outcome and reason.
    decision : Entry
        The decision.
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
    content = {
        "request_id": request_id,
        "key_id": None if caller is None else caller.key_id,
        "store_id": json.loads(decision.content).get("store_id"),
        "outcome": request.outcome,
        "reason_code": request.reason_code,
    }
    personal = request.model_dump(include={"reason", "note"}, exclude_none=True)
    if personal and not can_encrypt:
        text = "reason and note are personal and cannot be stored without CHEHANG_LOG_KEYS; send reason_code alone"
        raise Problem(422, "no_log_keys", text)
    return NewEntry(
        "override", decision.decision_id, to_json(content).decode(), to_json(personal) if personal else None
    )


def written_override(new: NewEntry, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the content of an override as it was written: with `previous_outcome`, `replaces` and `number`.

    Parameters
    ----------
    new : NewEntry
        As returned by `override_entry`, after it was appended.
    entries : sequence of Entry
        Entries of the decision that follow those before the override.
    """
    own = json.loads(new.content).items()
    contents = (json.loads(entry.content) for entry in entries if entry.kind == "override")
    return next(content for content in contents if own <= content.items())


def override_text(entry: Entry, personal: Mapping[str, Any] | None, *, may_read: bool = True) -> Override:
    """Return an override with its reason for the customer.

    Parameters
    ----------
    entry : Entry
        Of kind `override`.
    personal : mapping or None
        Its personal fields; None if there are none, or they were purged.
    may_read : bool
        Whether the reader may see the officer's own words.
    """
    content = json.loads(entry.content)
    reason = (personal or {}).get("reason")
    codes = OVERRIDE_REASONS.get(content["reason_code"])
    zh = [codes[0]] if codes else []
    en = [codes[1]] if codes else []
    if reason and not may_read:
        zh.append(_WITHHELD[0])
        en.append(_WITHHELD[1])
    elif reason:
        zh.append(reason["zh"])
        en.append(reason["en"])
    return Override(entry.at, content["outcome"], " ".join(zh) or None, " ".join(en) or None)
