"""A dealer group of two stores whose figures can be computed by hand: the desk stands at 10:30 of 1 April 2026."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from features.tables import TABLES
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.work.records import Records, RecordTables
from serving.work.routing import WorkContext, WorkRequest

ZONE = ZoneInfo("Asia/Shanghai")
Row = Mapping[str, Any]


def at(text: str) -> int:
    """Return a local time such as `2026-03-01 09:00` in microseconds since 1970 UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000


NOW = at("2026-04-01 10:30")
SALES: Sequence[Row] = (
    {"sale_id": "N1", "sold_at": at("2026-03-10 12:00"), "store_id": "S1", "region": "East", "model": "X5",
     "vehicle_id": "V1", "customer_id": "K1", "quantity": 1.0, "gross_margin": 400_000},
    {"sale_id": "N2", "sold_at": at("2026-03-11 12:00"), "store_id": "S1", "region": "East", "model": "X5",
     "vehicle_id": "V2", "customer_id": "K2", "quantity": 1.0, "gross_margin": 600_000},
    {"sale_id": "N3", "sold_at": at("2026-02-11 12:00"), "store_id": "S2", "region": "North", "model": "C4",
     "vehicle_id": "V3", "customer_id": "K3", "quantity": 1.0, "gross_margin": 500_000},
    {"sale_id": "N4", "sold_at": at("2026-04-01 18:00"), "store_id": "S1", "model": "X5", "quantity": 1.0},
)  # fmt: skip
VEHICLES: Sequence[Row] = (
    {"vehicle_id": "V1", "kind": "unit", "condition": "new", "model": "X5", "store_id": "S1",
     "vin": "LSV0000000000V001", "listed_at": at("2026-01-01 00:00"), "sold_at": at("2026-03-10 12:00")},
    {"vehicle_id": "V4", "kind": "unit", "condition": "new", "model": "X5", "store_id": "S1",
     "vin": "LSV0000000000V004", "listed_at": at("2026-03-22 10:30")},
    {"vehicle_id": "V5", "kind": "unit", "condition": "used", "model": "X5", "store_id": "S1",
     "listed_at": at("2026-03-01 10:30")},
)  # fmt: skip
# Of four leads whose 30 days ended in the last 30, two bought in time; the fifth has 30 days more.
LEADS: Sequence[Row] = (
    {"lead_id": "L1", "created_at": at("2026-02-10 09:00"), "converted_at": at("2026-02-20 09:00"), "store_id": "S1",
     "channel": "phone", "acquisition_cost": 10_000, "customer_id": "K1"},
    {"lead_id": "L2", "created_at": at("2026-02-11 09:00"), "converted_at": at("2026-03-20 09:00"), "store_id": "S1",
     "channel": "phone", "acquisition_cost": 10_000, "customer_id": "K2"},
    {"lead_id": "L3", "created_at": at("2026-02-12 09:00"), "converted_at": at("2026-02-13 09:00"), "store_id": "S2",
     "channel": "event", "acquisition_cost": 30_000, "customer_id": "K3"},
    {"lead_id": "L4", "created_at": at("2026-02-13 09:00"), "store_id": "S1", "channel": "phone",
     "acquisition_cost": 10_000},
    {"lead_id": "L5", "created_at": at("2026-03-30 09:00"), "store_id": "S1", "channel": "phone"},
)  # fmt: skip
EVENTS: Sequence[Row] = (
    {"event_id": "E0", "event_at": at("2026-01-01 00:00"), "event_type": "view", "request_id": "R0"},
    {"event_id": "E1", "event_at": at("2026-03-01 12:00"), "event_type": "view", "customer_id": "K1",
     "visitor_id": "W1", "vehicle_id": "V4", "request_id": "R1"},
    {"event_id": "E2", "event_at": at("2026-01-02 12:00"), "event_type": "view", "customer_id": "K2",
     "visitor_id": "W2", "vehicle_id": "V4", "request_id": "R2"},
)  # fmt: skip
EXPOSURES: Sequence[Row] = (
    {"request_id": "R3", "vehicle_id": "V4", "visitor_id": "W2", "place": 1, "propensity": 0.5,
     "shown_at": at("2026-03-01 12:00"), "store_id": "S1"},
)  # fmt: skip
APPLICATIONS: Sequence[Row] = (
    {"application_id": "A1", "submitted_at": at("2026-03-09 12:00"), "store_id": "S1", "vehicle_id": "V1",
     "decision": "approve", "decided_at": at("2026-03-09 13:00"), "customer_id": "K1"},
    {"application_id": "A2", "submitted_at": at("2026-03-10 12:00"), "store_id": "S2", "decision": "decline",
     "decided_at": at("2026-03-10 13:00")},
    {"application_id": "A3", "submitted_at": at("2025-02-10 12:00"), "store_id": "S1", "decision": "approve",
     "decided_at": at("2025-02-10 13:00")},
    {"application_id": "A4", "submitted_at": at("2025-02-10 12:00"), "store_id": "S1", "decision": "approve",
     "decided_at": at("2025-02-10 13:00")},
)  # fmt: skip
LOAN_OUTCOMES: Sequence[Row] = (
    {"application_id": "A1", "originated_at": at("2026-03-12 12:00")},
    {"application_id": "A3", "originated_at": at("2025-02-12 12:00"), "observed_at": at("2026-02-12 12:00"),
     "defaulted": True, "defaulted_at": at("2025-12-12 12:00")},
    {"application_id": "A4", "originated_at": at("2025-02-12 12:00"), "observed_at": at("2026-02-12 12:00"),
     "defaulted": False},
)  # fmt: skip
CUSTOMERS: Sequence[Row] = (
    {"customer_id": "K1", "created_at": at("2026-01-01 00:00"), "name": "王小明", "phone": "13812345678",
     "store_id": "S1"},
    {"customer_id": "K2", "created_at": at("2026-01-01 00:00"), "name": "王芳", "phone": "13900005678",
     "store_id": "S2"},
    {"customer_id": "K3", "created_at": at("2026-01-01 00:00"), "name": "O'Brien <b>\"x\"", "phone": "13711112222",
     "store_id": "S2"},
)  # fmt: skip
ROWS: Mapping[str, Sequence[Row]] = {
    "sales": SALES, "vehicles": VEHICLES, "leads": LEADS, "events": EVENTS, "exposures": EXPOSURES,
    "applications": APPLICATIONS, "loan_outcomes": LOAN_OUTCOMES, "customers": CUSTOMERS,
}  # fmt: skip


