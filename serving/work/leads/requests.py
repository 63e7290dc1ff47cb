"""Requests about leads to the endpoints of `lead_scoring`, made from rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from serving.asgi import Problem
from serving.work.leads.memory import memory_of
from serving.work.routing import WorkContext

FEN = 100
MAX_EVENTS = 400  # of one lead, the latest; features count the last 90 days
MAX_OTHERS = 100
_EVENT_FIELDS = ("event_type", "session_id", "vehicle_id", "model", "channel", "dwell_seconds")


def iso(instant: int) -> str:
    """Return microseconds since 1970 UTC as ISO text.

    >>> iso(1_500_000)
    '1970-01-01T00:00:01.500000+00:00'
    """
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat()


@dataclass(frozen=True)
class CustomerHistory:
    """What is recorded of customers, by customer id.

    Attributes
    ----------
    events, leads, sales, customers : mapping of str to list of dict
        Rows in the order of time, of those customers who have some.
    """

    events: dict[str, list[dict[str, Any]]]
    leads: dict[str, list[dict[str, Any]]]
    sales: dict[str, list[dict[str, Any]]]
    customers: dict[str, dict[str, Any]]

    def before(self, customer_id: str | None, instant: int) -> list[dict[str, Any]]:
        """Return a customer's events before an instant, the earliest first."""
        return [row for row in self.events.get(customer_id or "", ()) if row["event_at"] < instant]


def histories(context: WorkContext, leads: pl.DataFrame) -> CustomerHistory:
    """Return the history of all customers who have a lead."""
    key = (context.records.state, leads.height)
    return memory_of(context).latest("histories", key, lambda: _histories(context, leads))


def _histories(context: WorkContext, leads: pl.DataFrame) -> CustomerHistory:
    records = context.records
    ids = leads.select("customer_id").drop_nulls().unique()
    events = records.table("events").filter(pl.col("event_type") != "impression")
    events = events.join(ids, on="customer_id", how="semi").sort("event_at")
    sales = records.table("sales").join(ids, on="customer_id", how="semi").sort("sold_at")
    customers = records.table("customers").join(ids, on="customer_id", how="semi")
    names = ("customer_id", "event_at", *_EVENT_FIELDS)
    return CustomerHistory(
        events=_by_customer(events.select(names)),
        leads=_by_customer(leads.select("customer_id", "lead_id", "created_at").sort("created_at")),
        sales=_by_customer(sales.select("customer_id", "sold_at", "price")),
        customers={r["customer_id"]: r for r in customers.iter_rows(named=True)},
    )


def _by_customer(rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for row in rows.filter(pl.col("customer_id").is_not_null()).iter_rows(named=True):
        out.setdefault(row["customer_id"], []).append(row)
    return out


def champion_fields(context: WorkContext) -> tuple[int, dict[str, Any]]:
    """Return version and fields of the champion of `lead_scoring`.

    Raises
    ------
    Problem
        Status 503 (`no_champion`): there is none.
    """
    loaded = context.store.current("lead_scoring")
    if loaded is None:
        raise Problem(503, "no_champion", context.store.missing_champion("lead_scoring"))
    signature = loaded.estimator.signature  # type: ignore[attr-defined]
    return loaded.version, {field.name: field for field in signature.fields if not field.computed}


def complete_leads(leads: pl.DataFrame, fields: Mapping[str, Any]) -> pl.DataFrame:
    """Return the leads that have all fields without which the champion does not score.

    Parameters
    ----------
    leads : DataFrame
        Rows of leads.
    fields : mapping of str to Field
        Second value of `champion_fields`.
    """
    required = [n for n, field in fields.items() if field.required and field.kind != "instant"]
    if any(n not in leads.columns for n in required):
        return leads.clear()
    return leads.drop_nulls(required) if required else leads


def lead_request(
    lead: dict[str, Any], history: CustomerHistory, fields: dict[str, Any], *, at: int, called: bool = True
) -> dict[str, Any]:
    """Return the body of a request to score a lead with what was recorded before an instant.

    Parameters
    ----------
    lead : dict
        Row of the table `leads`.
    history : CustomerHistory
        As returned by `histories`.
    fields : mapping of str to Field
        Second value of `champion_fields`.
    at : int
        Instant of the score (microseconds since 1970 UTC).
    called : bool
        Whether the first call is sent if it was before the instant.
    """
    body: dict[str, Any] = {}
    for name, field in fields.items():
        value = lead.get(name)
        if value is None or field.kind == "instant":
            continue
        body[name] = round(value / FEN, 2) if field.unit == "fen" else value
    if "created_at" not in fields:
        return body
    customer = lead["customer_id"] or ""
    body["created_at"] = iso(lead["created_at"])
    body["events"] = [_event(row) for row in history.before(customer, at)[-MAX_EVENTS:]]
    others = [r for r in history.leads.get(customer, ()) if r["lead_id"] != lead["lead_id"] and r["created_at"] < at]
    body["other_leads"] = [{"created_at": iso(r["created_at"])} for r in others[-MAX_OTHERS:]]
    bought = [r for r in history.sales.get(customer, ()) if r["sold_at"] < at]
    body["purchases"] = [_purchase(r) for r in bought[-MAX_OTHERS:]]
    person = history.customers.get(customer, {})
    budget = {n: person[n] / FEN for n in ("budget_low", "budget_high") if person.get(n) is not None}
    if budget:
        body["customer"] = budget
    if called and lead["first_contact_at"] is not None and lead["first_contact_at"] <= at:
        body["first_contact_at"] = iso(lead["first_contact_at"])
    return body


def _event(row: dict[str, Any]) -> dict[str, Any]:
    content = {name: row[name] for name in _EVENT_FIELDS if row[name] is not None}
    return {**content, "event_at": iso(row["event_at"])}


def _purchase(row: dict[str, Any]) -> dict[str, Any]:
    price = None if row["price"] is None else row["price"] / FEN
    return {"sold_at": iso(row["sold_at"]), **({} if price is None or price < 0 else {"price": price})}


def chunks(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Return a sequence in parts.

    >>> chunks([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [rows[i : i + size] for i in range(0, len(rows), size)]
