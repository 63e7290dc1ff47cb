"""A loan desk of two stores with a small lender's champion, a decision log and work entries of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.tables import TABLES
from ml import champions
from serving.api import build_app
from serving.asgi import App, Scope
from serving.decisions.log_keys import LogKeys
from serving.decisions.writer import LogWriter
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.model_store import LoadedChampion
from serving.settings import Settings
from serving.work.clock import SECOND
from serving.work.records import Records, RecordTables
from tests.conftest import ROOT, Trained
from tests.serving.in_process import Champions, ask

KEYS = LogKeys({"2026": bytes(32)})
NOW = 1_775_010_600 * SECOND  # 1 April 2026, 10:30 in Shanghai
MINUTE = 60 * SECOND
LOAN = {
    "vehicle_price": 158_000_00, "down_payment": 47_400_00, "loan_amount": 110_600_00, "term_months": 36,
    "monthly_income": 12_000_00, "monthly_debt_payment": 1_000_00, "housing": "own", "bureau_delinquencies_24m": 0,
    "condition": "new", "energy_type": "combustion", "use": "private", "store_id": "S1", "vehicle_id": "V1",
    "showroom_visits": 2,
}  # fmt: skip
APPLICATIONS = (
    {**LOAN, "application_id": "A1", "submitted_at": NOW - 42 * MINUTE, "customer_id": "K1"},
    {**LOAN, "application_id": "A2", "submitted_at": NOW - 75 * MINUTE, "store_id": "S2", "monthly_income": 1_20},
    {**LOAN, "application_id": "A3", "submitted_at": NOW - 9 * MINUTE, "housing": None, "monthly_income": None},
    {**LOAN, "application_id": "A4", "submitted_at": NOW - 5_000 * MINUTE, "customer_id": "K1", "decision": "decline",
     "decided_at": NOW - 4_950 * MINUTE, "down_payment": 23_700_00, "loan_amount": 134_300_00,
     "bureau_delinquencies_24m": 3},
    {**LOAN, "application_id": "A5", "submitted_at": NOW + 9 * MINUTE},
    {**LOAN, "application_id": "A6", "submitted_at": NOW - 90_000 * MINUTE, "customer_id": "K1", "store_id": "S2",
     "decision": "approve", "decided_at": NOW - 89_000 * MINUTE},
)  # fmt: skip
CUSTOMERS = (
    {"customer_id": "K1", "created_at": NOW - 90_000 * MINUTE, "name": "陈明远", "phone": "13812345678",
     "store_id": "S1", "birth_date": NOW - 35 * 31_556_952 * SECOND},
)  # fmt: skip
VEHICLES = (
    {"vehicle_id": "V1", "kind": "unit", "condition": "new", "brand": "澄舟", "model": "澄舟X5", "store_id": "S1",
     "listed_at": NOW - 90_000 * MINUTE},
)  # fmt: skip


@dataclass
class LoanDesk:
    """The application, and who asks."""

    app: App
    caller: dict[str, Any] = field(default_factory=dict)

    def log_in(self, name: str, *stores: str, role: str = "finance_officer") -> None:
        """Ask as somebody from now on; without stores for all."""
        limit = frozenset(stores) if stores else None
        self.caller["caller"] = Caller(f"k_{name}", name, role, ROLES[role], limit)

    def get(self, path: str, status: int = 200) -> Any:
        """Return the JSON of an answer with this status; of an error the error itself."""
        return _json(ask(self.app, path), status)

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """Return the JSON of an answer to a body."""
        return _json(ask(self.app, path, json.dumps(body).encode()), status)

    def last(self, application_id: str) -> int:
        """Return the last sequence of an application."""
        return int(self.get(f"/v1/applications/{application_id}")["last_sequence"])

    def decide(self, application_id: str, outcome: str, status: int = 200, **body: Any) -> Any:
        """Decide on an application as somebody who has just read it."""
        body = {"outcome": outcome, "last_sequence": self.last(application_id), **body}
        return self.post(f"/v1/applications/{application_id}/decision", status, **body)


def _json(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if status < 400 else answer.json()["error"]


def _frame(name: str, rows: Any) -> pl.DataFrame:
    schema = {column: c.dtype for column, c in TABLES[name].columns.items()}
    if name == "applications":
        schema["showroom_visits"] = pl.Int64  # a column of the dealership's own
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


@pytest.fixture
def make_desk(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., LoanDesk]]:
    """Yield a function that builds a desk: with other keys of the log, without a champion, without tables."""
    monkeypatch.setenv("CHEHANG_HOME", str(credit_risk.home))
    version = champions.champion("credit_risk")
    assert version is not None
    model = champions.load(version)
    writers = []

    def build(*, keys: LogKeys | None = KEYS, has_champion: bool = True, absent: tuple[str, ...] = ()) -> LoanDesk:
        rows = {"applications": APPLICATIONS, "customers": CUSTOMERS, "vehicles": VEHICLES}
        frames = {name: _frame(name, table) for name, table in rows.items() if name not in absent}
        records = Records(lambda: RecordTables(frames, {}, NOW, "Asia/Shanghai", 1), fixed=NOW)
        records.load()
        writer = LogWriter(f"sqlite:///{tmp_path}/decisions.db", keys)
        writer.start()
        writers.append(writer)
        loaded = {"credit_risk": LoadedChampion(1, model)} if has_champion else {}
        settings = Settings(feedback_store=f"sqlite:///{tmp_path}/feedback.db", configs=ROOT / "configs")
        app = build_app(Champions(loaded), settings, decisions=writer, records=records)
        caller: dict[str, Any] = {}

        async def as_caller(scope: Scope, receive: Any, send: Any) -> None:
            await app({**scope, **caller}, receive, send)

        desk = LoanDesk(as_caller, caller)
        desk.log_in("Wang", "S1")
        return desk

    yield build
    for writer in writers:
        writer.close()


@pytest.fixture
def desk(make_desk: Callable[..., LoanDesk]) -> LoanDesk:
    """Return the desk, where Wang of store S1 has logged in."""
    return make_desk()
