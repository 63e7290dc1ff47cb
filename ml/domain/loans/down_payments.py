"""Down payments that are compared for one application."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.rounding import MILLION, millionths

_YUAN = 100


def down_payment_steps(vehicle_price: int, step: float) -> list[int]:
    """Return every `step` of a price from 0 on, below the price, fen, rounded up to whole yuan.

    Parameters
    ----------
    vehicle_price : int
        Fen.
    step : float
        Distance between two down payments as a fraction of the price.

    Examples
    --------
    >>> down_payment_steps(10_000_000, step=0.25)
    [0, 2500000, 5000000, 7500000]
    """
    return [_whole_yuan(vehicle_price * share) for share in range(0, MILLION, millionths(step, "step"))]


def down_payments(offered: OfferedProduct, application: Application, policy: Policy, steps: Sequence[int]) -> list[int]:
    """Return the down payments to compare: the minimum of the product, the steps above it, and the maximum.

    Parameters
    ----------
    offered : OfferedProduct
        As returned by `ml.loans.eligibility.offered_product`.
    application : Application
        Price, extras, trade-in, and the largest down payment of the applicant.
    policy : Policy
        Base of the loan-to-value.
    steps : sequence of int
        As returned by `down_payment_steps`.

    Returns
    -------
    list of int
        Fen, ascending, whole yuan (except the maximum); the maximum alone if it is below the minimum of the product, or
        if it leaves nothing to finance.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.15, funding_rate=0, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=4_000_000)
    >>> down_payments(bank, application, policy, down_payment_steps(10_000_000, step=0.1))
    [1500000, 2000000, 3000000, 4000000]
    """
    vehicle_price, maximum = application.vehicle.price, application.down_payment
    total = vehicle_price + application.financed_extras
    base = total if policy.extras_in_loan_to_value else vehicle_price
    minimum = max(
        _whole_yuan(vehicle_price * millionths(offered.minimum_down_payment, "minimum_down_payment")),
        _whole_yuan(base * (MILLION - millionths(offered.maximum_loan_to_value, "maximum_loan_to_value"))),
        total - offered.maximum_amount,
        application.trade_in,
    )
    if minimum > maximum:
        return [maximum]  # violates a rule, which the counts of the refusal then name
    between = steps[bisect_left(steps, minimum) : bisect_left(steps, maximum)]
    amounts = dict.fromkeys((minimum, *between, maximum))
    return [amount for amount in amounts if amount < vehicle_price] or [maximum]


def _whole_yuan(fen_millionths: int) -> int:
    return -(-fen_millionths // (MILLION * _YUAN)) * _YUAN
