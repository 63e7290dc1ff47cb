"""Candidate loans of one application: product x term x down payment x balloon, assessed, priced and checked.

Every candidate is a loan of its own: it has its own probability of default, and with it its own risk band, rate,
decision and expected profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans
from ml.domain.loans.down_payments import down_payment_steps, down_payments
from ml.domain.loans.limits import limit_violations, price_violations, product_limit, valid_loans
from ml.domain.loans.loan import MAX_TERM_MONTHS, Loan, LoanBatch
from ml.domain.loans.pricing import Prices, RiskAndFunding, price
from ml.domain.loans.rounding import MAX_AMOUNT, MILLION

RULES = (
    "risk_band",
    "credit_decision",
    "amount",
    "loan_to_value",
    "extras",
    "payment_to_income",
    "term",
    "age_at_maturity",
    "balloon",
    "annualised_cost",
    "expected_profit",
)


class CandidateRows(NamedTuple):
    """Combinations to price, as columns of one length.

    Attributes
    ----------
    product : array of int
        Index of the product.
    term : array of int
        Months.
    down_payment : array of int
        Fen.
    balloon_share : array of float
        Balloon as a fraction of the loan amount; 0 for none.
    vehicle_price : array of int, optional
        Price of the application's vehicle in each combination, fen; by default its own.
    """

    product: IntArray
    term: IntArray
    down_payment: IntArray
    balloon_share: FloatArray
    vehicle_price: IntArray | None = None


@dataclass(frozen=True)
class Candidates:
    """Candidate loans of one application, as returned by `candidates` and `price_candidates`.

    Attributes
    ----------
    application : Application
        Applicant, vehicle and request.
    offered : tuple of OfferedProduct
        Products from which the candidates are made.
    offered_index : array of int, shape (n,)
        Index of each candidate's product in `offered`.
    loans : ProposedLoans
        Price, down payment, amount (fen) and term (months) of the n candidates.
    assessment : Assessment
        Probability of default, risk band and decision of each candidate.
    priced : array of int, shape (n_priced,)
        Candidates with a price, ascending: their risk band has a rate.
    batch : LoanBatch or None
        The loans of `priced`; None if there is none.
    prices : Prices or None
        Arrays of shape (n_priced,): payments and expected profit (fen), rates (fractions per year); as returned by
        `ml.domain.loans.pricing.price`.
    violations : dict of str to array of bool, shape (n,)
        For each rule of `RULES` ("amount", "loan_to_value", ...), whether each candidate violates it. Rules that need a
        price are not violated by candidates without one; these violate "risk_band" or "amount".
    extras_in_loan_to_value : bool
        Base of the loan-to-value, as in `Policy`.
    """

    application: Application
    offered: tuple[OfferedProduct, ...]
    offered_index: IntArray
    loans: ProposedLoans
    assessment: Assessment
    priced: npt.NDArray[np.intp]
    batch: LoanBatch | None
    prices: Prices | None
    violations: dict[str, BoolArray]
    extras_in_loan_to_value: bool

    @property
    def feasible(self) -> BoolArray:
        """Whether each candidate satisfies every rule, shape (n,)."""
        return np.asarray(~np.any(list(self.violations.values()), axis=0))

    def price_row(self, i: int) -> int | None:
        """Return the row of candidate `i` in `batch` and `prices`, or None if it has no price."""
        row = int(np.searchsorted(self.priced, i))
        return row if row < len(self.priced) and int(self.priced[row]) == i else None

    def loan_to_value(self, i: int) -> float:
        """Return the loan-to-value of candidate `i` (counted from 0), a fraction, by the base of the rules."""
        amount, price, extras = (
            int(self.loans.amount[i]),
            int(self.loans.price[i]),
            self.application.financed_extras,
        )
        return amount / (price + extras) if self.extras_in_loan_to_value else (amount - extras) / price

    def loan(self, row: int) -> Loan:
        """Return the loan in a row of `batch`, the argument of `ml.domain.loans.schedule.schedule`."""
        b = self.batch
        assert b is not None
        rate = int(b.rate[row]) / MILLION
        return Loan(b.products[int(b.product[row])], int(b.amount[row]), rate, int(b.term[row]), int(b.balloon[row]))


def candidates(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    assess: Assess,
    policy: Policy,
    start: date,
    step: float = 0.1,
) -> Candidates | None:
    """Enumerate the candidate loans of one application, assess and price each, and check it against policy.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`; its down payment is the largest. Candidates have every term.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`; called once with all distinct loans.
    policy : Policy
        Limits of the day, as returned by
        ``ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)``.
    start : date
        Day of disbursement.
    step : float
        Distance between two down payments as a fraction of the price.

    Returns
    -------
    Candidates or None
        None without products.

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
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> loans = candidates(application, [bank], policy=policy, start=date(2026, 1, 15),
    ...     assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)))
    >>> loans.loans.term.tolist(), loans.loans.down_payment.tolist(), loans.feasible.all().item()
    ([12, 12, 36, 36], [2000000, 3000000, 2000000, 3000000], True)
    """
    steps = down_payment_steps(application.vehicle.price, step)
    compared = [(i, o, down_payments(o, application, policy, steps)) for i, o in enumerate(offered)]
    rows = [
        (i, term, down, share)
        for i, o, downs in compared
        for term in o.terms
        for down in downs
        for share in o.balloon_shares or (0.0,)
    ]
    if not rows:
        return None
    columns = CandidateRows(*(np.array(column) for column in zip(*rows, strict=True)))
    return price_candidates(application, offered, columns, assess=assess, policy=policy, start=start)


def price_candidates(
    application: Application,
    offered: Sequence[OfferedProduct],
    rows: CandidateRows,
    *,
    assess: Assess,
    policy: Policy,
    start: date,
) -> Candidates:
    """Assess and price combinations of product, term, down payment and balloon, and check them against policy.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`; its down payment and term are ignored.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    rows : CandidateRows
        Index in `offered`, term in months, down payment in fen, balloon as a fraction of the amount; at least one row.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`; called once with all distinct loans.
    policy : Policy
        Limits of the day, as returned by
        ``ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)``.
    start : date
        Day of disbursement.

    Returns
    -------
    Candidates
        In the order of `rows`.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.candidates import CandidateRows, price_candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {12: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> rows = CandidateRows(np.array([0]), np.array([36]), np.array([3_000_000]), np.array([0.0]))
    >>> priced = price_candidates(application, [bank], rows, policy=policy, start=date(2026, 1, 15),
    ...     assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)))
    >>> int(priced.prices.monthly_payment[0])
    209796
    """
    products = tuple({id(o.product): o.product for o in offered}.values())
    position = {id(product): i for i, product in enumerate(products)}
    product_of = np.array([position[id(o.product)] for o in offered])
    index, term, down, share, vehicle_price = rows
    loans = ProposedLoans.build(
        (application.vehicle,), 0, down, term, extras=application.financed_extras, price=vehicle_price
    )
    assessment = _assess_distinct(loans, assess)
    rate = _rates(offered, index, loans, assessment)
    balloon = np.rint(loans.amount * share).astype(np.int64)
    valid = valid_loans(loans, balloon, share)
    priced = np.flatnonzero(valid & ~np.isnan(rate))
    violations = limit_violations(application, offered, index, loans, balloon, policy)
    violations["risk_band"] = np.isnan(rate)
    violations["credit_decision"] = assessment.decision == "decline"
    violations["amount"] |= ~valid
    batch, prices, at = None, None, index[priced]
    if len(priced):
        batch = LoanBatch.build(
            products,
            product_of[at],
            amount=loans.amount[priced],
            annual_rate=rate[priced],
            term_months=term[priced],
            balloon=balloon[priced],
        )
        risk = RiskAndFunding(
            assessment.probability_of_default[priced],
            product_limit(offered, "loss_given_default")[at],
            product_limit(offered, "funding_rate")[at],
            policy.horizon_months,
            recoverable=tuple(policy.recovery * value for value in application.vehicle.resale),
        )
        discount = np.array([o.forgone_discount for o in offered])
        prices = price(batch, start, risk=risk, forgone_discount=discount[at])
    price_flags = price_violations(application, prices, policy, product_limit(offered, "maximum_cost")[at])
    for rule, flags in price_flags.items():
        violations[rule] = np.zeros(len(index), dtype=bool)
        violations[rule][priced] = flags
    return Candidates(
        application=application,
        offered=tuple(offered),
        offered_index=index,
        loans=loans,
        assessment=assessment,
        priced=priced,
        batch=batch,
        prices=prices,
        violations={rule: violations[rule] for rule in RULES},
        extras_in_loan_to_value=policy.extras_in_loan_to_value,
    )


def _assess_distinct(loans: ProposedLoans, assess: Assess) -> Assessment:
    """Assess every distinct loan once: products with the same price, term and down payment share an assessment."""
    key = loans.down_payment * (MAX_TERM_MONTHS + 1) + loans.term
    if (loans.price != loans.price[0]).any():
        key = np.unique(key, return_inverse=True)[1] * (MAX_AMOUNT + 1) + loans.price
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return assess(loans.at(first)).at(inverse)


def _rates(
    offered: Sequence[OfferedProduct], index: IntArray, loans: ProposedLoans, assessment: Assessment
) -> FloatArray:
    """Return the contract rate of each loan in its own risk band; NaN without one."""
    none: dict[int, float] = {}
    columns = zip(index.tolist(), loans.term.tolist(), assessment.risk_band.tolist(), strict=True)
    return np.array([offered[i].rates.get(band, none).get(term, np.nan) for i, term, band in columns])
