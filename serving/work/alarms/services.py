"""`GET /v1/alarms/services`: vehicles whose routine service falls due, whom to invite this week, and what it brings."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.errors import ChehangError
from features.yaml_config import Section, load_yaml
from ml.fault_rate.service_rules import ServiceRules
from ml.home import file_state
from serving.asgi import Problem
from serving.work.alarms.times import iso
from serving.work.alarms.vehicles import mask_vin
from serving.work.entries import NewWorkEntry

if TYPE_CHECKING:
    from serving.work.routing import WorkContext, WorkRequest

MAX_ROWS = 10_000
INVITED = "service.invited"
WAIT_SECONDS, MAX_RESULTS = 2.5, 4
INVITED_DAYS = 30  # an invitation is not repeated within


_LOCK = Lock()
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="services")
_RESULTS: dict[object, Future[tuple[pl.DataFrame, str | None]]] = {}


class ServiceListing(Section):
    """Settings of `configs/service_due.yaml` that the desk reads; those of `chehang service-due`.

    Attributes
    ----------
    sources : Path
        Not read: the desk has the tables in memory.
    within_days, overdue_days : int
        Services that fall due within so many days, or are overdue by at most so many, are listed.
    visit_days : int
        Days of the probability of a visit.
    top : int or None
        Vehicles listed at most.
    rules : ServiceRules
        Service intervals.
    """

    sources: Path = Path("sources.yaml")
    within_days: int = Field(60, ge=0, le=3_650)
    overdue_days: int = Field(180, ge=0, le=36_500)
    visit_days: int = Field(28, ge=1, le=365)
    top: int | None = Field(None, ge=1)
    rules: ServiceRules = ServiceRules()


class ServiceQuery(BaseModel):
    """Query string of `GET /v1/alarms/services`."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(200, ge=1, le=MAX_ROWS)
    offset: int = Field(0, ge=0, le=10_000_000)


class ServiceRow(BaseModel):
    """A vehicle to invite."""

    place: int = Field(description="from 1, the likeliest to come first")
    vehicle_id: str
    vin: str | None = Field(description="masked")
    model: str | None
    store_id: str | None
    due_on: str
    due_by: str = Field(description="date or km: the limit that is reached first")
    overdue_days: int
    km: int | None
    visit_probability: float = Field(description="of a visit within `visit_days`")
    expected_revenue: float | None = Field(description="yuan: probability times the mean amount of such a visit")
    reason_zh: str
    reason_en: str
    invited_at: str | None = Field(description="last invitation within 30 days")
    invited_by: str | None
    sequence: int | None = Field(description="entry of the invitation")


class ServicesDue(BaseModel):
    """Vehicles whose service falls due, the likeliest to come first."""

    total: int
    expected_visits: float = Field(description="sum of the probabilities")
    expected_revenue: float | None = Field(description="yuan")
    visit_days: int
    within_days: int
    overdue: int = Field(description="of them, services that are overdue")
    as_of: str = Field(description="day")
    missing: str | None = Field(description="why there is no list")
    items: list[ServiceRow]


class ServiceInvitation(BaseModel):
    """Body of `POST /v1/alarms/services/invitations`."""

    model_config = ConfigDict(extra="forbid")

    vehicle_ids: list[str] = Field(min_length=1, max_length=500)


class InvitationAnswer(BaseModel):
    """Entries of the invitations."""

    invited: int
    sequences: list[int]


def list_services(request: WorkRequest) -> ServicesDue:
    """Answer `GET /v1/alarms/services`."""
    config = listing_of(request.context.configs)
    frame, missing = due_services(request.context, config)
    if request.stores is not None:
        frame = frame.filter(pl.col("store_id").is_in(sorted(request.stores)))
    invitations = _invitations(request.context)
    revenue = frame["expected_revenue_yuan"].drop_nulls()
    offset, limit = request.parameters.offset, request.parameters.limit
    page = frame.slice(offset, limit).to_dicts()
    items = [_row(place, row, invitations) for place, row in enumerate(page, offset + 1)]
    return ServicesDue(
        total=frame.height,
        expected_visits=round(float(frame["visit_probability"].sum()), 1),
        expected_revenue=round(float(revenue.sum()), 2) if len(revenue) else None,
        visit_days=config.visit_days,
        within_days=config.within_days,
        overdue=int((frame["overdue_days"] > 0).sum()),
        as_of=str(request.context.clock.local().date()),
        missing=missing,
        items=items,
    )


