"""Loan offers: which loans can be put on the table for an applicant and a vehicle, what they cost, and how they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ml.endpoint import Champions, Endpoint
from ml.loans.applicant_risk import DERIVED
from ml.loans.catalogue.files import load_lending
from ml.loans.disclosure import Disclosure
from ml.loans.disclosure_html import page
from ml.loans.offers_endpoint import LoanOffersAnswer, answer, request
from ml.loans.schedule_endpoint import LoanTerms, ScheduleAnswer, ScheduleAsked, answer_disclosure, answer_schedule

FILES = ("loans/products.yaml", "loans/rules.yaml")
EXAMPLE_LOAN = {
    "product": "bank_standard",
    "on": "2026-09-01",
    "amount": 100_000.0,
    "annual_rate": 0.035,
    "term_months": 36,
}


def endpoints(configs: Path) -> tuple[Endpoint, ...]:
    """The questions about loans, by the rules and the catalogue of a folder.

    Parameters
    ----------
    configs : Path
        Holds `loans/products.yaml` and `loans/rules.yaml`.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    lending = load_lending(*(configs / name for name in FILES))
    return (
        Endpoint(
            path="loan_offers",
            summary={
                "zh": "可以向申请人提供哪些贷款；若不能，最小改动是什么",
                "en": "Which loans can be offered to an applicant, or the smallest changes that would pass",
            },
            needs=("credit_risk",),
            uses=("residual_value",),
            request=request,
            response=LoanOffersAnswer,
            respond=partial(answer, lending),
            example=_example,
        ),
        _about_a_loan(
            "schedule",
            {"zh": "还款计划与提前结清报价", "en": "A loan row by row, and what settling it early takes"},
            partial(answer_schedule, lending),
            asked=ScheduleAsked,
            response=ScheduleAnswer,
        ),
        _about_a_loan(
            "disclosure",
            {"zh": "综合融资成本明示表", "en": "The mandatory statement of what a loan costs"},
            partial(answer_disclosure, lending),
            asked=LoanTerms,
            response=Disclosure,
            page=page,
        ),
    )


def _about_a_loan(
    name: str,
    summary: Mapping[str, str],
    respond: Callable[[Any], BaseModel],
    *,
    asked: type[BaseModel],
    response: type[BaseModel],
    page: Callable[[Any], str] | None = None,
) -> Endpoint:
    return Endpoint(
        path=f"loan_offers/{name}",
        summary=summary,
        request=lambda champions: asked,
        response=response,
        respond=lambda champions, request: respond(request),
        example=lambda champions: EXAMPLE_LOAN,
        page=page,
    )


def _example(champions: Champions) -> dict[str, Any]:
    given = champions["credit_risk"].card["example"]
    vehicle = {"price": 150_000.0, "condition": "new", "energy_type": "battery_electric", "use": "private"}
    return {
        "on": "2026-09-01",
        "applicant": {"age": 35, "monthly_income": 15_000.0},
        "vehicle": vehicle,
        "down_payment": 50_000.0,
        "term_months": 36,
        "borrower": {name: value for name, value in given.items() if name not in DERIVED},
    }
