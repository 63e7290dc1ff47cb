"""Offers for one application, and why there are none where there are none."""

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
    """One loan that can be put on the table; money in fen, rates as yearly fractions.

    Attributes
    ----------
    best_at : tuple of str
        What it is best at among all feasible loans, see `selection.MEASURES`.
    name, lender : str
        Keys in the catalogue.
    loan : Loan
        From which its schedule and disclosure are made.
    down_payment, monthly_payment, final_payment, up_front : int
    total_interest, total_fees, total_cost, forgone_discount : int
    nominal_rate, effective_rate : float
        Annualised cost with all fees.
    implied_rate : float
        The nominal one with the forgone discount as a cost too.
    loan_to_value, payment_to_income : float
        The latter with all debts.
    expected_profit, expected_loss : int
        The lender's; not for the customer's eyes.
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
    """Offers, how many candidates were tried, and how many of them broke each rule.

    Attributes
    ----------
    offers : tuple of Offer
    tried, feasible : int
    violations : dict of str to int
        Rule to the candidates that break it; empty where none was tried.
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
    """Find the loans that can be put on the table and choose among them.

    Parameters
    ----------
    application : Application
    offered : sequence of OfferedProduct
        Open to this applicant, in the catalogue's order.
    probability_of_default : float
        Used for expected profit alone: prices come from the products.
    policy : Policy
    start : date
        Day of disbursement.
    count : int
        Most offers to return.

    Returns
    -------
    Offers
        The same for the same input, in the same order.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.05, 36: 0.05},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> asked = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> found = make_offers(asked, [bank], probability_of_default=0.01, policy=policy, start=date(2026, 1, 15))
    >>> [(o.best_at[0], o.loan.term_months, o.down_payment, o.monthly_payment) for o in found.offers[:2]]
    [('lowest_payment', 36, 3000000, 209796), ('lowest_total_cost', 12, 3000000, 599252)]
    """
    found = candidates(application, offered, probability_of_default=probability_of_default, policy=policy, start=start)
    if found is None:
        return Offers((), 0, 0, {})
    rows = np.flatnonzero(found.feasible)
    picked = select_rows(comparison_measures(found)[rows], count=count)
    return Offers(
        offers=tuple(_offer(found, int(rows[i]), names) for i, names in picked),
        n_candidates=len(found.offered_index),
        n_feasible=len(rows),
        violations={rule: int(flags.sum()) for rule, flags in found.violations.items()},
    )


def _offer(found: Candidates, i: int, names: tuple[str, ...]) -> Offer:
    product, prices, application = found.offered[int(found.offered_index[i])], found.prices, found.application
    loan, applicant = found.loan(i), application.applicant
    burden = int(prices.monthly_burden[i])
    return Offer(
        best_at=names,
        name=product.name,
        lender=product.lender,
        loan=loan,
        down_payment=int(found.down_payment[i]),
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
