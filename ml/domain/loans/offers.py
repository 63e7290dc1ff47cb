"""Loan offers for one application, and the rules that exclude the other candidate loans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import Assess
from ml.domain.loans.candidates import Candidates, candidates
from ml.domain.loans.loan import Loan
from ml.domain.loans.selection import comparison_measures, select_rows


@dataclass(frozen=True)
class Offer:
    """A feasible loan for one application; money in fen, rates as fractions per year. An element of `Offers.offers`.

    Attributes
    ----------
    best_at : tuple of str
        Labels: `as_requested` and the measures in which this loan is the best of all feasible loans, such as
        `lowest_payment`; `ml.domain.loans.selection.select_rows` describes them.
    name, lender : str
        Keys of product and lender in the catalogue.
    loan : Loan
        Argument of `ml.domain.loans.schedule.schedule`.
    probability_of_default : float
        Of this loan, 0 to 1.
    risk_band : str
        Band of this loan, which sets its rate.
    decision : str
        "approve" or "refer": whether this loan would be approved or must be examined.
    down_payment, monthly_payment, final_payment, up_front : int
        Down payment; largest instalment before the last; last instalment with the balloon; fees at disbursement.
    total_interest, total_fees, total_cost, forgone_discount : int
        Costs over the whole loan.
    nominal_rate, effective_rate : float
        Annualised cost with all fees.
    implied_rate : float
        Nominal annualised cost with the forgone discount as an additional cost.
    loan_to_value, payment_to_income : float
        Loan to price, by the base of the rules; monthly burden and payments on other debts to income.
    expected_profit, expected_loss : int
        Of the lender; internal, not shown to customers.
    """

    best_at: tuple[str, ...]
    name: str
    lender: str
    loan: Loan
    probability_of_default: float
    risk_band: str
    decision: str
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
    n_candidates, n_feasible, n_approved : int
        Number of candidate loans, of candidates that violate no rule, and of those that would be approved.
    violations : dict of str to int
        Number of candidates that violate each rule of `candidates.RULES`; empty if there is no candidate.
    without_rate : tuple of str
        Products of which no candidate has a rate in its own risk band.
    requested_violations : tuple of str
        Rules that the candidates with exactly the requested down payment and term violate, the most frequent first;
        empty if one of these is feasible or no term is requested. `term` alone: no product has the term. `amount`
        alone: the down payment leaves nothing to finance.
    """

    offers: tuple[Offer, ...]
    n_candidates: int
    n_feasible: int
    n_approved: int
    violations: dict[str, int]
    without_rate: tuple[str, ...]
    requested_violations: tuple[str, ...] = ()


def make_offers(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    assess: Assess,
    policy: Policy,
    start: date,
    count: int = 4,
) -> Offers:
    """Return the best feasible loans for one application.

    Every loan is assessed as itself: what would be declined is not offered, and `Offer.decision` marks what would be
    referred.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`. Offers have every term; `term_months` marks the requested one.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`.
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
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.offers import make_offers
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {12: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), 3_000_000, 36)
    >>> offers = make_offers(application, [bank], policy=policy, start=date(2026, 1, 15), count=2,
    ...     assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans))).offers
    >>> [(offer.best_at[0], offer.loan.term_months, offer.monthly_payment, offer.decision) for offer in offers]
    [('as_requested', 36, 209796, 'approve'), ('lowest_total_cost', 12, 599252, 'approve')]
    """
    compared = candidates(application, offered, assess=assess, policy=policy, start=start)
    if compared is None:
        return Offers((), 0, 0, 0, {}, ())
    violations = {rule: int(flags.sum()) for rule, flags in compared.violations.items()}
    rated = set(compared.offered_index[~compared.violations["risk_band"]].tolist())
    without_rate = [compared.offered[i].name for i in sorted(set(compared.offered_index.tolist()) - rated)]
    rows = np.flatnonzero(compared.feasible[compared.priced])
    return Offers(
        offers=best_offers(compared, count=count),
        n_candidates=len(compared.loans),
        n_feasible=len(rows),
        n_approved=int((compared.assessment.decision[compared.priced[rows]] == "approve").sum()),
        violations=violations,
        without_rate=tuple(without_rate),
        requested_violations=_requested_violations(compared),
    )


