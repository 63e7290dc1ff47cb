"""Search for a person, a vehicle, a lead or an application: by name, end of phone number, VIN or identifier."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.records import Records
from serving.work.routing import WorkRequest, WorkRoute

Kind = Literal["lead", "application", "vehicle"]
MAX_ITEMS = 20  # of each kind
MIN_DIGITS, MIN_LETTERS = 4, 2  # a shorter text would list half of the customers
VEHICLE_COLUMNS = ("vehicle_id", "model", "vin", "store_id", "listed_at")
_PHONE = re.compile(r"[\d\s\-+]+")
_WORD = re.compile(r"[A-Za-z0-9_./-]*\d[A-Za-z0-9_./-]*")


class SearchBody(BaseModel):
    """What to look for. It stands in the body, because addresses are logged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    q: str = Field(max_length=80, description="name, end of a phone number or VIN (4 characters or more), identifier")


class SearchItem(BaseModel):
    """A record that matches; names and numbers are masked."""

    kind: Kind
    id: str
    name: str | None = Field(description="masked name of the customer")
    phone: str | None = Field(description="masked phone number")
    model: str | None
    vin: str | None = Field(description="end of the vehicle's VIN")
    store_id: str | None
    at: datetime | None = Field(description="creation, submission, or first day on offer")
    by: Literal["name", "phone", "vin", "id"] = Field(description="what matches")
    link: str


class SearchGroup(BaseModel):
    """Records of one kind, the latest first."""

    kind: Kind
    total: int
    items: list[SearchItem] = Field(description=f"at most {MAX_ITEMS}")


class SearchAnswer(BaseModel):
    """What matches, of the records that the caller may see."""

    groups: list[SearchGroup]
    total: int


class Source(NamedTuple):
    """Where records of a kind are, and who may see them.

    Attributes
    ----------
    table, key, time : str
        Table of the contract, its key and the column of its time.
    scopes : tuple of str
        Any of these scopes shows the kind.
    link : callable
        ``(id) -> str``: address of the page.
    """

    table: str
    key: str
    time: str
    scopes: tuple[str, ...]
    link: Callable[[str], str]


SOURCES: Mapping[Kind, Source] = {
    "lead": Source("leads", "lead_id", "created_at", ("lead_scoring",), lambda i: f"/desk/leads/{quote(i, safe='')}"),
    "application": Source(
        "applications", "application_id", "submitted_at", ("credit_risk",), lambda i: f"/desk/loans/{quote(i, safe='')}"
    ),
    "vehicle": Source(
        "vehicles",
        "vehicle_id",
        "listed_at",
        ("demand_forecast", "recommendation", "fault_rate"),
        lambda i: f"/desk/search/vehicles/{quote(i, safe='')}",
    ),
}


def search(request: WorkRequest) -> SearchAnswer:
    """Answer `POST /v1/search`."""
    text = _checked(request.body.q)
    groups = [
        group
        for kind, source in SOURCES.items()
        if any(request.may(scope) for scope in source.scopes)
        for group in [_group(request, kind, source, text)]
        if group.total
    ]
    return SearchAnswer(groups=groups, total=sum(group.total for group in groups))


def _checked(text: str) -> str:
    words = " ".join(text.split())
    length = sum(c.isalnum() for c in words)
    least = MIN_DIGITS if words.isascii() else MIN_LETTERS
    if length < (1 if _is_chinese(words) else least) or (words.isdigit() and length < MIN_DIGITS):
        message = f"q is too short: give a name of {MIN_LETTERS} letters, or {MIN_DIGITS} digits or more"
        raise Problem(422, "invalid_request", message)
    return words


def _is_chinese(text: str) -> bool:
    return any("一" <= c <= "鿿" for c in text)


def _group(request: WorkRequest, kind: Kind, source: Source, text: str) -> SearchGroup:
    rows = _rows(request, source)
    if request.stores is not None:
        rows = rows.filter(pl.col("store_id").is_in(sorted(request.stores)))
    if kind == "application":
        rows = pl.concat([rows, _of_desk(request, rows)], how="diagonal")
    rows = rows.with_columns(by=_match(kind, rows.columns, text)).filter(pl.col("by").is_not_null())
    latest = rows.sort(source.time, descending=True, nulls_last=True).head(MAX_ITEMS)
    items = [_item(request, kind, source, row) for row in latest.iter_rows(named=True)]
    return SearchGroup(kind=kind, total=rows.height, items=items)