def invite(request: WorkRequest) -> InvitationAnswer:
    """Answer `POST /v1/alarms/services/invitations`: the owners were invited."""
    frame, missing = due_services(request.context, listing_of(request.context.configs))
    stores = dict(frame.select("vehicle_id", "store_id").iter_rows())
    numbers = list(dict.fromkeys(request.body.vehicle_ids))
    if missing is not None or (unlisted := sum(number not in stores for number in numbers)):
        raise Problem(
            422, "invalid", f"vehicle_ids: {missing or f'{unlisted} of them are not on the list of services'}"
        )
    if request.stores is not None:
        for number in numbers:
            request.check_store(stores[number])
    entries = [NewWorkEntry(INVITED, f"service-{number}", stores[number], {"vehicle_id": number}) for number in numbers]
    written = request.context.entries.append(entries, caller=request.caller)
    return InvitationAnswer(invited=len(written), sequences=[entry.sequence for entry in written])


def listing_of(configs: Path) -> ServiceListing:
    """Return the settings of the list: of `service_due.yaml`, or the defaults without this file.

    Raises
    ------
    Problem
        Status 503 (`invalid_config`): the file breaks a rule.
    """
    path = configs / "service_due.yaml"
    try:
        return load_yaml(path, ServiceListing) if path.is_file() else ServiceListing()
    except ChehangError as error:
        raise Problem(503, "invalid_config", f"service_due.yaml is not valid: {error}") from None


def due_services(context: WorkContext, config: ServiceListing) -> tuple[pl.DataFrame, str | None]:
    """Return the services that fall due, the likeliest visit first, and why there are none if data are missing.

    They are computed in a thread, once for each day and state of the tables: that may take longer than a request.

    Raises
    ------
    Problem
        Status 503 (`records_loading`): they are still being computed.
    """
    settings = file_state(context.configs / "service_due.yaml")
    key = (id(context.records), context.records.tables.state, context.clock.local().date(), settings)
    with _LOCK:
        if key not in _RESULTS:
            while len(_RESULTS) >= MAX_RESULTS:
                _RESULTS.pop(next(iter(_RESULTS)))
            _RESULTS[key] = _THREAD.submit(_due_services, context, config)
        result = _RESULTS[key]
    try:
        return result.result(WAIT_SECONDS)
    except TimeoutError:
        text = "the services that fall due are being computed; try again in a few seconds"
        raise Problem(503, "records_loading", text, headers=[(b"retry-after", b"5")]) from None


def _due_services(context: WorkContext, config: ServiceListing) -> tuple[pl.DataFrame, str | None]:
    from ml.fault_rate.service_check import listed_services
    from ml.fault_rate.service_due import next_services

    records = context.records
    nothing = pl.DataFrame(schema=_COLUMNS)
    for table in ("fleet", "service_records"):
        if not records.has(table):
            return nothing, f"the sources lack the table {table}: add it to sources.yaml"
    try:
        services = next_services(
            records.table("fleet"), records.table("service_records"), rules=config.rules, as_of=context.clock.now(),
            timezone=str(context.clock.timezone), visit_days=config.visit_days,
        )  # fmt: skip
    except ChehangError as error:
        return nothing, str(error)
    due = listed_services(
        services.vehicles, today=services.today, within_days=config.within_days, overdue_days=config.overdue_days
    )
    vins = records.table("fleet").select("vehicle_id", "vin").unique("vehicle_id", keep="last")
    due = due.head(config.top or due.height).join(vins, on="vehicle_id", how="left", maintain_order="left")
    return due.select(pl.col(n).cast(t) for n, t in _COLUMNS.items()), None


_COLUMNS = {
    "vehicle_id": pl.String, "vin": pl.String, "model": pl.String, "store_id": pl.String, "due_on": pl.Date,
    "due_by": pl.String, "overdue_days": pl.Int64, "km_now": pl.Float64, "visit_probability": pl.Float64,
    "expected_revenue_yuan": pl.Float64, "reason_zh": pl.String, "reason_en": pl.String,
}  # fmt: skip


def _invitations(context: WorkContext) -> Mapping[str, Any]:
    """Return the last invitation of each vehicle within 30 days."""
    latest = context.entries.latest(INVITED)
    newest = max((entry.at for entry in latest.values()), default=0)
    return {s: e for s, e in latest.items() if newest - e.at <= INVITED_DAYS * 86_400_000_000}


def _row(place: int, row: Mapping[str, Any], invitations: Mapping[str, Any]) -> ServiceRow:
    entry = invitations.get(f"service-{row['vehicle_id']}")
    revenue = row["expected_revenue_yuan"]
    names = ("vehicle_id", "model", "store_id", "due_by", "overdue_days", "visit_probability", "reason_zh", "reason_en")
    return ServiceRow(
        place=place,
        vin=mask_vin(row["vin"]),
        due_on=str(row["due_on"]),
        km=None if row["km_now"] is None else round(row["km_now"]),
        expected_revenue=None if revenue is None else round(revenue, 2),
        invited_at=None if entry is None else iso(entry.at),
        invited_by=None if entry is None else entry.person,
        sequence=None if entry is None else entry.sequence,
        **{n: row[n] for n in names},
    )
