"""Candidate loans of one application: product x term x down payment x balloon, priced and checked against policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product as combinations

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.pricing import Prices, RiskAndFunding, price
from ml.domain.loans.rounding import MILLION, millionths

RULES = (
    "amount",
    "loan_to_value",
    "payment_to_income",
    "term",
    "age_at_maturity",
    "balloon",
    "annualised_cost",
    "expected_profit",
)
_YUAN = 100


@dataclass(frozen=True)
class Candidates:
    """Priced candidate loans of one application, as returned by `candidates` and `price_candidates`.

    Attributes
    ----------
    application : Application
        Applicant, vehicle and request.
    offered : tuple of OfferedProduct
        Products from which the candidates are made.
    offered_index : array of int, shape (n,)
        Index of each candidate's product in `offered`.
    batch : LoanBatch
        The candidate loans.
    down_payment : array of int, shape (n,)
        Fen.
    prices : Prices
        Arrays of shape (n,): payments and expected profit (fen), rates (fractions per year); as returned by
        `ml.domain.loans.pricing.price`.
    violations : dict of str to array of bool, shape (n,)
        For each rule of `RULES` ("amount", "loan_to_value", ...), whether each candidate violates it.
    """

    application: Application
    offered: tuple[OfferedProduct, ...]
    offered_index: IntArray
    batch: LoanBatch
    down_payment: IntArray
    prices: Prices
    violations: dict[str, BoolArray]

    @property
    def feasible(self) -> BoolArray:
        """Whether each candidate satisfies every rule, shape (n,)."""
        return np.asarray(~np.any(list(self.violations.values()), axis=0))

    def loan(self, i: int) -> Loan:
        """Return candidate `i` (counted from 0) as a loan, the argument of `ml.domain.loans.schedule.schedule`."""
        b = self.batch
        rate = int(b.rate[i]) / MILLION
        return Loan(b.products[int(b.product[i])], int(b.amount[i]), rate, int(b.term[i]), int(b.balloon[i]))


def down_payments(offered: OfferedProduct, vehicle_price: int, maximum: int, *, step: float = 0.1) -> list[int]:
    """Return candidate down payments: the minimum of the product, every `step` of the price above it, and `maximum`.

    Parameters
    ----------
    offered : OfferedProduct
        As returned by `ml.loans.eligibility.offered_product`.
    vehicle_price, maximum : int
        Price, and largest down payment of the applicant, fen.
    step : float
        Distance between two down payments as a fraction of the price.

    Returns
    -------
    list of int
        Fen, ascending, rounded up to whole yuan (except `maximum`); empty if `maximum` is below the product's minimum.

    Examples
    --------
    >>> from ml.domain.loans.application import OfferedProduct
    >>> from ml.domain.loans.candidates import down_payments
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={36: 0.05}, minimum_amount=1,
    ...     maximum_amount=10**9, minimum_down_payment=0.15, funding_rate=0.02, loss_given_default=0.4)
    >>> down_payments(bank, 10_000_000, 4_000_000)
    [1500000, 2000000, 3000000, 4000000]
    """
    minimum_share = max(
        millionths(offered.minimum_down_payment, "minimum_down_payment"),
        MILLION - millionths(offered.maximum_loan_to_value, "maximum_loan_to_value"),
    )
    minimum = max(_whole_yuan(vehicle_price * minimum_share), vehicle_price - offered.maximum_amount, 0)
    steps = [_whole_yuan(vehicle_price * share) for share in range(0, MILLION, millionths(step, "step"))]
    return sorted({d for d in (minimum, *steps, maximum) if minimum <= d <= maximum and d < vehicle_price})


def candidates(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    probability_of_default: float,
    policy: Policy,
    start: date,
    step: float = 0.1,
) -> Candidates | None:
    """Enumerate the candidate loans of one application, price them and check them against policy.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    probability_of_default : float
        Within `policy.horizon_months`, 0 to 1; used for expected profit and loss.
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
        None if no product has the requested term and a minimum down payment within the applicant's.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.candidates import candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.05, 36: 0.05},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> loans = candidates(application, [bank], probability_of_default=0.01, policy=policy, start=date(2026, 1, 15))
    >>> loans.batch.term.tolist(), loans.down_payment.tolist(), loans.feasible.all().item()
    ([12, 12, 36, 36], [2000000, 3000000, 2000000, 3000000], True)
    """
    rows = [
        (i, months, rate, down, share)
        for i, o in enumerate(offered)
        for months, rate in sorted(o.rates.items())
        if application.term_months in (None, months)
        for down, share in combinations(
            down_payments(o, application.vehicle.price, application.down_payment, step=step), o.balloon_shares or (0.0,)
        )
    ]
    if not rows:
        return None
    return price_candidates(
        application, offered, rows, probability_of_default=probability_of_default, policy=policy, start=start
    )


def price_candidates(
    application: Application,
    offered: Sequence[OfferedProduct],
    rows: Sequence[tuple[int, int, float, int, float]],
    *,
    probability_of_default: float,
    policy: Policy,
    start: date,
) -> Candidates:
    """Price combinations of product, term, down payment and balloon, and check them against policy.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)`; its down payment and term are ignored.
    offered : sequence of OfferedProduct
        Products available to the applicant, as returned by `ml.loans.eligibility.offered_products`.
    rows : sequence of (int, int, float, int, float)
        Index in `offered`, term in months, contract rate, down payment in fen, balloon as a fraction of the amount; at
        least one row, ordered by index.
    probability_of_default : float
        Within `policy.horizon_months`, 0 to 1; used for expected profit and loss.
    policy : Policy
        Limits of the day, as returned by
        ``ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)``.
    start : date
        Day of disbursement.

    Returns
    -------
    Candidates
        Ordered by product; rows of one product keep their order.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.candidates import price_candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.05, 36: 0.05},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> rows, start = [(0, 36, 0.05, 3_000_000, 0.0)], date(2026, 1, 15)
    >>> priced = price_candidates(application, [bank], rows, probability_of_default=0.01, policy=policy, start=start)
    >>> int(priced.prices.monthly_payment[0])
    209796
    """
    index, term, rate, down, share = (np.array(column) for column in zip(*rows, strict=True))
    amount = application.vehicle.price - down
    distinct = tuple(dict.fromkeys(o.product for o in offered))
    order = np.argsort([distinct.index(offered[i].product) for i in index], kind="stable")
    index, term, rate, down, share, amount = (x[order] for x in (index, term, rate, down, share, amount))
    batch = LoanBatch.build(
        distinct,
        [distinct.index(offered[i].product) for i in index],
        amount=amount,
        annual_rate=rate,
        term_months=term,
        balloon=np.rint(amount * share).astype(np.int64),
    )
    risk = RiskAndFunding(
        probability_of_default,
        np.array([o.loss_given_default for o in offered])[index],
        np.array([o.funding_rate for o in offered])[index],
        policy.horizon_months,
        recoverable=tuple(policy.recovery * value for value in application.vehicle.resale),
    )
    discount = np.array([o.forgone_discount for o in offered])[index]
    prices = price(batch, start, risk=risk, forgone_discount=discount)
    violations = _violations(application, offered, index, batch, prices, policy)
    return Candidates(application, tuple(offered), index, batch, down, prices, violations)


def _violations(
    application: Application,
    offered: Sequence[OfferedProduct],
    index: IntArray,
    batch: LoanBatch,
    prices: Prices,
    policy: Policy,
) -> dict[str, BoolArray]:
    def limit(name: str) -> FloatArray:
        return np.array([getattr(o, name) for o in offered])[index]

    applicant, vehicle_price = application.applicant, application.vehicle.price
    down = vehicle_price - batch.amount
    debts = applicant.monthly_debt_payment + prices.monthly_burden
    maximum_age = np.minimum(limit("maximum_age_at_maturity"), policy.maximum_age_at_maturity)
    return {
        "amount": (batch.amount < limit("minimum_amount")) | (batch.amount > limit("maximum_amount")),
        "loan_to_value": (batch.amount > _share(vehicle_price, limit("maximum_loan_to_value")))
        | (down < _share(vehicle_price, limit("minimum_down_payment"))),
        "payment_to_income": debts > _share(applicant.monthly_income, policy.payment_to_income),
        "term": batch.term > policy.maximum_term_months,
        "age_at_maturity": (applicant.age < policy.minimum_age) | (applicant.age + batch.term / 12 > maximum_age),
        "balloon": batch.balloon > _resale_at_maturity(application.vehicle.resale, batch),
        "annualised_cost": ~(prices.nominal_rate <= policy.maximum_cost + 1e-9) | np.isnan(prices.implied_rate),
        "expected_profit": prices.expected_profit < policy.minimum_expected_profit,
    }


def _resale_at_maturity(resale: tuple[int, ...], batch: LoanBatch) -> FloatArray:
    """Return the resale value at the maturity of each loan in fen; infinite if `resale` is empty."""
    if not resale:
        return np.full(len(batch), np.inf)
    return np.asarray(resale, dtype=np.float64)[np.minimum(batch.term, len(resale) - 1)]


def _share(amount: int, share: float | FloatArray) -> FloatArray:
    """Return a share of an amount; rounding removes floating-point noise, so that an amount equal to a limit passes."""
    return np.asarray(np.round(amount * np.asarray(share, dtype=np.float64), 4))


def _whole_yuan(fen_millionths: int) -> int:
    return -(-fen_millionths // (MILLION * _YUAN)) * _YUAN
