"""Printed forms: what they say, and what they must not say."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from serving.asgi import Problem
from serving.desk.areas.loan_prints import loan_terms, show_letter, show_offer_sheet, show_schedule, show_statement
from serving.desk.environment import build_environment
from serving.desk.page import View

NOW = datetime.fromisoformat("2026-09-01T10:30:00+08:00")
OFFER = {
    "product": "P", "product_name": {"zh": "标准车贷", "en": "Standard loan"}, "lender": {"zh": "银行", "en": "Bank"},
    "amount": 100_000.0, "annual_rate": 0.035, "term_months": 12, "balloon": 0.0, "monthly_payment": 8_492.2,
    "final_payment": 8_492.1, "down_payment": 50_000.0, "cash_due": 50_000.0, "nominal_rate": 0.035,
    "total_cost": 1_906.3, "forgone_discount": 0.0, "valid_until": "2026-09-08",
}  # fmt: skip
REASON: dict[str, Any] = {
    "code": "TERM",
    "zh": "您申请的贷款期限偏长。",
    "en": "The term of the loan is long.",
    "points": -31.5,
}
ROW = {
    "due": "2026-10-01",
    "payment": 8_492.2,
    "principal": 8_200.0,
    "interest": 292.2,
    "fee": 0.0,
    "balance": 91_800.0,
}
SCHEDULE = {"rows": [ROW], "total_cost": 1_906.3, "total_payment": 101_906.3, "nominal_rate": 0.035, "up_front": 0.0,
            "notes": []}  # fmt: skip


def decided(outcome: str) -> dict[str, Any]:
    content = {"outcome": outcome, "reason_code": "LENDER_RULE", "score": 548,
               "plan": {"down_payment": 50_000.0, "loan_amount": 100_000.0, "term_months": 12}}  # fmt: skip
    return {"content": content}


class Request:
    """A request for a form, with the answers of the endpoints that it asks."""

    def __init__(self, *, method: str = "GET", decision: dict[str, Any] | None = None, current: Any = OFFER) -> None:
        item = {"application_id": "A1", "store_id": "S1", "name": "王**", "vehicle": "X5", "state": "approve",
                "submitted_at": "2026-08-30T02:00:00+00:00"}  # fmt: skip
        inputs = {"vehicle_price": 150_000, "condition": "new", "energy_type": "hybrid", "use": "private"}
        credit = {"reasons": [REASON], "score": 548}
        self.answers = {
            "/v1/applications/A1": {"item": item, "inputs": inputs, "decision": decision},
            "/v1/applications/A1/quote/preview": {
                "current": current, "offers": [OFFER] if current else [], "credit": credit,
                "plan": {"vehicle_price": 150_000.0},
            },
            "/v1/applications/A1/identity": {"name": "王小明", "phone": None},
            "/v1/loans/schedule": SCHEDULE,
        }  # fmt: skip
        self.scope: dict[str, Any] = {"method": method}
        self.path, self.query = {"application_id": "A1"}, {"down": "50000", "term": "12"}
        self.caller = SimpleNamespace(name="李经理")
        self.clock = SimpleNamespace(local=lambda: NOW)
        self.inner = self
        self.bodies: dict[str, Any] = {}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        self.bodies[path] = body
        return self.answers[path]

    async def ask_page(self, scope: Any, method: str, path: str, body: Any) -> str:
        self.bodies[path] = body
        return "<style>p { color: black }</style><p>form</p>"

    def render(self, template: str, **context: Any) -> View:
        return View(template, context)


def page(view: Any, language: Any) -> str:
    environment = build_environment(language, lambda: NOW)
    environment.globals["static"] = lambda name: name
    values = {**view.context, "csrf_token": "T", "may": lambda scope: True}
    return re.sub(r"\s+", " ", environment.get_template(view.template).render(values))


def show(form: Any, **options: Any) -> tuple[Any, Request]:
    request: Any = Request(**options)
    return asyncio.run(form(request)), request


def test_names_stay_blank_unless_the_form_is_asked_for_with_them() -> None:
    response, request = show(show_statement)
    form = request.bodies["/v1/loans/disclosure"]["form"]
    assert form == {
        "vehicle": "X5", "contract_number": "A1", "store": "S1", "prepared_by": "李经理", "date": "2026-09-01",
        "time": "10:30",
    }  # fmt: skip
    assert "/v1/applications/A1/identity" not in request.bodies
    assert "style-src 'sha256-" in response.headers["content-security-policy"]
    _, request = show(show_statement, method="POST")
    assert request.bodies["/v1/loans/disclosure"]["form"]["borrower"] == "王小明"
    assert "/v1/applications/A1/identity" in request.bodies


@pytest.mark.parametrize(("language", "payment"), [("zh", "还款额"), ("en", "Payment")])
def test_plan_and_offers_have_the_figures_of_the_answers(language: str, payment: str) -> None:
    view, request = show(show_schedule)
    assert request.bodies["/v1/loans/schedule"]["amount"] == 100_000.0
    html = page(view, language)
    assert payment in html and "8,492.20" in html and "1,906.30" in html and "3.50%" in html
    view, _ = show(show_offer_sheet)
    html = page(view, language)
    assert html.count("8,492.20") == 1  # the offer of the plan is not listed twice
    assert "8,492.10" in html


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_letter_gives_reasons_in_words_and_no_score(language: str) -> None:
    view, _ = show(show_letter, decision=decided("decline"))
    html = page(view, language)
    assert REASON[language] in html
    assert "548" not in html and "31" not in html.replace("2026", "")
    assert "王小明" not in html
    view, _ = show(show_letter, decision=decided("decline"), method="POST")
    assert "王小明" in page(view, language)
    view, _ = show(show_letter, decision=decided("approve"))
    assert REASON[language] not in page(view, language)


def test_what_cannot_be_printed_says_what_to_do() -> None:
    with pytest.raises(Problem, match="no_decision"):
        show(show_letter)
    for form in (show_statement, show_schedule, show_offer_sheet):
        with pytest.raises(Problem, match="no_offer"):
            show(form, current=None)


def test_a_vehicle_without_a_use_is_that_of_a_private_person() -> None:
    case = {"inputs": {"vehicle_price": 150_000, "condition": "new", "energy_type": "hybrid"}}
    assert "use" not in loan_terms(case, OFFER, "2026-09-01")["vehicle"]
