"""Tables of the pages of leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ml.label_names import VALUES
from serving.desk.tables import Choice, TableColumn, TableView

LEAD_LINK = "/desk/leads/{lead_id}"
STATES = MappingProxyType(
    {name: Choice(f"leads.state.{name}") for name in ("never_called", "quiet")}
    | {"closed": Choice("leads.state.closed", "wait")}
)
VERDICTS = MappingProxyType(
    {
        "spend_more": Choice("leads.verdict.spend_more", "good"),
        "keep": Choice("leads.verdict.keep"),
        "spend_less": Choice("leads.verdict.spend_less", "bad"),
        "unclear": Choice("leads.verdict.unclear"),
    }
)


def channel_text(name: str | None) -> Any:
    """Return the words of a channel in both languages; a name without words as it is.

    >>> channel_text("website")["en"], channel_text("x")
    ('website', 'x')
    """
    words = VALUES["channel"].get(name or "")
    return name if words is None else {"zh": words[0], "en": words[1]}


def queue_table(rows: Sequence[Mapping[str, Any]]) -> TableView:
    """Return the table that the queue is exported as."""
    columns = (
        TableColumn("place", "leads.queue.place", "number"),
        TableColumn("lead_id", "leads.lead_id"),
        TableColumn("name", "leads.queue.lead"),
        TableColumn("store_id", "leads.store"),
        TableColumn("model", "leads.model"),
        TableColumn("channel", "leads.channel"),
        TableColumn("headline", "leads.queue.last"),
        TableColumn("probability", "leads.queue.probability", "percent", digits=1),
        TableColumn("expected_margin", "leads.queue.margin", "money", unit="parts.yuan"),
        TableColumn("loss_per_hour", "leads.queue.waiting", "money", unit="leads.yuan_hour"),
        TableColumn("call_at", "leads.queue.call_at", "moment"),
        TableColumn("caller_name", "leads.queue.caller"),
        TableColumn("attempts", "leads.attempts", "number"),
        TableColumn("last_contact_at", "leads.last_contact", "moment"),
        TableColumn("next_contact_at", "leads.next_contact", "moment"),
    )
    return TableView("queue", columns, [{**row, "channel": channel_text(row["channel"])} for row in rows])


def lost_table(rows: Sequence[Mapping[str, Any]]) -> TableView:
    """Return the table of given-up leads that are worth another call."""
    columns = (
        TableColumn("title", "leads.queue.lead", second="model", link=LEAD_LINK, is_title=True),
        TableColumn("state", "leads.lost.state", "state", states=STATES, filter="choice"),
        TableColumn("silent_days", "leads.lost.silent", "number", unit="leads.days"),
        TableColumn("probability", "leads.queue.probability", "percent", digits=0),
        TableColumn("expected_margin", "leads.queue.margin", "money", unit="parts.yuan", filter="range"),
        TableColumn("reason", "leads.lost.reason", on_phone=False),
        TableColumn("store_id", "leads.store", filter="choice", on_phone=False),
        TableColumn("created_at", "leads.created", "date", on_phone=False),
    )
    named = [{**row, "title": row["name"] or row["lead_id"]} for row in rows]
    return TableView("lost", columns, named, searched=("title", "lead_id", "model"))


def channels_table(rows: Sequence[Mapping[str, Any]]) -> TableView:
    """Return the table of channels."""
    columns = (
        TableColumn("name", "leads.channel", is_title=True),
        TableColumn("leads", "leads.channels.leads", "number", on_phone=False),
        TableColumn("sales", "leads.channels.sales", "number", on_phone=False),
        TableColumn("rate", "leads.channels.rate", "interval", low="rate_low", high="rate_high", digits=1),
        TableColumn("cost_per_lead", "leads.channels.cost_per_lead", "money", unit="parts.yuan", on_phone=False),
        TableColumn("cost_per_sale", "leads.channels.cost_per_sale", "money", unit="parts.yuan", second="cost_range"),
        TableColumn("net", "leads.channels.net", "money", unit="parts.yuan", second="net_range"),
        TableColumn("verdict", "leads.channels.verdict", "state", states=VERDICTS),
    )
    return TableView("channels", columns, rows)


def expected_table(rows: Sequence[Mapping[str, Any]]) -> TableView:
    """Return the table of expected and actual sales by store."""
    states = {
        "above": Choice("leads.expected.above", "good"),
        "below": Choice("leads.expected.below", "bad"),
        "within": Choice("leads.expected.within"),
    }
    columns = (
        TableColumn("name", "leads.store", is_title=True),
        TableColumn("leads", "leads.expected.leads", "number"),
        TableColumn("expected", "leads.expected.expected", "number", digits=1, second="range"),
        TableColumn("actual", "leads.expected.actual", "number"),
        TableColumn("state", "leads.expected.state", "state", states=states),
    )
    return TableView("expected", columns, rows)
