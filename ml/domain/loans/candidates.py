"""Candidate loans: every offered product x term x down payment x balloon, priced at once and judged by policy."""

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
    """Priced candidates for one application.

    Attributes
    ----------
    application : Application
    offered : tuple of OfferedProduct
    offered_index : array of int, shape (n,)
        Which of `offered` each candidate is.
    batch : LoanBatch
    down_payment : array of int, shape (n,)
        Fen.
    prices : Prices
    violations : dict of str to array of bool, shape (n,)
        For every one of `RULES`, the candidates that break it.
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
        """Whether each candidate breaks no rule, shape (n_candidates,)."""
        return np.asarray(~np.any(list(self.violations.values()), axis=0))

    def loan(self, i: int) -> Loan:
        """One candidate as a loan."""
        b = self.batch
        rate = int(b.rate[i]) / MILLION
        return Loan(b.products[int(b.product[i])], int(b.amount[i]), rate, int(b.term[i]), int(b.balloon[i]))


def down_payments(offered: OfferedProduct, vehicle_price: int, at_most: int, *, step: float = 0.1) -> list[int]:
    """Down payments worth trying: the least one allowed, every step of the price above it, and all there is.

    Parameters
    ----------
    offered : OfferedProduct
    vehicle_price, at_most : int
        Fen.
    step : float
        Share of the price between two of them.

    Returns
    -------
    list of int
        Fen, rounded up to whole yuan, ascending; empty where even `at_most` is too little.

    Examples
    --------
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={36: 0.05}, minimum_amount=1,
    ...     maximum_amount=10**9, minimum_down_payment=0.15, funding_rate=0.02, loss_given_default=0.4)
    >>> down_payments(bank, 10_000_000, 4_000_000)
    [1500000, 2000000, 3000000, 4000000]
    """
    least_share = max(
        millionths(offered.minimum_down_payment, "minimum_down_payment"),
        MILLION - millionths(offered.maximum_loan_to_value, "maximum_loan_to_value"),
    )
    least = max(_whole_yuan(vehicle_price * least_share), vehicle_price - offered.maximum_amount, 0)
    parts = millionths(step, "step")
    steps = [_whole_yuan(vehicle_price * k) for k in range(0, MILLION, parts)]
    return sorted({d for d in (least, *steps, at_most) if least <= d <= at_most and d < vehicle_price})


def candidates(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    probability_of_default: float,
    policy: Policy,
    start: date,
    step: float = 0.1,
) -> Candidates | None:
    """Enumerate, price and judge the candidates of one application.

    Parameters
    ----------
    application : Application
    offered : sequence of OfferedProduct
        Open to this applicant, in the catalogue's order.
    probability_of_default : float
    policy : Policy
    start : date
        Day of disbursement.
    step : float
        As for `down_payments`.

    Returns
    -------
    Candidates or None
        None where no product can be combined with the down payment at all.
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
    """Price and judge given combinations.

    Parameters
    ----------
    rows : sequence of (place in offered, term, rate, down payment, balloon share)
        Ordered by the first.
    """
    place, term, rate, down, share = (np.array(column) for column in zip(*rows, strict=True))
    amount = application.vehicle.price - down
    distinct = tuple(dict.fromkeys(o.product for o in offered))
    order = np.argsort([distinct.index(offered[i].product) for i in place], kind="stable")
    place, term, rate, down, share, amount = (x[order] for x in (place, term, rate, down, share, amount))
    batch = LoanBatch.build(
        distinct,
        [distinct.index(offered[i].product) for i in place],
        amount=amount,
        annual_rate=rate,
        term_months=term,
        balloon=np.rint(amount * share).astype(np.int64),
    )
    risk = RiskAndFunding(
        probability_of_default,
        np.array([o.loss_given_default for o in offered])[place],
        np.array([o.funding_rate for o in offered])[place],
        policy.horizon_months,
        recoverable=tuple(policy.recovery * value for value in application.vehicle.resale),
    )
    discount = np.array([o.forgone_discount for o in offered])[place]
    prices = price(batch, start, risk=risk, forgone_discount=discount)
    violations = _broken(application, offered, place, batch, prices, policy)
    return Candidates(application, tuple(offered), place, batch, down, prices, violations)


def _broken(
    application: Application,
    offered: Sequence[OfferedProduct],
    place: IntArray,
    batch: LoanBatch,
    prices: Prices,
    policy: Policy,
) -> dict[str, BoolArray]:
    def of(name: str) -> FloatArray:
        return np.array([getattr(o, name) for o in offered])[place]

    applicant, vehicle_price = application.applicant, application.vehicle.price
    down = vehicle_price - batch.amount
    debts = applicant.monthly_debt_payment + prices.monthly_burden
    oldest = np.minimum(of("maximum_age_at_maturity"), policy.maximum_age_at_maturity)
    return {
        "amount": (batch.amount < of("minimum_amount")) | (batch.amount > of("maximum_amount")),
        "loan_to_value": (batch.amount > _share(vehicle_price, of("maximum_loan_to_value")))
        | (down < _share(vehicle_price, of("minimum_down_payment"))),
        "payment_to_income": debts > _share(applicant.monthly_income, policy.payment_to_income),
        "term": batch.term > policy.maximum_term_months,
        "age_at_maturity": (applicant.age < policy.minimum_age) | (applicant.age + batch.term / 12 > oldest),
        "balloon": batch.balloon > _at_maturity(application.vehicle.resale, batch),
        "annualised_cost": prices.nominal_rate > policy.maximum_cost + 1e-9,
        "expected_profit": prices.expected_profit < policy.minimum_expected_profit,
    }


def _at_maturity(resale: tuple[int, ...], batch: LoanBatch) -> FloatArray:
    """Resale value when each loan ends; no limit where it is not known."""
    if not resale:
        return np.full(len(batch), np.inf)
    return np.asarray(resale, dtype=np.float64)[np.minimum(batch.term, len(resale) - 1)]


def _share(amount: int, share: float | FloatArray) -> FloatArray:
    """A share of an amount, free of the last bit's noise, so that a limit may be met exactly."""
    return np.asarray(np.round(amount * np.asarray(share, dtype=np.float64), 4))


def _whole_yuan(fen_millionths: int) -> int:
    return -(-fen_millionths // (MILLION * _YUAN)) * _YUAN