def _requested_violations(compared: Candidates) -> tuple[str, ...]:
    application, loans = compared.application, compared.loans
    if application.term_months is None:
        return ()
    has_term = loans.term == application.term_months
    rows = np.flatnonzero(has_term & (loans.down_payment == application.down_payment))
    if len(rows) == 0:
        return ("amount",) if has_term.any() else ("term",)
    if compared.feasible[rows].any():
        return ()
    counts = {rule: int(flags[rows].sum()) for rule, flags in compared.violations.items()}
    return tuple(sorted((rule for rule, count in counts.items() if count), key=lambda rule: -counts[rule]))


def best_offers(compared: Candidates, *, count: int) -> tuple[Offer, ...]:
    """Return the best feasible loans of compared candidates, in the order of `selection.select_rows`.

    Parameters
    ----------
    compared : Candidates
        As returned by `ml.domain.loans.candidates.candidates` or `price_candidates`.
    count : int
        Maximum number of offers.

    Raises
    ------
    LoanError
        `count` is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.candidates import candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {12: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), 3_000_000, 36)
    >>> compared = candidates(application, [bank], policy=policy, start=date(2026, 1, 15),
    ...     assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)))
    >>> [offer.loan.term_months for offer in best_offers(compared, count=1)]
    [36]
    """
    rows = np.flatnonzero(compared.feasible[compared.priced])
    if len(rows) == 0:
        return ()
    loans, application = compared.loans.at(compared.priced[rows]), compared.application
    with_remainder = np.array([o.product.principal_at_maturity for o in compared.offered])
    assert compared.batch is not None
    has_residual = compared.batch.balloon[rows] > 0
    selection = select_rows(
        comparison_measures(compared)[rows],
        count=count,
        balloon=with_remainder[compared.offered_index[compared.priced[rows]]] | has_residual,
        requested=(loans.down_payment == application.down_payment) & (loans.term == application.term_months),
    )
    return tuple(offer_of(compared, int(rows[i]), best_at=names) for i, names in selection)


def offer_of(compared: Candidates, row: int, *, best_at: tuple[str, ...] = ()) -> Offer:
    """Return the loan in a row of `Candidates.batch` as an offer.

    Parameters
    ----------
    compared : Candidates
        As returned by `ml.domain.loans.candidates.candidates` or `price_candidates`.
    row : int
        Row of a feasible loan in `compared.batch` and `compared.prices`.
    best_at : tuple of str
        Labels of the offer.
    """
    i = int(compared.priced[row])
    product, prices, application = (
        compared.offered[int(compared.offered_index[i])],
        compared.prices,
        compared.application,
    )
    assert prices is not None
    loan, applicant, assessment = compared.loan(row), application.applicant, compared.assessment
    burden, down = int(prices.monthly_burden[row]), int(compared.loans.down_payment[i])
    return Offer(
        best_at=best_at,
        name=product.name,
        lender=product.lender,
        loan=loan,
        probability_of_default=float(assessment.probability_of_default[i]),
        risk_band=str(assessment.risk_band[i]),
        decision=str(assessment.decision[i]),
        down_payment=down,
        monthly_payment=int(prices.monthly_payment[row]),
        final_payment=int(prices.final_payment[row]),
        up_front=int(prices.up_front[row]),
        total_interest=int(prices.total_interest[row]),
        total_fees=int(prices.total_fees[row]),
        total_cost=int(prices.total_cost[row]),
        forgone_discount=product.forgone_discount,
        nominal_rate=float(prices.nominal_rate[row]),
        effective_rate=float(prices.effective_rate[row]),
        implied_rate=float(prices.implied_rate[row]),
        loan_to_value=compared.loan_to_value(i),
        payment_to_income=(burden + applicant.joint_debt_payment) / applicant.joint_income,
        expected_profit=round(float(prices.expected_profit[row])),
        expected_loss=round(float(prices.expected_loss[row])),
    )
