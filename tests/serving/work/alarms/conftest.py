"""An application with the champion of a fleet whose brakes fail too often, and an alarm store of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from features.tables import TABLES
from ml import champions
from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.safety import SafetyRules
from ml.fault_rate.safety_reports import REPORT
from ml.fault_rate.safety_store import SafetyStore
from serving.api import build_app
from serving.asgi import App, Scope
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.model_store import LoadedChampion
from serving.settings import Settings
from serving.work.records import Records, RecordTables
from tests.conftest import Trained
from tests.serving.in_process import Champions, ask
from tests.small.fault_rate import DAY, DAYS, START, fleet_and_records

NOW = START + DAYS * DAY


@dataclass
class Work:
    """The application, its champion, and the tables that it reads."""

    app: App
    estimator: Any
    frames: dict[str, pl.DataFrame]
    records: Records
    rules: AlarmRules
    caller: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, status: int = 200) -> Any:
        """Return the JSON of an answer with this status."""
        return _json(ask(self.app, path), status)

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """Return the JSON of an answer to a body."""
        return _json(ask(self.app, path, json.dumps(body).encode()), status)

    def log_in(self, role: str, *stores: str) -> None:
        """Ask as somebody from now on."""
        limit = frozenset(stores) if stores else None
        self.caller["caller"] = Caller(f"k_{role}", f"{role} person", role, ROLES[role], limit)

    def use(self, rules: AlarmRules) -> None:
        """Let the champion use other rules from now on."""
        self.rules = self.estimator.rules = rules


def _json(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if status < 400 else answer.json()["error"]


def _tables() -> dict[str, pl.DataFrame]:
    fleet, records = fleet_and_records(ratio=3.0)
    number = pl.col("vehicle_id").str.slice(1).cast(pl.Int64)
    fleet = fleet.with_columns(
        vin=pl.format("LSVAA49J1320{}", number.cast(pl.String).str.zfill(5)),
        store_id=pl.when(number % 2 == 0).then(pl.lit("S1")).otherwise(pl.lit("S2")),
        customer_id=pl.format("K{}", number),
    )
    customers = fleet.select("customer_id", name=pl.lit("陈静"), phone=pl.lit("13800001234")).head(2_000)
    unsold = {
        "vehicle_id": ["N1", "N2", "N3", "N4"], "model": ["D", "D", "D", "A"], "store_id": ["S1", "S2", "S2", "S1"],
        "built_at": [START - 100 * DAY, START - 50 * DAY, START + 300 * DAY, START - 100 * DAY],
        "listed_at": [START] * 4,
    }  # fmt: skip
    return {
        "fleet": fleet, "service_records": records.with_row_index("n").with_columns(record_id=pl.format("R{}", "n")),
        "customers": customers, "vehicles": pl.DataFrame(unsold),
    }  # fmt: skip


def _with_contract(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    columns = TABLES[name].columns
    return frame.select(
        (pl.col(n) if n in frame.columns else pl.lit(None)).cast(c.dtype).alias(n) for n, c in columns.items()
    )


@pytest.fixture
def make_work(fault_rate: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Work]:
    """Return a function that builds the application; `absent` tables are missing from the sources."""
    monkeypatch.setenv("CHEHANG_HOME", str(fault_rate.home))
    champion = champions.champion("fault_rate")
    assert champion is not None
    model = champions.load(champion)

    def build(*, absent: tuple[str, ...] = (), changes: Mapping[str, pl.DataFrame] | None = None) -> Work:
        frames = {n: _with_contract(n, f) for n, f in (_tables() | dict(changes or {})).items() if n not in absent}
        records = Records(lambda: RecordTables(frames, {}, NOW, "Asia/Shanghai", 1), fixed=NOW)
        records.load()
        estimator: Any = model.estimator
        rules = AlarmRules(store=tmp_path / "alarms.db", snapshot=tmp_path / "snapshot.npz")
        estimator.rules = rules
        loaded = LoadedChampion(1, model)
        settings = Settings(feedback_store=f"sqlite:///{tmp_path}/feedback.db")
        app = build_app(Champions({"fault_rate": loaded}), settings, records=records)
        caller: dict[str, Any] = {}

        async def as_caller(scope: Scope, receive: Any, send: Any) -> None:
            await app({**scope, **caller}, receive, send)

        return Work(as_caller, estimator, frames, records, rules, caller)

    return build


@pytest.fixture
def work(make_work: Callable[..., Work]) -> Work:
    """Return the application with the alarm and two reports of dangerous faults in its store."""
    work = make_work()
    fill_store(work)
    return work


def fill_store(work: Work) -> None:
    """Record the alarm of the champion, and two reports, as the weekly run does."""
    AlarmStore(work.rules.store).record(work.estimator.snapshot.alarms, as_of=NOW)
    day = date(2024, 12, 20)
    report = {"kind": "loss_of_braking", "reported_on": day, "serviced_on": day, "component": "brakes", "model": "D"}
    rows = [
        {**report, "record_id": "R1", "words": "loss of braking", "store_id": "S1", "vehicle_id": "V4", "km": 9_000.0},
        {**report, "record_id": "R2", "words": "no brakes", "store_id": "S2", "reported_on": date(2023, 1, 2)},
    ]
    SafetyStore(work.rules.store).record(pl.DataFrame(rows, schema=REPORT), as_of=NOW)
    work.estimator.safety_reports = SafetyStore(work.rules.store).reports()


def without_safety_parts(work: Work) -> None:
    """Make brakes a part whose inspection is a question of cost."""
    work.use(work.rules.model_copy(update={"safety": SafetyRules(components=("airbags",)), "fault_cost": 900.0}))
