"""An application with the champion of a small sales desk, and open leads of two stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from features.aggregations import DAY, HOUR
from features.tables import TABLES
from ml import champions
from serving.api import build_app
from serving.asgi import App, Scope
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.model_store import LoadedChampion
from serving.settings import Settings
from serving.work.clock import instant_of
from serving.work.records import Records, RecordTables
from tests.conftest import Trained
from tests.serving.in_process import Champions, ask
from tests.small.lead_scoring import lead_scoring_tables

NOW = instant_of("2023-06-30T10:30:00+08:00") or 0
CALLERS = ("P1", "P2", "P3")


@dataclass
class Work:
    """The application, and who asks."""

    app: App
    caller: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, status: int = 200) -> Any:
        """Return the JSON of an answer with this status."""
        return _json(ask(self.app, path), status)

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """Return the JSON of an answer to a body."""
        return _json(ask(self.app, path, json.dumps(body).encode()), status)

    def log_in(self, role: str, *stores: str, name: str = "Li") -> None:
        """Ask as somebody from now on."""
        limit = frozenset(stores) if stores else None
        self.caller["caller"] = Caller(f"k_{role}", name, role, ROLES[role], limit)


def _json(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if status < 400 else answer.json()["error"]


def with_contract(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with all columns of a contract."""
    columns = TABLES[name].columns
    own = [(pl.col(n) if n in frame.columns else pl.lit(None)).cast(c.dtype).alias(n) for n, c in columns.items()]
    return frame.select(*own, *(n for n in frame.columns if n not in columns))


def open_leads(n: int = 12) -> pl.DataFrame:
    """Return leads of the last days: even ones of S1, every third one was called."""
    example = lead_scoring_tables()["leads"]
    rows = example.filter(pl.col("created_at") == pl.col("created_at").max()).head(1).to_dicts()[0]
    leads = []
    for i in range(n):
        created = NOW - (i + 1) * 3 * HOUR
        called = created + HOUR if i % 3 == 2 else None
        lead = {**rows, "lead_id": f"N{i:05d}", "customer_id": f"K{i}", "store_id": f"S{1 + i % 2}"}
        lead |= {"created_at": created, "first_contact_at": called, "last_contact_at": called}
        leads.append({**lead, "contact_count": int(called is not None), "salesperson_id": called and CALLERS[i % 3]})
    outcomes = dict.fromkeys(("converted", "converted_at", "closed_at", "gross_margin"))
    return with_contract("leads", pl.DataFrame([{**lead, **outcomes} for lead in leads], infer_schema_length=None))


def tables(n: int = 12) -> dict[str, pl.DataFrame]:
    """Return the tables: open leads, past leads of the last months, customers, callers of S1 and a vehicle."""
    past = lead_scoring_tables()["leads"].with_columns(store_id=pl.lit("S1"))
    shift = NOW - 2 * DAY - int(past["created_at"].max())  # type: ignore[arg-type]
    names = [c for c in past.columns if c.endswith("_at")]
    past = with_contract("leads", past.with_columns([(pl.col(c) + shift).alias(c) for c in names]))
    is_over = pl.col("created_at") < NOW - 40 * DAY
    past = past.filter(is_over & (pl.col("created_at") > NOW - 120 * DAY)).with_columns(
        closed_at=pl.coalesce("converted_at", pl.col("created_at") + 5 * DAY)
    )
    calls = [
        {"lead_id": f"C{i}", "created_at": NOW - 9 * DAY, "store_id": f"S{1 + i % 2}", "closed_at": NOW - DAY,
         "first_contact_at": NOW - 3 * DAY, "last_contact_at": NOW - 2 * DAY, "salesperson_id": CALLERS[i % 3]}
        for i in range(6)
    ]  # fmt: skip
    customers = [
        {"customer_id": f"K{i}", "created_at": NOW - 300 * DAY, "name": "刘小洋", "phone": f"1380000{i:04d}"}
        for i in range(n)
    ]
    now = open_leads(n)
    leads = pl.concat([now, past, with_contract("leads", pl.DataFrame(calls))], how="diagonal_relaxed")
    model = now["model"].drop_nulls().first() if n else None
    unit = {"vehicle_id": "V1", "kind": "unit", "model": model, "store_id": "S1", "listed_at": NOW - 20 * DAY}
    events = [
        {"event_id": f"E{i}", "event_at": NOW - (i + 1) * HOUR, "event_type": "chat", "customer_id": f"K{i}",
         "session_id": f"T{i}"}
        for i in range(min(n, 4))
    ]  # fmt: skip
    frames = {"leads": leads, "customers": pl.DataFrame(customers), "vehicles": pl.DataFrame([unit])}
    if events:
        frames["events"] = pl.DataFrame(events)
    return {name: with_contract(name, frame) for name, frame in frames.items()}


@pytest.fixture
def make_work(lead_scoring: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Work]:
    """Return a function that builds the application with `n` open leads; `absent` tables are missing."""
    monkeypatch.setenv("CHEHANG_HOME", str(lead_scoring.home))
    champion = champions.champion("lead_scoring")
    assert champion is not None
    model = champions.load(champion)

    def build(n: int = 12, *, absent: tuple[str, ...] = ()) -> Work:
        frames = {name: frame for name, frame in tables(n).items() if name not in absent}
        records = Records(lambda: RecordTables(frames, {}, NOW, "Asia/Shanghai", 1), fixed=NOW)
        records.load()
        settings = Settings(feedback_store=f"sqlite:///{tmp_path}/feedback.db")
        app = build_app(Champions({"lead_scoring": LoadedChampion(1, model)}), settings, records=records)
        caller: dict[str, Any] = {}

        async def as_caller(scope: Scope, receive: Any, send: Any) -> None:
            await app({**scope, **caller}, receive, send)

        return Work(as_caller, caller)

    return build
