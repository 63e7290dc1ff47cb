"""Pages of the loan desk: the queue of applications, and one application with plan, judgement, offers and decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.loan_judgement import difference_rows, plan_products
from serving.desk.areas.loan_parts import (
    REASONS,
    decided_words,
    field_words,
    grid_table,
    judgement_scale,
    log_rows,
    offer_cards,
    stage_steps,
    suggestions,
)
from serving.desk.page import Page, PageRequest, View
from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.view import TableView

STATES = {
    "waiting": Choice("loans.state.waiting", "wait"),
    "second_person": Choice("loans.state.second_person", "wait"),
    "documents": Choice("loans.state.documents", "none"),
    "approve": Choice("loans.state.approve", "good"),
    "refer": Choice("loans.state.refer", "none"),
    "decline": Choice("loans.state.decline", "none"),
}
COLUMNS = (
    TableColumn(
        "application_id", "loans.application", second="second", link="/desk/loans/{application_id}", is_title=True
    ),
    TableColumn("store_id", "loans.store", filter="choice"),
    TableColumn("waiting_minutes", "loans.waiting", "number", unit="loans.minutes"),
    TableColumn("loan_amount", "loans.amount", "money", unit="parts.yuan"),
    TableColumn("term_months", "loans.term", "number", unit="loans.periods", on_phone=False),
    TableColumn("lacking", "loans.missing", on_phone=False),
    TableColumn("person", "loans.person"),
    TableColumn("state", "loans.state", "state", states=STATES, filter="choice"),
)
PLAN_FIELDS = ("down", "term", "product", "pay", "solve", "age", "confirmed")
STAGES = ("submitted", "in_review", "documents", "approved", "declined", "paid_out")


async def show_queue(request: PageRequest) -> View | Response:
    """Answer `GET /desk/loans`."""
    state = request.query.get("list", "waiting")
    state = state if state in ("waiting", "decided", "all") else "waiting"
    queue = await request.ask("GET", "/v1/applications", query={"state": state, "store_id": request.store_id})
    rows = [_row(request, item) for item in queue["items"]]
    view = TableView("applications", COLUMNS, rows, page_rows=50)
    if (kind := request.query.get("export")) in ("csv", "xlsx"):
        return request.export(view, kind, "applications")
    page = view.page(request.query, "/desk/loans", request.language, request.text)
    return request.render("loans/queue.html", queue=queue, page=page, list=state)


async def show_case(request: PageRequest) -> View:
    """Answer `GET /desk/loans/{application_id}`; the plan stands in the address."""
    number = request.path["application_id"]
    base = f"/v1/applications/{quote(number, safe='')}"
    case = await request.ask("GET", base)
    plan, problem = plan_of(request.query), None
    judged: dict[str, Any] | None = None
    try:
        judged = await request.ask("POST", f"{base}/quote/preview", plan)
    except Problem as e:
        if e.status not in (422, 503):
            raise
        problem = e
    if request.may("applications:write") and not request.is_fragment and _is_new_to(case, request):
        await request.ask("POST", f"{base}/opened", {})
        case = await request.ask("GET", base)
    context = await _context(request, case, judged)
    return request.render("loans/case.html", case=case, judged=judged, problem=problem, number=number, **context)


async def send_decision(request: PageRequest) -> Response:
    """Answer `POST /desk/loans/{application_id}/decision`."""
    number = request.path["application_id"]
    body: dict[str, Any] = {
        "outcome": request.field("outcome"),
        "plan": plan_of({name: request.field(name) for name in PLAN_FIELDS}),
        "last_sequence": _whole(request.field("last_sequence")),
    }
    if request.field("reason_code"):
        body["reason_code"] = request.field("reason_code")
    if request.field("note"):
        body["note"] = request.field("note")
    entry = await request.ask("POST", f"/v1/applications/{quote(number, safe='')}/decision", body)
    notice = "loans.notice.second" if entry["kind"] == "application.proposed" else "loans.notice.decided"
    if request.field("next"):
        queue = await request.ask("GET", "/v1/applications", query={"store_id": request.store_id})
        others = [
            i["application_id"] for i in queue["items"] if i["application_id"] != number and i["state"] == "waiting"
        ]
        return request.redirect(f"/desk/loans/{quote(others[0], safe='')}" if others else "/desk/loans", notice=notice)
    return request.redirect(f"/desk/loans/{quote(number, safe='')}", notice=notice)


async def send_confirmation(request: PageRequest) -> Response:
    """Answer `POST /desk/loans/{application_id}/confirmation`."""
    number = quote(request.path["application_id"], safe="")
    body = {"agrees": request.field("agrees") == "1", "last_sequence": _whole(request.field("last_sequence"))}
    await request.ask("POST", f"/v1/applications/{number}/confirmation", body)
    return request.redirect(f"/desk/loans/{number}", notice="loans.notice.confirmed")


async def send_lender_result(request: PageRequest) -> Response:
    """Answer `POST /desk/loans/{application_id}/lender`."""
    number = quote(request.path["application_id"], safe="")
    body: dict[str, Any] = {
        "lender": request.field("lender"),
        "stage": request.field("stage"),
        "last_sequence": _whole(request.field("last_sequence")),
    }
    if request.field("amount"):
        body["amount"] = _number(request.field("amount"), "amount")
    if request.field("rate"):
        body["annual_rate"] = _number(request.field("rate"), "annual_rate") / 100
    if request.field("reference"):
        body["reference"] = request.field("reference")
    await request.ask("POST", f"/v1/applications/{number}/lender_results", body)
    return request.redirect(f"/desk/loans/{number}", notice="loans.notice.lender")


async def send_plan(request: PageRequest) -> Response:
    """Answer `POST /desk/loans/{application_id}/plan`: keep the plan of the address."""
    number = quote(request.path["application_id"], safe="")
    values = {name: request.field(name) for name in PLAN_FIELDS}
    await request.ask("POST", f"/v1/applications/{number}/plans", {"plan": plan_of(values)})
    query = urlencode({name: value for name, value in values.items() if value})
    return request.redirect(f"/desk/loans/{number}?{query}", notice="loans.notice.plan")


async def show_identity(request: PageRequest) -> View:
    """Answer `POST /desk/loans/{application_id}/identity`: name and phone number, which is written down."""
    number = quote(request.path["application_id"], safe="")
    identity = await request.ask("POST", f"/v1/applications/{number}/identity")
    return request.render("loans/identity.html", identity=identity, number=request.path["application_id"])


def plan_of(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of a quote from the fields of a plan; empty ones are those of the application.

    Raises
    ------
    Problem
        Status 422: a field is no number.

    Examples
    --------
    >>> plan_of({"down": "47400", "term": "36", "pay": "3,000", "product": ""})
    {'down_payment': 47400.0, 'monthly_payment': 3000.0, 'term_months': 36}
    """
    plan: dict[str, Any] = {}
    for field, name in (("down", "down_payment"), ("pay", "monthly_payment"), ("age", "age")):
        if query.get(field, "").strip():
            plan[name] = _number(query[field], name)
    if query.get("term", "").strip():
        plan["term_months"] = int(_number(query["term"], "term_months"))
    if query.get("product"):
        plan["product"] = query["product"]
    if query.get("solve") in ("down_payment", "term_months"):
        plan["solve"] = query["solve"]
    if names := [n for n in query.get("confirmed", "").split(",") if n]:
        plan["confirmed"] = names
    return plan