def frame(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Return rows as a table with all columns of its contract."""
    schema = {column: c.dtype for column, c in TABLES[name].columns.items()}
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def records(*without: str, **changed: Sequence[Row]) -> Records:
    """Return the tables, some left out and some replaced."""
    frames = {n: frame(n, rows) for n, rows in {**ROWS, **changed}.items() if n not in without}
    result = Records(lambda: RecordTables(frames, {}, NOW, "Asia/Shanghai", 1), fixed=NOW)
    result.load()
    return result


def context(tables: Records | None = None, champions: Mapping[str, Any] | None = None) -> WorkContext:
    """Return a context without champions."""
    store: Any = SimpleNamespace(current=(champions or {}).get)
    inner: Any = SimpleNamespace()
    settings: Any = SimpleNamespace(configs=None)
    entries: Any = SimpleNamespace(state=0, of=lambda kind: [])
    return WorkContext(records() if tables is None else tables, entries, inner, store, settings)


def request(
    work: WorkContext | None = None, *, role: str = "manager", stores: Sequence[str] | None = None, **fields: Any
) -> WorkRequest:
    """Return a request of somebody."""
    caller = Caller("k", "Li", role, ROLES[role], None if stores is None else frozenset(stores))
    return WorkRequest(context() if work is None else work, caller=caller, **fields)
