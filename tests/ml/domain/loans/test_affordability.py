"""Loans within a wished payment: equal to a brute force over every loan, for models that are not monotone too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.loans.affordability import CHECKS, AffordableLoan, AffordableLoans, affordable_loans
from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assessment, ProposedLoans, fixed_assessment
from ml.domain.loans.candidates import CandidateRows, price_candidates
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.loan_grid import Unknown, loan_grid, lowest_payments
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from tests.ml.domain.loans.random_loans import any_loan

START = date(2026, 1, 15)
STEP = 1_000_000
VEHICLE = Vehicle("V1", 10_000_000, "used")
POLICY = Policy(payment_to_income=0.5, maximum_term_months=36, minimum_age=18, maximum_age_at_maturity=65)
BANK = OfferedProduct(
    name="bank",
    lender="bank",
    product=LoanProduct(),
    rates={"A": {12: 0.05, 24: 0.05, 48: 0.05}, "B": {12: 0.08, 24: 0.08}},
    minimum_amount=1_000_000,
    maximum_amount=7_000_000,
    minimum_down_payment=0.2,
    funding_rate=0.02,
    loss_given_default=0.4,
)
BALLOON = replace(
    BANK, name="balloon", product=LoanProduct(form="balloon"), balloon_shares=(0.3, 0.5), rates={"A": {36: 0.06}}
)
FLAT = replace(BANK, name="flat", product=LoanProduct(form="flat_rate"), rates={"B": {24: 0.03, 36: 0.03}})
OFFERED = (BANK, BALLOON, FLAT)
Model = Callable[[ProposedLoans], Any]


def assess_by(model: Model) -> Callable[[ProposedLoans], Assessment]:
    def assess(loans: ProposedLoans) -> Assessment:
        probability = np.asarray(model(loans), dtype=np.float64)
        band = np.where(probability <= 0.02, "A", np.where(probability <= 0.06, "B", ""))
        decision = np.where(probability <= 0.03, "approve", np.where(probability <= 0.05, "refer", "decline"))
        return Assessment(probability, band, decision)

    return assess


def solve(start: Application, unknown: Unknown, wish: int, model: Model, **options: Any) -> AffordableLoans:
    offered = options.pop("offered", OFFERED)
    return affordable_loans(
        start,
        offered,
        unknown=unknown,
        wish=wish,
        assess=assess_by(model),
        policy=POLICY,
        start=START,
        **{"step": STEP, "count": 8, **options},
    )


def measures(loan: AffordableLoan | None) -> tuple[Any, ...] | None:
    """Return price, down payment, term, balloon, payment and decision of a loan."""
    if loan is None:
        return None
    offer = loan.offer
    parts = (offer.loan.term_months, offer.loan.balloon, offer.monthly_payment, offer.decision)
    return (offer.name, loan.vehicle_price, offer.down_payment, *parts)


def values(start: Application, unknown: Unknown) -> Iterator[tuple[int, int]]:
    """Yield price and down payment of every loan to try."""
    if unknown == "term_months":
        yield VEHICLE.price, start.down_payment
    elif unknown == "down_payment":
        for down in sorted({start.trade_in, start.down_payment, *range(0, VEHICLE.price, STEP)}):
            if down >= start.trade_in:
                yield VEHICLE.price, down
    else:
        for amount in sorted({VEHICLE.price, *range(0, 22_000_000, STEP)}):
            if amount > start.down_payment:
                yield amount, start.down_payment


def brute_force(
    start: Application, unknown: Unknown, wish: int, model: Model
) -> tuple[list[Any], tuple[Any, ...] | None, Counter[str]]:
    """Return the solutions, the nearest loan and the counts of the rules, by trying every loan alone."""
    grid = loan_grid(start, OFFERED, unknown=unknown, wish=wish, policy=POLICY, step=STEP)
    prices = set() if grid is None else set(grid.loans.price.tolist())  # a price above them has no feasible loan
    solutions, feasible, rules = [], [], []
    for g, (o, share) in enumerate([(BANK, 0.0), (BALLOON, 0.3), (BALLOON, 0.5), (FLAT, 0.0)]):
        terms = [t for t in o.terms if unknown == "term_months" or start.term_months in (None, t)]
        passing, last = [], 0
        for vehicle_price, down in values(start, unknown):
            for term in terms:
                row = CandidateRows(np.array([0]), np.array([term]), np.array([down]), np.array([share]))
                alone = replace(start, vehicle=replace(VEHICLE, price=vehicle_price), term_months=term)
                c = price_candidates(alone, [o], row, assess=assess_by(model), policy=POLICY, start=START)
                flags = {rule: bool(v[0]) for rule, v in c.violations.items()}
                amount = int(c.loans.amount[0])
                principal = (amount - round(amount * share)) / term
                income = 0.5 * start.applicant.joint_income - start.applicant.joint_debt_payment
                payment = int(c.prices.monthly_payment[0]) if c.prices is not None else 0
                limits = ("extras", "term", "age_at_maturity", "amount", "loan_to_value", "balloon")
                failed = [
                    *(flags[rule] for rule in limits),
                    principal > wish + 2,
                    principal > income + 1,
                    flags["risk_band"],
                    flags["credit_decision"],
                    payment > wish,
                    *(flags[rule] for rule in ("payment_to_income", "annualised_cost", "expected_profit")),
                ]
                if any(failed) and vehicle_price in prices:
                    last = max(last, failed.index(True))
                if c.prices is None or any(flags.values()):
                    continue
                cost, decision = int(c.prices.total_cost[0]), str(c.assessment.decision[0])
                loan = (o.name, vehicle_price, down, term, round(amount * share), payment, decision)
                value = {"price": -vehicle_price, "down_payment": down, "term_months": term}[unknown]
                feasible.append(((payment, cost, term, g), loan))
                if payment <= wish:
                    passing.append(((value, cost, term, g), loan))
        if passing:
            solutions.append(min(passing))
        else:
            rules.append("term" if not terms else CHECKS[last])
    ranked = [loan for _, loan in sorted(solutions)]
    plain = [loan for loan in ranked if loan[0] != "balloon"][:1]
    best = [*plain, *(loan for loan in ranked if loan not in plain)]
    return best, min(feasible)[1] if feasible and not best else None, Counter(rules)


@settings(max_examples=20, deadline=None)
@given(
    unknown=st.sampled_from(["down_payment", "term_months", "price"]),
    wish=st.integers(10, 600).map(lambda k: k * 1_000),
    down=st.integers(5, 45).map(lambda k: k * 90_000),
    trade_in=st.sampled_from([0, 123_456]),
    extras=st.sampled_from([0, 700_000]),
    term=st.sampled_from([12, 24, 36, 30, None]),
    income=st.sampled_from([200_000, 500_000, 2_000_000]),
    seed=st.integers(0, 10**6),
)
def test_no_better_loan_within_the_wish_passes(
    unknown: Unknown, wish: int, down: int, trade_in: int, extras: int, term: int | None, income: int, seed: int
) -> None:
    table = np.random.default_rng(seed).uniform(0, 0.08, (40, 121, 40))

    def model(loans: ProposedLoans) -> Any:  # any function of price, term and down payment, not monotone
        return table[loans.price // STEP % 40, loans.term, loans.down_payment // STEP % 40]

    start = Application(Applicant(30, income), VEHICLE, down, term, extras, extras, trade_in)
    result = solve(start, unknown, wish, model)
    best, nearest, rules = brute_force(start, unknown, wish, model)
    assert [measures(loan) for loan in result.loans] == best
    assert measures(result.nearest) == nearest
    assert Counter(result.violations) == rules


def application(down: int = 3_000_000, term: int | None = 24, **options: Any) -> Application:
    return Application(Applicant(30, 2_000_000), VEHICLE, down, term, **options)


def safe(loans: ProposedLoans) -> Any:
    return np.full(len(loans), 0.01)


def test_solutions_by_hand() -> None:
    # 5 % over 24 months: 43.8714 yuan a month per 1,000 yuan; 2,000 yuan a month repay 45,587.8 yuan.
    (by_down,) = solve(application(), "down_payment", 200_000, safe, offered=[BANK], step=10_000).loans
    assert (by_down.offer.down_payment, by_down.vehicle_price) == (5_450_000, 10_000_000)  # 54,412.2 yuan rounded up
    (by_price,) = solve(application(), "price", 200_000, safe, offered=[BANK], step=10_000).loans
    assert (by_price.vehicle_price, by_price.offer.down_payment) == (7_550_000, 3_000_000)  # 75,587.8 yuan rounded down
    (by_term,) = solve(application(), "term_months", 320_000, safe, offered=[BANK]).loans
    assert by_term.offer.loan.term_months == 24  # 70,000 yuan are 3,071.00 yuan a month, and 5,992.52 over 12 months


def test_a_referral_is_marked_and_a_decline_is_passed_over() -> None:
    def model(loans: ProposedLoans) -> Any:  # 55,000 to 59,999.99 yuan down is declined, then referred
        return np.where(loans.down_payment < 6_000_000, 0.055, 0.04)

    bank = replace(BANK, rates={"B": {24: 0.05}})
    (loan,) = solve(application(), "down_payment", 200_000, model, offered=[bank], step=10_000).loans
    assert (loan.offer.down_payment, loan.offer.decision) == (6_000_000, "refer")
    declined = solve(application(), "down_payment", 200_000, lambda loans: safe(loans) + 0.045, offered=[bank])
    assert (declined.loans, declined.nearest, declined.violations) == ((), None, {"credit_decision": 1})


def test_the_nearest_payment_is_the_lowest_of_all_feasible_loans() -> None:
    result = solve(application(), "down_payment", 10_000, safe, offered=[BANK])
    assert (result.loans, result.violations, result.step) == ((), {"wished_payment": 1}, STEP)
    assert result.nearest is not None and result.nearest.offer.down_payment == 9_000_000  # the smallest loan is 10,000
    assert result.nearest.offer.monthly_payment == 43_871


def test_the_best_loan_without_a_remainder_at_maturity_comes_first() -> None:
    balloon = replace(BALLOON, rates={"A": {24: 0.06}})
    loans = solve(application(), "down_payment", 200_000, safe, offered=[balloon, BANK]).loans
    assert [(x.offer.name, x.offer.down_payment) for x in loans] == [
        ("bank", 6_000_000),
        ("balloon", 3_000_000),  # half of the loan is due at maturity
        ("balloon", 4_000_000),
    ]
    one = solve(application(), "down_payment", 200_000, safe, offered=[balloon, BANK], count=1).loans
    assert [x.offer.name for x in one] == ["bank"]


def test_a_term_that_no_product_has_is_the_rule() -> None:
    result = solve(application(term=30), "down_payment", 200_000, safe)
    assert (result.loans, result.nearest, result.violations) == ((), None, {"term": 4})
    assert solve(application(), "price", 200_000, safe, offered=[]).violations == {}


def test_the_search_is_bounded() -> None:
    scored: list[int] = []

    def model(loans: ProposedLoans) -> Any:
        scored.append(len(loans))
        return np.full(len(loans), 0.5)

    expensive = Application(Applicant(30, 10**9), Vehicle("V1", 10**9, "used"), 3 * 10**8)
    offered = [replace(o, maximum_amount=10**10) for o in OFFERED]
    unknowns: tuple[Unknown, ...] = ("down_payment", "price")
    for unknown in unknowns:
        result = solve(expensive, unknown, 10**9, model, offered=offered, step=100)
        assert result.step is not None and result.step > 100 and result.step % 100 == 0
        assert sum(scored) <= 15_000
        scored.clear()


@settings(max_examples=60, deadline=None)
@given(loan=any_loan())
def test_no_payment_is_below_its_bound(loan: Loan) -> None:
    o = OfferedProduct(
        name="any",
        lender="any",
        product=loan.product,
        rates={"A": {loan.term_months: loan.annual_rate}},
        balloon_shares=(0.5,) if loan.product.form == "balloon" else (),
        minimum_amount=1,
        maximum_amount=10**9,
        funding_rate=0.0,
        loss_given_default=0.0,
    )
    share = np.array([loan.balloon / loan.amount])
    (bound,) = lowest_payments(o, loan.term_months, np.array([loan.amount]), share)
    prices = price(LoanBatch.of([loan]), START, risk=RiskAndFunding(0.0, 0.0, 0.0))
    assert prices.monthly_payment[0] >= bound - 2
    if loan.product.lease is None:
        assert prices.monthly_burden[0] >= (loan.amount - loan.balloon) / loan.term_months


def test_a_full_subsidy_leaves_payments_below_the_mean_principal() -> None:
    # All interest is paid by the maker: the first instalment repays 49.88 % of a loan over two months.
    maker = Subsidy(payer="maker", rate=1.0, lowers_instalment=False)
    o = replace(BANK, product=LoanProduct(subsidies=(maker,)), rates={"A": {2: 0.06}})
    start = replace(application(term=2), applicant=Applicant(30, 20_000_000))
    result = solve(start, "down_payment", 1_500_000, safe, offered=[o], step=100)
    (loan,) = result.loans
    assert loan.offer.monthly_payment <= 1_500_000 < loan.offer.loan.amount / 2


def test_prices_do_not_change_the_other_inputs_of_a_loan() -> None:
    policy = replace(POLICY, recovery=0.5)
    worth = replace(VEHICLE, resale=(9_000_000,) * 121)
    at_price: dict[int, int] = {}
    for vehicle_price in (8_000_000, 10_000_000):
        start = replace(application(), vehicle=replace(worth, price=vehicle_price))
        row = CandidateRows(np.array([0]), np.array([24]), np.array([3_000_000]), np.array([0.0]))
        other = row._replace(vehicle_price=np.array([8_000_000]))
        c = price_candidates(
            start,
            [BANK],
            other,
            assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)),
            policy=policy,
            start=START,
        )
        assert c.prices is not None and c.loan_to_value(0) == 5 / 8
        at_price[vehicle_price] = int(c.prices.monthly_payment[0])
    assert at_price[8_000_000] == at_price[10_000_000]


@pytest.mark.parametrize("name", ["wish", "step", "count"])
def test_what_is_below_one_is_refused(name: str) -> None:
    options: dict[str, Any] = {"wish": 100_000, "step": 100, "count": 1, name: 0}
    with pytest.raises(LoanError, match=f"{name} must be a whole number of at least 1, got 0"):
        solve(application(), "price", options.pop("wish"), safe, **options)


def test_the_grid_of_terms_has_no_step() -> None:
    grid = loan_grid(application(), [BANK], unknown="term_months", wish=10**6, policy=POLICY, step=100)
    assert grid is not None and grid.step is None and grid.value.tolist() == [12, 24, 48]
    assert grid.check.tolist() == [8, 8, 1]  # 48 months are longer than the policy's 36