async def _labels(request: PageRequest) -> dict[str, Any]:
    """Return the fields of an application by name; none without a champion."""
    try:
        answer = await request.ask("GET", "/v1/applications/fields")
    except Problem:
        return {}
    return {f["name"]: f for f in answer["fields"]}


async def _context(request: PageRequest, case: dict[str, Any], judged: dict[str, Any] | None) -> dict[str, Any]:
    labels = await _labels(request)
    address = f"/desk/loans/{quote(case['item']['application_id'], safe='')}"
    context: dict[str, Any] = {
        "address": address,
        "labels": labels,
        "field_text": lambda name, value: field_words(labels[name], value, request),
        "reason_options": [(code, request.text(f"loans.reason.{code.lower()}")) for code in REASONS],
        "stage_options": [(stage, request.text(f"loans.stage.{stage}")) for stage in STAGES],
        "log": log_rows(case, request),
        "steps": stage_steps(case, request),
        "decided": decided_words(case, request),
        "plan_query": {name: request.query.get(name, "") for name in PLAN_FIELDS},
        "is_own_proposal": case["proposal"] is not None
        and request.caller is not None
        and case["proposal"]["person"] == request.caller.name,
    }
    if judged is not None:
        context |= {
            "confirm_link": _confirm_link(request, address, judged["unconfirmed"]),
            "other_plan_passes": judged["n_approved"] > 0,
            "scale": judgement_scale(judged, request),
            "cards": offer_cards(judged, request, address),
            "grid": grid_table(judged, request, address),
            "suggestions": suggestions(judged, request, address),
            "terms_options": [(t, request.text("loans.n_periods", n=t)) for t in judged["plan"]["terms"]],
            "difference_rows": difference_rows(judged, request),
            "plan_products": plan_products(judged, request),
        }
    return context


def _confirm_link(request: PageRequest, address: str, names: list[str]) -> str:
    """Return the address of the page with the implausible values confirmed."""
    plan = {name: request.query[name] for name in PLAN_FIELDS if request.query.get(name)}
    confirmed = [n for n in request.query.get("confirmed", "").split(",") if n]
    return f"{address}?{urlencode({**plan, 'confirmed': ','.join([*confirmed, *names])})}"


def _row(request: PageRequest, item: dict[str, Any]) -> dict[str, Any]:
    parts = [item["name"], item["vehicle"]]
    lacking = request.text("loans.lacking", n=len(item["missing"])) if item["missing"] else ""
    return {**item, "second": " · ".join(p for p in parts if p) or None, "lacking": lacking}


def _is_new_to(case: dict[str, Any], request: PageRequest) -> bool:
    person = None if request.caller is None else request.caller.name
    return case["item"]["state"] in ("waiting", "second_person") and case["item"]["person"] != person


def _number(text: str, name: str) -> float:
    try:
        value = float(text.replace(",", "").replace("，", ""))
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e12:
        message = "must be a number"
        raise Problem(422, "invalid", f"{name}: {message}", [{"field": name, "rule": "number", "message": message}])
    return value


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


CASE = "/desk/loans/{application_id}"
PAGES = (
    Page("/desk/loans", "credit_risk", show_queue),
    Page(CASE, "credit_risk", show_case),
    Page(f"{CASE}/decision", "applications:write", send_decision, "POST"),
    Page(f"{CASE}/confirmation", "applications:write", send_confirmation, "POST"),
    Page(f"{CASE}/lender", "applications:write", send_lender_result, "POST"),
    Page(f"{CASE}/plan", "applications:write", send_plan, "POST"),
    Page(f"{CASE}/identity", "applications:write", show_identity, "POST"),
)
