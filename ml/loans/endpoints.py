"""Endpoints about loans: offers for an applicant, repayment schedule, and statement of the total cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.endpoint import Champions, Endpoint, respond_each_by_rules
from ml.loans.applicant_risk import DERIVED
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure import Disclosure
from ml.loans.disclosure_endpoint import answer_disclosure
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.disclosure_html import page
from ml.loans.offer_decision import BINDING_FIELDS, decision
from ml.loans.offers_endpoint import LoanOffersAnswer, answer, request
from ml.loans.schedule_endpoint import ScheduleAnswer, ScheduleRequest, answer_schedule

FILES = ("loans/products.yaml", "loans/rules.yaml")
EXAMPLE_LOAN = {
    "product": "bank_standard",
    "on": "2026-09-01",
    "amount": 100_000.0,
    "annual_rate": 0.035,
    "term_months": 36,
}


def read_lending(configs: Path) -> Lending:
    """Read `loans/products.yaml` and `loans/rules.yaml` below a folder of configurations.

    Parameters
    ----------
    configs : Path
        Folder such as `configs` of the repository; both files must exist.

    Returns
    -------
    Lending
        `rules` (lending rules by date) and `catalogue` (`lenders`, `products` and `parties` by key), amounts in fen.

    Raises
    ------
    ConfigError
        A file is missing or invalid; the message names the file, the key, the rule and the value received.

    Examples
    --------
    >>> from pathlib import Path
    >>> lending = read_lending(Path("configs"))
    >>> list(lending.catalogue.lenders)
    ['riverside_bank', 'voyage_auto_finance', 'harbour_credit', 'harvest_leasing']
    """
    return load_lending(*(configs / name for name in FILES))


def _offers_example(champions: Champions) -> Mapping[str, Any]:
    application = champions["credit_risk"].card["example"]
    vehicle = {"price": 150_000.0, "condition": "new", "energy_type": "battery_electric", "use": "private"}
    return {
        "on": "2026-09-01",
        "applicant": {"age": 35, "monthly_income": 15_000.0},
        "vehicle": vehicle,
        "down_payment": 50_000.0,
        "term_months": 36,
        "borrower": {name: value for name, value in application.items() if name not in DERIVED},
    }


ENDPOINTS = (
    Endpoint(
        path="offers",
        summary={
            "zh": "为申请人推荐可办理的贷款方案；若无法通过，给出最小调整建议",
            "en": "Loan offers for an applicant, or the smallest changes with which the application passes",
        },
        request=request,
        response=LoanOffersAnswer,
        respond=respond_each_by_rules(answer),
        example=_offers_example,
        rules=read_lending,
        required_tasks=("credit_risk",),
        optional_tasks=("residual_value",),
        public_errors=True,
        decision=decision,
        binding_fields=BINDING_FIELDS,
    ),
    Endpoint(
        path="schedule",
        summary={
            "zh": "还款计划，以及提前结清、提前部分还款与中途退出的报价",
            "en": "Repayment schedule of a loan, and quotes for settling, prepaying a part or leaving it early",
        },
        request=lambda champions: ScheduleRequest,
        response=ScheduleAnswer,
        respond=respond_each_by_rules(lambda lending, champions, request: answer_schedule(lending, request)),
        example=lambda champions: EXAMPLE_LOAN,
        rules=read_lending,
        public_errors=True,
    ),
    Endpoint(
        path="disclosure",
        summary={"zh": "个人贷款综合融资成本明示表", "en": "Statement of the total cost of a personal loan"},
        request=lambda champions: DisclosureRequest,
        response=Disclosure,
        respond=respond_each_by_rules(lambda lending, champions, request: answer_disclosure(lending, request)),
        example=lambda champions: EXAMPLE_LOAN,
        rules=read_lending,
        public_errors=True,
        page=page,
    ),
)