def _of_desk(request: WorkRequest, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the applications that were entered at the desk and are not in the table yet, by identifier."""
    table_ids = set(rows["application_id"].to_list())
    entries = {e.subject: e for e in request.context.entries.of("application.submitted") if e.subject not in table_ids}
    columns = {
        "application_id": list(entries),
        "store_id": [e.store_id for e in entries.values()],
        "submitted_at": [e.at for e in entries.values()],
    }
    own = pl.DataFrame(columns, schema={name: rows.schema[name] for name in columns})
    return own if request.stores is None else own.filter(pl.col("store_id").is_in(sorted(request.stores)))


def _rows(request: WorkRequest, source: Source) -> pl.DataFrame:
    """Return the records of a kind with the name and phone number of the customer."""
    records = request.context.records

    def joined() -> pl.DataFrame:
        table = records.table(source.table)
        if source.table == "vehicles":
            units = table.filter(pl.col("kind").fill_null("unit") == "unit")
            return pl.concat([units.select(VEHICLE_COLUMNS), _serviced(records, units)])
        vehicles = records.table("vehicles").select("vehicle_id", "vin", seen_model="model").unique("vehicle_id")
        people = records.table("customers").select("customer_id", "name", "phone").unique("customer_id")
        columns = [c for c in table.columns if c in (source.key, source.time, "store_id", "model")]
        rows = table.select(*columns, "customer_id", "vehicle_id")
        rows = rows.join(people, on="customer_id", how="left").join(vehicles, on="vehicle_id", how="left")
        model = pl.coalesce("model", "seen_model") if "model" in columns else pl.col("seen_model")
        return rows.with_columns(model=model)

    return records.cached(f"search {source.table}", joined)


def _serviced(records: Records, units: pl.DataFrame) -> pl.DataFrame:
    """Return the vehicles of the fleet that the dealership has not had on offer."""
    fleet = records.table("fleet").rename({"entered_service_at": "listed_at"}).select(VEHICLE_COLUMNS)
    return fleet.filter(~pl.col("vehicle_id").is_in(units["vehicle_id"].implode()))


def _match(kind: Kind, columns: list[str], text: str) -> pl.Expr:
    """Return by which field each row matches; null if by none."""
    folded, digits = text.upper(), re.sub(r"\D", "", text)
    key = pl.col(SOURCES[kind].key).str.to_uppercase()
    pairs: list[tuple[pl.Expr, str]] = []
    if _WORD.fullmatch(text) and len(text) >= MIN_DIGITS:
        pairs.append(((key == folded) | key.str.ends_with(folded), "id"))
        pairs.append((pl.col("vin").str.to_uppercase().str.ends_with(folded), "vin"))
    if "phone" in columns and len(digits) >= MIN_DIGITS and _PHONE.fullmatch(text):
        numbers = pl.col("phone").str.replace_all(r"\D", "")
        pairs.append((numbers.str.ends_with(digits), "phone"))
    if "name" in columns and not text.isdigit():
        pairs.append((pl.col("name").str.to_lowercase().str.contains(text.lower(), literal=True), "name"))
    result: pl.Expr = pl.lit(None, pl.String)
    for condition, name in reversed(pairs):
        result = pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(result)
    return result


def _item(request: WorkRequest, kind: Kind, source: Source, row: Mapping[str, object]) -> SearchItem:
    at = row[source.time]
    vin = row.get("vin")
    return SearchItem(
        kind=kind,
        id=str(row[source.key]),
        name=masked_name(_text(row.get("name"))),
        phone=masked_phone(_text(row.get("phone"))),
        model=_text(row.get("model")),
        vin=None if vin is None else f"…{str(vin)[-6:]}",
        store_id=_text(row.get("store_id")),
        at=request.context.clock.local(at) if isinstance(at, int) else None,
        by=row["by"],  # type: ignore[arg-type]
        link=source.link(str(row[source.key])),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def masked_name(name: str | None) -> str | None:
    """Return a name of which only the first letter of each word is readable.

    >>> masked_name("王小明"), masked_name("Wei Liu"), masked_name(None)
    ('王**', 'W. L.', None)
    """
    words = (name or "").split()
    if not words:
        return None
    if words[0].isascii():
        return " ".join(f"{word[0]}." for word in words)
    text = "".join(words)
    return text[0] + "*" * (len(text) - 1)


def masked_phone(number: str | None) -> str | None:
    """Return a phone number of which the middle is hidden.

    >>> masked_phone("13812341234"), masked_phone("5588"), masked_phone(None)
    ('138****1234', '****88', None)
    """
    digits = "".join(c for c in number or "" if c.isdigit())
    if not digits:
        return None
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"


ROUTES = (
    WorkRoute(
        "POST",
        "/v1/search",
        {"zh": "按姓名、手机尾号、车架号或编号查找", "en": "Search by name, end of phone number, VIN or identifier"},
        search,
        SearchAnswer,
        body=SearchBody,
        example={"q": "A00000001"},
    ),
)
