"""Contingent costs of the statement: every category, with the standard by which it is computed and who collects it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.bilingual import Text
from ml.domain.loans.loan import Loan
from ml.domain.loans.prepayment import prepay
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.settlement import settle
from ml.loans.catalogue.contingent import CATEGORIES
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.catalogue.products import LoanProducts
from ml.loans.disclosure_contingent import (
    NOT_CHARGED,
    ContingentCost,
    contingent_costs,
    early_settlement,
    late_interest,
)
from ml.loans.repayment import schedule_for
from tests.conftest import ROOT
from tests.ml.loans.test_disclosure_items import LENDER, ON, lender, product, schedule

WORDS = {"zh": "按实际发生额", "en": "at cost"}
TERMS: dict[str, Any] = {
    "misuse": {"multiple": 2},
    "compounding": {"charged_on": "overdue_interest"},
    "repossession": {"standard": WORDS, "collected_by": "dealer"},
    "legal": None,
}


@pytest.fixture(scope="module")
def shipped() -> Lending:
    return load_lending(ROOT / "configs" / "loans" / "products.yaml", ROOT / "configs" / "loans" / "rules.yaml")


def costs(shipped: Lending, *, rate: float = 0.06, **product_terms: Any) -> dict[str, ContingentCost]:
    loan_product = product(contingent_costs=product_terms)
    row = loan_product.model_dump(mode="json") | {"minimum_amount": 1_000, "maximum_amount": 9_000}
    catalogue = LoanProducts.model_validate(
        {
            "lenders": {"bank": LENDER | {"contingent_costs": TERMS}},
            "parties": {"dealer": {"zh": "经销商", "en": "Dealer"}},
            "products": {"loan": row},
        }
    )
    rows = contingent_costs(Lending(shipped.rules, catalogue), "loan", schedule(loan_product, rate=rate))
    return {cost.key: cost for cost in rows}


def test_every_category_is_stated_in_order(shipped: Lending) -> None:
    for key in shipped.catalogue.products:
        loan_product = shipped.catalogue.products[key]
        bank = shipped.catalogue.lenders[loan_product.lender]
        balloon = 1_000_000 if loan_product.form == "balloon" else 0
        loan = Loan(loan_product.loan_product(bank), 5_000_000, 0.05, 24, balloon)
        rows = contingent_costs(shipped, key, schedule_for(loan, ON))
        assert tuple(row.key for row in rows)[: len(CATEGORIES)] == tuple(CATEGORIES)
        assert all((row.collected_by is None) == row.standard.en.startswith(NOT_CHARGED.en) for row in rows)


def test_penalty_rates_are_multiples_of_the_contract_rate(shipped: Lending) -> None:
    by_key = costs(shipped)
    assert {key: cost.annualised for key, cost in by_key.items()} == {
        "late_interest": 0.09,
        "misuse": 0.12,
        "compounding": 0.09,
        "early_settlement": None,
        "repossession": None,
        "legal": None,
    }
    assert by_key["misuse"].standard == Text(
        zh="未按约定用途使用的金额，自挪用之日起，按年利率 12.00%（合同利率的 2 倍）按日计收",
        en="12.00% a year (2 times the contract rate), charged daily, on amounts used for another purpose, from that "
        "day on",
    )
    assert by_key["compounding"].standard.en.endswith("on interest not paid on time, without late interest")


def test_a_base_of_compound_interest_may_include_late_interest(shipped: Lending) -> None:
    terms = {"charged_on": "overdue_interest_and_late_interest"}
    cost = costs(shipped, compounding=terms)["compounding"]
    assert cost.standard.zh.startswith("未按期支付的利息及罚息")


def test_what_is_not_charged_is_said(shipped: Lending) -> None:
    by_key = costs(shipped, compounding=None)
    for key in ("compounding", "legal", "early_settlement"):
        assert by_key[key].standard.en.startswith(NOT_CHARGED.en) and by_key[key].collected_by is None
    free = costs(shipped, rate=0.0)
    assert free["late_interest"].standard == free["misuse"].standard == NOT_CHARGED, "a multiple of nothing is nothing"


def test_words_and_collectors_are_those_of_the_catalogue(shipped: Lending) -> None:
    by_key = costs(shipped, storage={"name": {"zh": "停车费", "en": "Storage"}, "standard": WORDS})
    assert by_key["repossession"].standard == Text(**WORDS)
    assert by_key["repossession"].collected_by == Text(zh="经销商", en="Dealer")
    assert list(by_key)[-1] == "storage" and by_key["storage"].name.en == "Storage"
    assert by_key["storage"].collected_by == Text(**LENDER["name"])


def test_late_interest_is_a_multiple_of_the_contract_rate() -> None:
    cost = late_interest(schedule(product()), lender(late_interest=1.3))
    assert cost.annualised == 0.078
    assert cost.standard.en == (
        "7.80% a year (1.3 times the contract rate), charged daily, on amounts overdue, from the due date on"
    )


@pytest.mark.parametrize(
    ("rule", "standard"),
    [
        ({}, "not charged"),
        ({"free_after_months": 6}, "not charged"),
        ({"months_of_interest": 1}, "one month of interest on the principal repaid early"),
        (
            {"share_of_outstanding": 0.03, "months_of_interest": 2, "free_after_months": 24},
            "3.00% of the principal repaid early plus 2 months of interest on the principal repaid early; "
            "free of charge from 24 months after disbursement",
        ),
        (
            {"up_front_rebate": 0.5, "minimum_prepayment": 5_000},
            "not charged; in part from ¥5,000.00",  # the product has no up-front fee
        ),
    ],
)
def test_early_settlement_in_words(rule: dict[str, float], standard: str) -> None:
    cost = early_settlement(lender(early_settlement=rule), LoanProduct())
    assert cost.standard.en == standard and cost.annualised is None
    assert (cost.collected_by is None) == standard.startswith("not charged")


def test_a_refund_is_stated_for_a_product_with_an_up_front_fee() -> None:
    service = Fee(name="service", charged="up_front", amount=100)
    cost = early_settlement(lender(early_settlement={"up_front_rebate": 0.5}), LoanProduct(fees=(service,)))
    assert cost.standard.en == "not charged; 50.00% of the unearned up-front fees is refunded on full settlement"


def test_the_words_about_early_settlement_agree_with_the_quotes() -> None:
    """3 % of the principal repaid early, in full or in part, from the day 24 months after disbursement nothing."""
    bank = lender(early_settlement={"share_of_outstanding": 0.03, "free_after_months": 24})
    loan = Loan(product(form="equal_instalment").loan_product(bank), 1_200_000, 0.06, 36)
    plan, rule = schedule_for(loan, ON), bank.early_settlement.rule
    words = early_settlement(bank, loan.product).standard.en
    assert words == "3.00% of the principal repaid early; free of charge from 24 months after disbursement"
    days = (date(2028, 1, 14), date(2028, 1, 15))
    before, after = (settle(plan, day, rule=rule) for day in days)
    assert before.penalty == round(before.outstanding * 0.03) and after.penalty == 0
    parts = [prepay(plan, day, 100_000, treatment="shorter_term", rule=rule) for day in days]
    assert [part.penalty for part in parts] == [3_000, 0]


def test_a_flat_rate_loan_is_settled_in_full_only() -> None:
    bank = lender(early_settlement={"minimum_prepayment": 5_000})
    assert early_settlement(bank, LoanProduct(form="flat_rate")).standard.zh == "不收取；只可一次结清"


def test_fees_of_the_running_month_are_named_if_they_are_due_in_full() -> None:
    monthly = Fee(name="a", charged="per_instalment", amount=1_000)
    others = (
        Fee(name="b", charged="per_instalment", amount=1_000, broken_period="by_days"),
        Fee(name="c", charged="per_instalment", yearly_share_of_balance=0.01),
        Fee(name="d", charged="up_front", amount=1_000),
    )
    assert early_settlement(lender(), LoanProduct(fees=others)).standard == NOT_CHARGED
    standard = early_settlement(lender(), LoanProduct(fees=(*others, monthly))).standard.en
    assert standard == "not charged; fees with every instalment are due for the whole running month"
