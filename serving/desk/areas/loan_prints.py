"""Forms of the loan desk to print on A4: statement of costs, repayment plan, offer sheet, letter on a decision.

Names are left blank, to be filled in by hand, unless the form is asked for with them, which is written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from serving.asgi import Problem, content_policy
from serving.desk.areas.loans import plan_of
from serving.desk.page import HEADERS, Page, PageRequest, View

CASE = "/desk/loans/{application_id}"
MAX_ENTRY = 100  # characters of an entry of the statement of costs


async def show_statement(request: PageRequest) -> Response:
    """Answer `GET` and `POST /desk/loans/{application_id}/form`: 个人贷款综合融资成本明示表; a POST has the names."""
    case, judged = await _quoted(request)
    offer = _offer(judged)
    form = await _entries(request, case)
    terms = {**loan_terms(case, offer, request.clock.local().date().isoformat()), "form": form}
    html = await request.inner.ask_page(request.scope, "POST", "/v1/loans/disclosure", terms)
    headers = {**HEADERS, "content-security-policy": content_policy(html)}
    return Response(html, headers=headers, media_type="text/html")


async def show_schedule(request: PageRequest) -> View:
    """Answer `GET /desk/loans/{application_id}/schedule`: the repayment plan, month by month."""
    case, judged = await _quoted(request)
    offer = _offer(judged)
    terms = loan_terms(case, offer, request.clock.local().date().isoformat())
    schedule = await request.ask("POST", "/v1/loans/schedule", terms)
    return _sheet(request, "loan_prints/schedule.html", case, offer=offer, schedule=schedule)


async def show_offer_sheet(request: PageRequest) -> View:
    """Answer `GET /desk/loans/{application_id}/offers`: all offers side by side, for the customer."""
    case, judged = await _quoted(request)
    offers = [judged["current"]] if judged["current"] else []
    offers += [offer for offer in judged["offers"] if offer != judged["current"]]
    if not offers:
        raise _nothing()
    return _sheet(request, "loan_prints/offers.html", case, offers=offers[:4], plan=judged["plan"])


async def show_letter(request: PageRequest) -> View:
    """Answer `GET` and `POST /desk/loans/{application_id}/letter`: 审批结果告知书; a POST has the name.

    The reasons are those that the model has against the customer, in words, and the officer's; never a score.
    """
    case = await request.ask("GET", _base(request))
    decision = case["decision"]
    if decision is None or case["item"]["state"] == "second_person":
        raise Problem(409, "no_decision", "a letter needs a decision that has taken effect: decide first")
    plan = decision["content"]["plan"]
    body = {"down_payment": float(plan["down_payment"]), "term_months": plan["term_months"]}
    judged = await request.ask("POST", f"{_base(request)}/quote/preview", body)
    reasons = judged["credit"]["reasons"] if decision["content"]["outcome"] != "approve" else []
    name = (await _identity(request, case)).get("name")
    return _sheet(
        request, "loan_prints/letter.html", case, decision=decision, reasons=reasons or [], name=name, plan=plan
    )


def loan_terms(case: Mapping[str, Any], offer: Mapping[str, Any], on: str) -> dict[str, Any]:
    """Return the terms of an offer as `/v1/loans/schedule` and `/v1/loans/disclosure` read them.

    Parameters
    ----------
    case : mapping
        Answer of `GET /v1/applications/{application_id}`.
    offer : mapping
        Offer of its quote.
    on : str
        Day of disbursement.

    Examples
    --------
    >>> case = {"inputs": {"vehicle_price": 150_000, "condition": "new", "energy_type": "hybrid", "use": None}}
    >>> offer = {"product": "P", "amount": 1e5, "annual_rate": 0.03, "term_months": 36, "balloon": 0.0}
    >>> terms = loan_terms(case, offer, "2026-09-01")
    >>> terms["vehicle"], terms["amount"]
    ({'price': 150000.0, 'condition': 'new', 'energy_type': 'hybrid'}, 100000.0)
    """
    inputs = case["inputs"]
    vehicle = {"price": float(inputs["vehicle_price"]), "condition": inputs["condition"]}
    vehicle |= {name: inputs[name] for name in ("energy_type", "use") if inputs.get(name)}
    terms = {name: offer[name] for name in ("product", "amount", "annual_rate", "term_months", "balloon")}
    return {**terms, "on": on, "vehicle": vehicle}


async def _quoted(request: PageRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    case = await request.ask("GET", _base(request))
    judged = await request.ask("POST", f"{_base(request)}/quote/preview", plan_of(request.query))
    return case, judged


def _offer(judged: Mapping[str, Any]) -> dict[str, Any]:
    if judged["current"] is None:
        raise _nothing()
    offer: dict[str, Any] = judged["current"]
    return offer


def _nothing() -> Problem:
    text = "no product can be offered at this down payment and term: choose an offer, then print"
    return Problem(409, "no_offer", text)


async def _entries(request: PageRequest, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of the statement; a missing one is a blank line."""
    now, item, caller = request.clock.local(), case["item"], request.caller
    identity = await _identity(request, case)
    entries = {
        "borrower": identity.get("name"),
        "vehicle": item["vehicle"],
        "contract_number": item["application_id"],
        "store": item["store_id"],
        "prepared_by": None if caller is None else caller.name,
    }
    shown = {name: str(value)[:MAX_ENTRY] for name, value in entries.items() if value}
    return {**shown, "date": now.date().isoformat(), "time": f"{now:%H:%M}"}


async def _identity(request: PageRequest, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name of the customer, of which an entry is written, for a POST; nothing for a GET."""
    if request.scope["method"] != "POST" or not case["item"]["name"]:
        return {}
    identity: dict[str, Any] = await request.ask("POST", f"{_base(request)}/identity")
    return identity


def _sheet(request: PageRequest, template: str, case: Mapping[str, Any], **context: Any) -> View:
    person = None if request.caller is None else request.caller.name
    return request.render(template, case=case, item=case["item"], now=request.clock.local(), person=person, **context)


def _base(request: PageRequest) -> str:
    return f"/v1/applications/{quote(request.path['application_id'], safe='')}"


PAGES = (
    Page(f"{CASE}/form", "credit_risk", show_statement),
    Page(f"{CASE}/form", "applications:write", show_statement, "POST"),
    Page(f"{CASE}/schedule", "credit_risk", show_schedule),
    Page(f"{CASE}/offers", "credit_risk", show_offer_sheet),
    Page(f"{CASE}/letter", "credit_risk", show_letter),
    Page(f"{CASE}/letter", "applications:write", show_letter, "POST"),
)
