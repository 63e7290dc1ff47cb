"""Limits of law, house and product that a loan must satisfy: before and after it is priced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.pricing import Prices
from ml.domain.loans.rounding import MAX_AMOUNT


def limit_violations(
    application: Application,
    offered: Sequence[OfferedProduct],
    index: IntArray,
    loans: ProposedLoans,
    balloon: IntArray,
    policy: Policy,
) -> dict[str, BoolArray]:
    """Return which loans violate the rules that need neither risk nor price.

    Parameters
    ----------
    application : Application
        Applicant, extras, and resale values of the vehicle.
    offered : sequence of OfferedProduct
        Products available to the applicant.
    index : array of int, shape (n,)
        Index of each loan's product in `offered`.
    loans : ProposedLoans
        Price, down payment, amount and term of n loans.
    balloon : array of int, shape (n,)
        Balloon of each loan, fen; 0 for none.
    policy : Policy
        Limits of the day.

    Returns
    -------
    dict of str to array of bool, shape (n,)
        `amount`, `loan_to_value`, `extras`, `term`, `age_at_maturity` and `balloon`.
    """

    def limit(name: str) -> FloatArray:
        return product_limit(offered, name)[index]

    applicant, vehicle_price, extras = application.applicant, loans.price, application.financed_extras
    base, counted = vehicle_price, loans.amount - extras
    if policy.extras_in_loan_to_value:
        base, counted = vehicle_price + extras, loans.amount
    maximum_age = np.minimum(limit("maximum_age_at_maturity"), policy.maximum_age_at_maturity)
    is_loan = np.array([o.product.lease is None for o in offered])[index]  # no lease: the law on terms is that of loans
    return {
        "amount": (loans.amount < limit("minimum_amount")) | (loans.amount > limit("maximum_amount")),
        "loan_to_value": (counted > _share(base, limit("maximum_loan_to_value")))
        | (loans.down_payment < _share(vehicle_price, limit("minimum_down_payment"))),
        "extras": extras > _share(application.extras, limit("maximum_financed_extras")),
        "term": is_loan & (loans.term > policy.maximum_term_months),
        "age_at_maturity": (applicant.age < policy.minimum_age) | (applicant.age + loans.term / 12 > maximum_age),
        "balloon": balloon > _resale_at_maturity(application.vehicle.resale, loans.term),
    }


def price_violations(
    application: Application, prices: Prices | None, policy: Policy, ceiling: FloatArray
) -> dict[str, BoolArray]:
    """Return which loans violate the rules that need a price.

    Parameters
    ----------
    application : Application
        Income and debts of the applicant.
    prices : Prices or None
        Of n loans, as returned by `ml.domain.loans.pricing.price`; None for no loan.
    policy : Policy
        Limits of the day.
    ceiling : array of float, shape (n,)
        Ceiling of the nominal annualised cost of each loan, fraction per year.

    Returns
    -------
    dict of str to array of bool, shape (n,)
        `payment_to_income`, `annualised_cost` (above the ceiling, or none exists) and `expected_profit`.
    """
    if prices is None:
        return dict.fromkeys(("payment_to_income", "annualised_cost", "expected_profit"), np.zeros(0, dtype=bool))
    applicant = application.applicant
    debts = applicant.joint_debt_payment + prices.monthly_burden
    has_cost = np.isfinite(prices.nominal_rate) & np.isfinite(prices.implied_rate)
    return {
        "payment_to_income": debts > _share(applicant.joint_income, policy.payment_to_income),
        "annualised_cost": ~(has_cost & (prices.nominal_rate <= ceiling + 1e-9)),
        "expected_profit": prices.expected_profit < policy.minimum_expected_profit,
    }


def product_limit(offered: Sequence[OfferedProduct], name: str) -> FloatArray:
    """Return a limit of every product, such as "maximum_amount", in the order of the products.

    Parameters
    ----------
    offered : sequence of OfferedProduct
        Products available to the applicant.
    name : str
        Numeric attribute of `OfferedProduct`.

    Examples
    --------
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.15, funding_rate=0, loss_given_default=0.4)
    >>> product_limit([bank, bank], "minimum_down_payment").tolist()
    [0.15, 0.15]
    """
    return np.array([getattr(o, name) for o in offered])


def valid_loans(loans: ProposedLoans, balloon: IntArray, balloon_share: FloatArray) -> BoolArray:
    """Return which loans can be computed: an amount above the balloon, and a down payment below the price.

    Parameters
    ----------
    loans : ProposedLoans
        Price, down payment, amount and term of n loans.
    balloon : array of int, shape (n,)
        Balloon of each loan, fen.
    balloon_share : array of float, shape (n,)
        Balloon as a fraction of the loan amount; 0 for a loan without one.

    Examples
    --------
    >>> from ml.domain.loans.application import Vehicle
    >>> down = np.array([3_000_000, 9_999_999, 10_000_000])
    >>> loans = ProposedLoans.build((Vehicle("V1", 10_000_000, "used"),), 0, down, np.full(3, 36), extras=0)
    >>> valid_loans(loans, np.array([2_100_000, 0, 0]), np.full(3, 0.3)).tolist()
    [True, False, False]
    """
    valid_balloon = (balloon_share == 0) | ((balloon >= 1) & (balloon < loans.amount))
    return np.asarray((loans.down_payment < loans.price) & (loans.amount <= MAX_AMOUNT) & valid_balloon)


def _resale_at_maturity(resale: tuple[int, ...], term: IntArray) -> FloatArray:
    """Return the resale value at the maturity of each loan in fen; infinite if `resale` is empty."""
    if not resale:
        return np.full(len(term), np.inf)
    return np.asarray(resale, dtype=np.float64)[np.minimum(term, len(resale) - 1)]


def _share(amount: int | IntArray, share: float | FloatArray) -> FloatArray:
    """Return a share of an amount; rounding removes floating-point noise, so that an amount equal to a limit passes."""
    return np.asarray(np.round(amount * np.asarray(share, dtype=np.float64), 4))
