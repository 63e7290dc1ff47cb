"""Loan offers for one application, and the rules that exclude the other candidate loans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.candidates import Candidates, candidates
from ml.domain.loans.loan import Loan
from ml.domain.loans.selection import comparison_measures, select_rows


@dataclass(frozen=True)
class Offer:
    """A feasible loan for one application; money in fen, rates as fractions per year. An element of `Offers.offers`.

    Attributes
    ----------
    best_at : tuple of str
        Measures in which this loan is the best of all feasible loans: labels of `selection.select_rows`.
    name, lender : str
        Keys of product and lender in the catalogue.
    loan : Loan
        Argument of `ml.domain.loans.schedule.schedule`.
    down_payment, monthly_payment, final_payment, up_front : int
        Down payment; largest instalment before the last; last instalment with the balloon; fees at disbursement.
    total_interest, total_fees, total_cost, forgone_discount : int
        Costs over the whole loan.
    nominal_rate, effective_rate : float
        Annualised cost with all fees.
    implied_rate : float
        Nominal annualised cost with the forgone discount as an additional cost.
    loan_to_value, payment_to_income : float
        Loan to price; monthly burden and payments on other debts to income.
    expected_profit, expected_loss : int
        Of the lender; internal, not shown to customers.
    """

    best_at: tuple[str, ...]
    name: str
    lender: str
    loan: Loan
    down_payment: int
    monthly_payment: int
    final_payment: int
    up_front: int
    total_interest: int
    total_fees: int
    total_cost: int
    forgone_discount: int
    nominal_rate: float
    effective_rate: float
    implied_rate: float
    loan_to_value: float
    payment_to_income: float
    expected_profit: int
    expected_loss: int


@dataclass(frozen=True)
class Offers:
    """Offers for one application, and the number of candidate loans that violate each rule. Returned by `make_offers`.

    Attributes
    ----------
    offers : tuple of Offer
        Empty if no candidate is feasible.
    n_candidates, n_feasible : int
        Number of candidate loans, and number of candidates that violate no rule.
    violations : dict of str to int
        Number of candidates that violate each rule of `candidates.RULES`; empty if there is no candidate.
    """

    offers: tuple[Offer, ...]
    n_candidates: int
    n_feasible: int
    violations: dict[str, int]


def make_offers(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    probability_of_default: float,
    policy: Policy,
    start: date,
    count: int = 4,
) -> Offers:
    """Return the best feasible loans for one application.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    probability_of_default : float
        Within `policy.horizon_months`, 0 to 1; used for the expected profit only; interest rates come from `offered`.
    policy : Policy
        Limits of the day, as returned by
        ``ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)``.
    start : date
        Day of disbursement.
    count : int
        Maximum number of offers.

    Returns
    -------
    Offers
        In the order of `selection.select_rows`; equal input gives equal output.

    Raises
    ------
    LoanError
        `count` is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.offers import make_offers
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.05, 36: 0.05},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> answer = make_offers(application, [bank], probability_of_default=0.01, policy=policy, start=date(2026, 1, 15))
    >>> [(o.best_at[0], o.loan.term_months, o.down_payment, o.monthly_payment) for o in answer.offers[:2]]
    [('lowest_payment', 36, 3000000, 209796), ('lowest_total_cost', 12, 3000000, 599252)]
    """
    candidate_loans = candidates(
        application, offered, probability_of_default=probability_of_default, policy=policy, start=start
    )
    if candidate_loans is None:
        return Offers((), 0, 0, {})
    rows = np.flatnonzero(candidate_loans.feasible)
    with_remainder = np.array([o.product.principal_at_maturity for o in candidate_loans.offered])
    balloon = with_remainder[candidate_loans.offered_index][rows]
    values = comparison_measures(candidate_loans)[rows]
    selection = select_rows(values, count=count, balloon=balloon, requested=np.zeros(len(rows), dtype=bool))
    return Offers(
        offers=tuple(_offer(candidate_loans, int(rows[i]), names) for i, names in selection),
        n_candidates=len(candidate_loans.offered_index),
        n_feasible=len(rows),
        violations={rule: int(flags.sum()) for rule, flags in candidate_loans.violations.items()},
    )


def _offer(priced: Candidates, i: int, names: tuple[str, ...]) -> Offer:
    product, prices, application = (
        priced.offered[int(priced.offered_index[i])],
        priced.prices,
        priced.application,
    )
    loan, applicant = priced.loan(i), application.applicant
    burden = int(prices.monthly_burden[i])
    return Offer(
        best_at=names,
        name=product.name,
        lender=product.lender,
        loan=loan,
        down_payment=int(priced.down_payment[i]),
        monthly_payment=int(prices.monthly_payment[i]),
        final_payment=int(prices.final_payment[i]),
        up_front=int(prices.up_front[i]),
        total_interest=int(prices.total_interest[i]),
        total_fees=int(prices.total_fees[i]),
        total_cost=int(prices.total_cost[i]),
        forgone_discount=product.forgone_discount,
        nominal_rate=float(prices.nominal_rate[i]),
        effective_rate=float(prices.effective_rate[i]),
        implied_rate=float(prices.implied_rate[i]),
        loan_to_value=loan.amount / application.vehicle.price,
        payment_to_income=(burden + applicant.monthly_debt_payment) / applicant.monthly_income,
        expected_profit=round(float(prices.expected_profit[i])),
        expected_loss=round(float(prices.expected_loss[i])),
    )
