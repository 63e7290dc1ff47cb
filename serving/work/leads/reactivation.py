"""`GET /v1/leads/reactivation`: given-up leads that are worth another call."""

from __future__ import annotations

import logging
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.errors import ChehangError
from ml import champions
from ml.bilingual import Text
from ml.lead_scoring.given_up import CLOSED, given_up_leads, given_up_reason, in_call_order
from ml.report.report import Report
from serving.work.clock import DAY
from serving.work.leads.memory import memory_of
from serving.work.leads.queue import masked, person_of
from serving.work.leads.requests import champion_fields, complete_leads, iso
from serving.work.leads.rows import all_leads
from serving.work.leads.rules import lead_rules
from serving.work.leads.scores import current_scores
from serving.work.leads.staff import StaffFilter, visible_stores
from serving.work.routing import WorkContext, WorkRequest, WorkRoute

log = logging.getLogger("chehang.serving")
_INSTANTS = ("created_at", "first_contact_at", "last_contact_at", "converted_at", "closed_at")


class StoreFilter(StaffFilter):
    """Query string: the store, by default all stores of the key."""

    model_config = ConfigDict(extra="forbid")


class GivenUpLead(BaseModel):
    """A lead that nobody works on any more although the desk calls leads like it."""

    lead_id: str
    name: str | None = Field(description="masked")
    store_id: str | None
    model: str | None
    state: Literal["never_called", "quiet", "closed"]
    created_at: str
    last_contact_at: str | None
    closed_at: str | None
    silent_days: float
    probability: float = Field(description="of a sale; of a closed lead that of an open one like it")
    expected_margin: float | None = Field(description="yuan")
    reason: Text


class GivenUpAnswer(BaseModel):
    """Answer of `GET /v1/leads/reactivation`: open leads first, the highest expected margin first."""

    items: list[GivenUpLead]
    expected_sales: float = Field(description="sum of the probabilities of those that are not closed")
    reminder_days: float
    silent_days: float
    evidence: Text | None = Field(description="what such leads did in the test period of the model; null if unknown")


def get_given_up(request: WorkRequest) -> GivenUpAnswer:
    """Answer `GET /v1/leads/reactivation`."""
    context, rules = request.context, lead_rules(request.context)
    stores = visible_stores(request, request.parameters.store_id)
    leads = complete_leads(all_leads(context), champion_fields(context)[1]).filter(pl.col("store_id").is_in(stores))
    now = context.clock.now()
    silent, within = int(rules.silent_days * DAY), int(rules.reminder_days * DAY)
    states, _ = given_up_leads(leads.select("lead_id", *_INSTANTS), now, silent=silent, within=within)
    rows = leads.join(states.select("lead_id"), on="lead_id", how="semi")
    scores = current_scores(request, rows)
    names = ("conversion_probability", "grade", "expected_gross_margin")
    table = pl.DataFrame(
        [{"lead_id": i, **{n: score[n] for n in names}} for i, score in scores.items()],
        schema={"lead_id": pl.String, names[0]: pl.Float64, names[1]: pl.String, names[2]: pl.Float64},
    )
    listed = in_call_order(states.join(table, on="lead_id").filter(pl.col("grade") == "A"))
    by_id = {row["lead_id"]: row for row in rows.rows(named=True)}
    items = [_item(request, row, by_id[row["lead_id"]]) for row in listed.rows(named=True)]
    return GivenUpAnswer(
        items=items,
        expected_sales=sum(i.probability for i in items if i.state != CLOSED),
        reminder_days=rules.reminder_days,
        silent_days=rules.silent_days,
        evidence=_evidence(context),
    )


def _item(request: WorkRequest, row: dict[str, Any], lead: dict[str, Any]) -> GivenUpLead:
    instants = {n: None if row[n] is None else iso(row[n]) for n in ("created_at", "last_contact_at", "closed_at")}
    return GivenUpLead.model_validate(
        {
            **instants, "lead_id": row["lead_id"], "name": masked(person_of(request, lead).get("name")),
            "store_id": lead["store_id"], "model": lead["model"], "state": row["state"],
            "silent_days": round(row["silent_days"], 1), "probability": row["conversion_probability"],
            "expected_margin": row["expected_gross_margin"],
            "reason": given_up_reason(row["state"], row["silent_days"], row["conversion_probability"]),
        }
    )  # fmt: skip


def _evidence(context: WorkContext) -> Text | None:
    """Return the summary of the section on given-up leads in the report of the champion."""
    version, _ = champion_fields(context)
    return memory_of(context).latest("given-up report", version, lambda: _read_evidence(version))


def _read_evidence(version: int) -> Text | None:
    try:
        with champions.report_files(champions.version("lead_scoring", version)) as folder:
            report = Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
    except (ChehangError, OSError, ValueError) as e:
        log.warning("the report of lead_scoring version %d cannot be read: %s", version, type(e).__name__)
        return None
    return next((s.summary for s in report.sections if s.name == "given_up"), None)


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/reactivation",
        {"zh": "给出值得再次联系的战败线索", "en": "Return given-up leads that are worth another call"},
        get_given_up, GivenUpAnswer, parameters=StoreFilter,
    ),
)  # fmt: skip
