"""A small decision log as the service writes it, with figures that can be counted by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from serving.audit.periods import Period
from serving.decisions.entries import NewEntry
from tests.serving.decisions.logs import log_in, write

ALL_TIME = Period(ZoneInfo("Asia/Shanghai"))
REASON = {
    "code": "BUREAU",
    "zh": "您的征信评分偏低。",
    "en": "Your credit bureau score is low.",
    "points": -8,
    "share": 1,
}


def credit(identity: str, band: str, *, store: str = "S0001", version: int = 1, **further: Any) -> dict[str, Any]:
    """Return the content of a credit decision; keys that begin with an underscore are the entry's own."""
    models = {"credit_risk": {"version": version, "promotion": {"action": "promote", "who": "zhao", "forced": False}}}
    content = {
        "request_id": f"r-{identity}", "key_id": "k_desk", "endpoint": "/v1/credit_risk", "row": None, "propensity": 1,
        "outcome": band, "store_id": store, "probability_of_default": 0.02, "score": 600, "approve_at_most": 0.03,
        "decline_above": 0.05, "reasons": [REASON] if band != "approve" else [], "models": models,
    }  # fmt: skip
    return {"_kind": "decision", "_id": identity, **content, **further}


def other(kind: str, identity: str | None, **content: Any) -> dict[str, Any]:
    """Return the content of an entry that is no decision."""
    return {"_kind": kind, "_id": identity, **content}


def append_at(
    engine: sa.Engine, when: datetime, *contents: Mapping[str, Any], inputs: Mapping[str, Any] | None
) -> None:
    """Write entries at a time."""
    entries = []
    for content in contents:
        plain = {name: value for name, value in content.items() if not name.startswith("_")}
        personal = json.dumps({"inputs": inputs}).encode() if inputs and content["_kind"] == "decision" else None
        entries.append(NewEntry(content["_kind"], content["_id"], json.dumps(plain, ensure_ascii=False), personal))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time_ns", lambda: int(when.timestamp() * 1_000_000) * 1_000)
        write(engine, entries)


def sample_log(folder: Path) -> sa.Engine:
    """Write nine entries: decisions of January and February 2026, overrides, a read and a purge."""
    engine = log_in(folder)
    january, february = datetime(2026, 1, 10, 4, tzinfo=UTC), datetime(2026, 2, 10, 4, tzinfo=UTC)
    women, men = {"gender": "female", "monthly_income": 9_000}, {"gender": "male", "monthly_income": 9_000}
    append_at(engine, january, credit("d1", "approve"), credit("d2", "decline"), inputs=women)
    append_at(engine, january, credit("d3", "approve", store="S0002"), inputs=men)
    append_at(engine, january, credit("d4", "refer", store="S0002"), inputs=None)
    offers = {"endpoint": "/v1/loans/offers", "outcome": "offers", "band": "approve", "key_id": "k_web"}
    offer = {"offer_id": "o-1", "product": "standard", "valid_until": "2026-02-20"}
    loans = credit("d5", "approve", version=2, propensity=0.5, offers=[offer]) | offers
    append_at(engine, february, loans, inputs={"borrower": men})
    overrides = (
        other("override", "d2", outcome="approve", reason_code="INCOME_PROVED", key_id="k_desk"),
        other("override", "d4", outcome="decline", reason="=cmd", who="=li.wei"),
    )
    append_at(engine, february, *overrides, inputs=None)
    append_at(
        engine,
        february,
        other("access", "d2", who="li.wei", why="complaint 17", fields=["gender", "reference"]),
        inputs=None,
    )
    purge = {"first": 90, "last": 95, "before": 5, "parts": 6, "who": "zhao", "why": "retention"}
    append_at(engine, february, other("purge", None, **purge), inputs=None)
    return engine
