"""Finance leases: rents by exact fractions, deposit and option by hand, annualised cost by pyxirr."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.cost import cost
from ml.domain.loans.lease import PURCHASE_OPTION, Lease
from ml.domain.loans.leaving import leave
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.prepayment import prepay
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import SettlementRule

START = date(2026, 1, 15)


def lease(
    rate: float = 0.0, term: int = 12, residual: int = 0, amount: int = 1_200_000, option: int = 0, **terms: Any
) -> Schedule:
    """Return the schedule of a lease of 12,000 yuan over a year without interest, or as the arguments say."""
    fees = (Fee(name=PURCHASE_OPTION, charged="at_maturity", amount=option),) if option else ()
    product = LoanProduct(form="finance_lease", lease=Lease(**{"kind": "direct", **terms}), fees=fees)
    return schedule(Loan(product, amount, rate, term, residual), START)


def payments(plan: Schedule) -> list[int]:
    return [row.payment for row in plan.rows]


def test_a_deposit_pays_the_last_rents_from_the_last_one_back() -> None:
    plan = lease(deposit_share=0.2)
    assert payments(plan) == [100_000] * 9 + [60_000, 0, 0]
    assert [row.deposit for row in plan.rows[-3:]] == [40_000, 100_000, 100_000] and plan.deposit == 240_000


def test_a_deposit_comes_back_at_maturity() -> None:
    plan = lease(deposit_share=0.2, deposit_return="at_maturity")
    assert payments(plan) == [100_000] * 11 + [-140_000]
    assert [row.deposit for row in plan.rows if row.deposit] == [240_000]


def test_residual_and_option_are_due_with_the_last_rent() -> None:
    plan = lease(residual=240_000, option=10_000, deposit_share=0.1)
    # (12,000 - 2,400) / 12 = 800 yuan; with the last rent 2,400 of residual and 100 of option, less 1,200 of deposit.
    assert payments(plan) == [80_000] * 11 + [80_000 + 240_000 + 10_000 - 120_000]
    assert (plan.rows[-1].principal, plan.rows[-1].fee, plan.total_fees) == (320_000, 10_000, 10_000)


def test_the_rent_is_the_annuity_of_amount_and_residual() -> None:
    # 100,000 yuan at 6 % over 36 months with 20,000 of residual: (P - R v^36) / (v + ... + v^36), v = 1 / 1.005.
    v = 1 / Fraction(1_005, 1_000)
    rent = (10_000_000 - 2_000_000 * v**36) / sum(v**k for k in range(1, 37))
    rows = lease(0.06, 36, 2_000_000, 10_000_000).rows
    assert {row.payment for row in rows[:-1]} == {round(rent)}
    assert abs(rows[-1].payment - round(rent) - 2_000_000) <= 36 and rows[-1].balance == 0


@pytest.mark.parametrize("deposit_return", ["last_rents", "at_maturity"])
def test_the_annualised_cost_counts_deposit_and_option(deposit_return: str) -> None:
    terms: dict[str, Any] = {"deposit_share": 0.1, "deposit_return": deposit_return}
    plan = lease(0.06, 36, 2_000_000, 10_000_000, 10_000, **terms)
    flows = [9_000_000.0, *(-float(payment) for payment in payments(plan))]
    assert cost(plan).nominal == pytest.approx(12 * float(pyxirr.irr(flows, guess=0.0) or 0), abs=1e-10)
    assert cost(plan).nominal > cost(lease(0.06, 36, 2_000_000, 10_000_000)).nominal + 0.005


@pytest.mark.parametrize("deposit_return", ["last_rents", "at_maturity"])
def test_pricing_agrees_with_the_schedule(deposit_return: str) -> None:
    terms: dict[str, Any] = {"deposit_share": 0.3, "deposit_return": deposit_return}
    plan = lease(0.08, 24, 0, 5_000_000, 10_000, **terms)
    loan = schedule(Loan(LoanProduct(), 5_000_000, 0.08, 24), START)
    batch = LoanBatch.of([plan.loan, loan.loan])
    funding = 0.024
    prices = price(batch, START, risk=RiskAndFunding(0.0, 0.4, funding))
    for i, each in enumerate((plan, loan)):
        assert prices.nominal_rate[i] == pytest.approx(cost(each).nominal, abs=1e-9)
        assert (prices.final_payment[i], prices.deposit[i]) == (each.rows[-1].payment, each.deposit)
        deposit, funded = each.deposit, 0
        for row in each.rows:
            funded += row.balance + row.principal - deposit
            deposit -= row.deposit
        assert prices.expected_profit[i] == pytest.approx(each.total_cost - funding / 12 * funded)


def test_a_deposit_lowers_the_loss_of_a_default() -> None:
    # One month of 12,000 yuan, PD of a month 1 %, nothing is recovered: 1 % of 12,000 or of 12,000 - 2,400 yuan.
    batch = LoanBatch.of([lease(term=1, deposit_share=share).loan for share in (0.0, 0.2)])
    losses = price(batch, START, risk=RiskAndFunding(0.01, 1.0, 0.0, horizon_months=1)).expected_loss
    assert losses.tolist() == pytest.approx([12_000.0, 9_600.0])


def test_a_deposit_returned_at_maturity_has_one_rate_that_is_not_negative() -> None:
    # Without interest, half of 12,000 yuan comes back at the end: the rents pay exactly what is received, so 0 %.
    plan = lease(deposit_share=0.5, deposit_return="at_maturity")
    assert cost(plan).nominal == pytest.approx(0.0, abs=1e-9)
    dear = lease(0.10, deposit_share=0.5, deposit_return="at_maturity")
    received, monthly = 600_000.0, cost(dear).nominal / 12
    assert monthly > 0.10 / 12
    value = sum(row.payment / (1 + monthly) ** row.number for row in dear.rows)
    assert value == pytest.approx(received, abs=1e-3)


@given(
    amount=st.integers(100_000, 80_000_000),
    rate=st.integers(0, 150_000).map(lambda parts: parts / 1_000_000),
    term=st.integers(1, 60),
    residual=st.integers(0, 60),
    option=st.integers(0, 1_000_000),
    deposit=st.integers(0, 500_000).map(lambda parts: parts / 1_000_000),
    deposit_return=st.sampled_from(["last_rents", "at_maturity"]),
)
def test_parts_add_up_and_the_deposit_comes_back_exactly(
    amount: int, rate: float, term: int, residual: int, option: int, deposit: float, deposit_return: str
) -> None:
    balloon = amount * residual // 100
    terms: dict[str, Any] = {"deposit_share": deposit, "deposit_return": deposit_return}
    plan = lease(rate, term, balloon, amount, option, **terms)
    assert sum(row.principal for row in plan.rows) == amount and plan.rows[-1].principal >= balloon
    assert sum(row.fee for row in plan.rows) == plan.rows[-1].fee == option
    assert abs(plan.deposit - amount * deposit) <= 0.5 + 1e-6 and all(row.deposit >= 0 for row in plan.rows)
    assert sum(payments(plan)) + plan.deposit == plan.total_payment == amount + plan.total_interest + option
    if deposit_return == "last_rents":
        assert all(row.payment >= 0 for row in plan.rows)
        first = next((i for i, row in enumerate(plan.rows) if row.deposit), term)
        assert all(row.payment == 0 for row in plan.rows[first + 1 :])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"kind": "rental"}, "lease: kind must be one of direct, leaseback, got 'rental'"),
        ({"deposit_return": "never"}, "lease: deposit_return must be one of last_rents, at_maturity, got 'never'"),
        ({"deposit_share": 0.51}, "lease: deposit_share must be at most 0.5, got 0.51"),
        ({"deposit_share": -0.1}, "deposit_share"),
    ],
)
def test_terms_of_a_lease_are_checked(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(LoanError, match=message):
        Lease(**{"kind": "direct", **terms})


def test_a_lease_belongs_to_its_form_and_its_residual_is_below_the_amount() -> None:
    for terms in ({"form": "finance_lease"}, {"lease": Lease(kind="direct")}):
        with pytest.raises(LoanError, match="lease must be set if the form is finance_lease, and only then"):
            LoanProduct(**terms)  # type: ignore[arg-type]
    with pytest.raises(LoanError, match=r"below the amount of 12000\.00 yuan, got 12000"):
        lease(residual=1_200_000)


def test_leaving_a_lease_counts_the_option_and_gets_the_deposit_back() -> None:
    # Without interest nothing but the option of 100 yuan is paid, after 6 of 12 months as at the end.
    plan = lease(option=10_000, deposit_share=0.2)
    early = leave(plan, 6, rule=SettlementRule())
    assert (early.settlement.outstanding, early.settlement.deposit) == (600_000, 240_000)
    assert (early.settlement.total, early.total_cost) == (600_000 + 10_000 - 240_000, 10_000)
    assert leave(plan, 12, rule=SettlementRule()).total_cost == 10_000
    flows = [960_000.0, *[-100_000.0] * 5, -470_000.0]
    assert early.cost.nominal == pytest.approx(12 * float(pyxirr.irr(flows, guess=0.0) or 0), abs=1e-9)


def test_a_lease_is_not_prepaid_in_part() -> None:
    with pytest.raises(LoanError, match="a finance lease has a deposit for the whole amount"):
        prepay(lease(), date(2026, 3, 1), 100_000, treatment="lower_instalment", rule=SettlementRule())
