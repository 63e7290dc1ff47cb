"""Vectorised pricing: equal to schedules and to a plain loop to the fen, and to pyxirr."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import loan_catalogue
from benchmarks.offers import PRODUCTS, RISK, START, candidates, disagreement, loans, plain_totals
from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.cost import NoInternalRate, cost
from ml.domain.loans.internal_rate import monthly_rates
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import schedule
from tests.ml.domain.loans.test_schedule import any_loan

SAFE = RiskAndFunding(0.0, 0.0, 0.0)


@settings(deadline=None)
@given(sample=st.lists(any_loan(), min_size=1, max_size=8))
def test_a_batch_prices_as_the_schedules_of_its_loans_do(sample: list[Loan]) -> None:
    prices = price(LoanBatch.of(sample), START, risk=SAFE)
    for i, loan in enumerate(sample):
        made = schedule(loan, START)
        assert prices.total_interest[i] == made.total_interest
        assert prices.total_fees[i] == made.total_fees
        assert prices.total_cost[i] == made.total_cost
        assert prices.total_payment[i] == made.total_payment
        assert prices.final_payment[i] == made.rows[-1].payment
        assert prices.monthly_payment[i] == max(row.payment for row in made.rows[:-1])
        assert prices.nominal_rate[i] == pytest.approx(cost(made).nominal, abs=1e-9)


def test_a_plain_loop_over_rows_agrees_to_the_fen() -> None:
    batch = candidates(200, seed=1)
    totals = [plain_totals(loan, START) for loan in loans(batch)]
    assert disagreement(batch, price(batch, START, risk=RISK), totals) is None


def test_a_plain_loop_agrees_on_a_catalogue_of_every_kind_of_product() -> None:
    batch = loan_catalogue.candidates(loan_catalogue.catalogue(lenders=5, products=12)).batch
    assert batch is not None
    totals = [plain_totals(loan, START) for loan in loans(batch)]
    assert disagreement(batch, price(batch, START, risk=RISK), totals) is None


def test_the_benchmark_draws_every_product() -> None:
    assert set(candidates(200).product.tolist()) == set(range(len(PRODUCTS)))


@given(
    payments=st.lists(st.floats(1, 1e6), min_size=1, max_size=120),
    cost_share=st.floats(0.5, 0.999),
)
def test_rates_are_those_of_pyxirr(payments: list[float], cost_share: float) -> None:
    received = sum(payments) * cost_share
    paid = np.array(payments)[:, None]
    ours = monthly_rates(np.array([received]), paid, np.arange(1.0, len(payments) + 1)[:, None])[0]
    theirs = pyxirr.irr([received, *(-p for p in payments)])
    assert theirs is not None
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_a_loan_paid_back_with_less_than_was_lent_has_a_negative_rate() -> None:
    assert monthly_rates(np.array([100.0]), np.array([[99.0]]), np.array([[1.0]]))[0] == pytest.approx(-0.01)


def test_expected_profit_by_hand() -> None:
    # One month: 1 % interest on 1,000,000 fen, 20 % default within the month, half of the balance lost, 2.4 % a year.
    batch = LoanBatch.of([Loan(LoanProduct(form="interest_only"), 1_000_000, 0.12, 1)])
    prices = price(batch, START, risk=RiskAndFunding(0.2, 0.5, 0.024, horizon_months=1))
    assert prices.expected_loss[0] == pytest.approx(100_000)
    assert prices.expected_profit[0] == pytest.approx(0.8 * 10_000 - 100_000 - 2_000)


def test_only_the_lender_s_fees_are_the_lender_s_income() -> None:
    def profit(collector: str) -> float:
        fee = Fee(name="service", charged="up_front", amount=5_000, collected_by=collector)
        batch = LoanBatch.of([Loan(LoanProduct(fees=(fee,)), 1_000_000, 0.12, 12)])
        return float(price(batch, START, risk=SAFE).expected_profit[0])

    assert profit("lender") - profit("dealer") == pytest.approx(5_000)


@given(pd=st.floats(0, 0.5), more=st.floats(0.001, 0.4))
def test_more_risk_is_less_profit(pd: float, more: float) -> None:
    batch = LoanBatch.of([Loan(LoanProduct(), 10_000_000, 0.06, 36)])
    safer, riskier = (price(batch, START, risk=RiskAndFunding(p, 0.4, 0.02)) for p in (pd, pd + more))
    assert riskier.expected_profit[0] < safer.expected_profit[0]
    assert riskier.nominal_rate[0] == safer.nominal_rate[0]


def test_average_life_by_hand() -> None:
    sample = [
        Loan(LoanProduct(form="equal_principal"), 3_000, 0.06, 3),
        Loan(LoanProduct(form="interest_only"), 9, 0, 36),
    ]
    assert price(LoanBatch.of(sample), START, risk=SAFE).average_life.tolist() == [2, 36]  # (1 + 2 + 3) / 3 months


def test_loans_without_an_internal_rate_leave_the_others_priced() -> None:
    fee = Fee(name="service", charged="up_front", amount=1_000)
    sample = [Loan(LoanProduct(fees=(fee,)), amount, 0.06, 12) for amount in (999, 1_000, 1_001, 5_000_000)]
    prices = price(LoanBatch.of(sample), START, risk=SAFE)
    assert np.isnan(prices.nominal_rate).tolist() == [True, True, False, False]
    for rates in (prices.nominal_rate, prices.effective_rate, prices.implied_rate):
        assert np.isnan(rates).tolist() == [True, True, False, False]
    alone = price(LoanBatch.of(sample[3:]), START, risk=SAFE)
    assert prices.nominal_rate[3] == pytest.approx(alone.nominal_rate[0], abs=1e-12)
    assert prices.up_front.tolist() == [1_000] * 4
    with pytest.raises(NoInternalRate, match=r"costs at disbursement of 10\.00 yuan leave 0\.00 yuan of a loan"):
        cost(schedule(sample[1], START))


def test_a_discount_as_large_as_the_loan_leaves_no_implied_rate() -> None:
    batch = LoanBatch.build((LoanProduct(),), [0, 0, 0], amount=[100, 500, 10_000], annual_rate=0.06, term_months=12)
    prices = price(batch, START, risk=SAFE, forgone_discount=np.array([0, 500, 500]))
    assert np.isnan(prices.implied_rate).tolist() == [False, True, False]
    assert np.isfinite(prices.nominal_rate).all()
    assert prices.implied_rate[0] == pytest.approx(prices.nominal_rate[0], abs=1e-12)
    assert prices.implied_rate[2] == pytest.approx(
        cost(schedule(loans(batch)[2], START), forgone_discount=500).nominal, abs=1e-9
    )


def test_a_batch_without_any_internal_rate_is_priced() -> None:
    fee = Fee(name="service", charged="up_front", amount=1_000)
    calendar = PaymentCalendar("actual/365", payment_day=20)
    batch = LoanBatch.of([Loan(LoanProduct(fees=(fee,), calendar=calendar), 500, 0.06, 12)])
    assert np.isnan(price(batch, START, risk=SAFE).nominal_rate).all()


@given(probabilities=st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_each_loan_has_the_profit_of_its_own_risk(probabilities: list[float]) -> None:
    batch = candidates(len(probabilities))
    together = price(batch, START, risk=RiskAndFunding(np.array(probabilities), 0.4, 0.02))
    for i, probability in enumerate(probabilities):
        alone = price(LoanBatch.of([loans(batch)[i]]), START, risk=RiskAndFunding(probability, 0.4, 0.02))
        assert together.expected_profit[i] == pytest.approx(alone.expected_profit[0], rel=1e-12, abs=1e-6)
        assert together.expected_loss[i] == pytest.approx(alone.expected_loss[0], rel=1e-12, abs=1e-6)


def test_equal_probabilities_as_an_array_are_one_probability() -> None:
    batch = candidates(50)
    one, other = (price(batch, START, risk=RiskAndFunding(p, 0.4, 0.02)) for p in (0.03, np.full(50, 0.03)))
    assert (one.expected_profit == other.expected_profit).all()
    assert (one.expected_loss == other.expected_loss).all()


@pytest.mark.parametrize("name", ["probability_of_default", "loss_given_default", "funding_rate"])
def test_risk_has_one_value_or_one_per_loan(name: str) -> None:
    values: dict[str, Any] = {"probability_of_default": 0.1, "loss_given_default": 0.4, "funding_rate": 0.02}
    risk = RiskAndFunding(**{**values, name: np.array([0.1, 0.2])})
    with pytest.raises(LoanError, match=f"{name} must have one value, or one for each of the 3 loans, got 2 values"):
        price(candidates(3), START, risk=risk)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_probabilities_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(LoanError, match="probability_of_default must be a finite number from 0 to 1"):
        RiskAndFunding(value, 0.4, 0.02)


def test_loans_may_come_in_any_order() -> None:
    batch = candidates(60)
    rows = np.random.default_rng(0).permutation(60)
    ordered, mixed = price(batch, START, risk=RISK), price(batch.at(rows), START, risk=RISK)
    assert (mixed.total_cost == ordered.total_cost[rows]).all()
    np.testing.assert_allclose(mixed.nominal_rate, ordered.nominal_rate[rows], rtol=0, atol=1e-12)


def test_a_batch_without_loans_is_refused() -> None:
    with pytest.raises(LoanError, match="the batch is empty"):
        LoanBatch.of([])
