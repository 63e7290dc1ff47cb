"""Payments, annualised cost, expected profit and average life of many loans at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np

from ml.domain.arrays import FloatArray, IndexArray, IntArray
from ml.domain.loans.amortisation import CashFlows, amortise
from ml.domain.loans.internal_rate import monthly_rates
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.rounding import LoanError

_BLOCK = 1_300  # loans; arrays of more do not fit into the processor's cache
RISKS = ("probability_of_default", "loss_given_default", "funding_rate")


@dataclass(frozen=True)
class RiskAndFunding:
    """Default risk of loans and funding cost of their lenders; an array has one value per loan.

    Attributes
    ----------
    probability_of_default : float or array of shape (n,)
        Probability of a default within `horizon_months`, 0 to 1.
    loss_given_default : float or array of shape (n,)
        Fraction of the outstanding balance that is lost in a default.
    funding_rate : float or array of shape (n,)
        Cost of the lender's money, fraction per year.
    horizon_months : int
        Horizon of the probability of default; the hazard is assumed to be constant.
    recoverable : tuple of float
        Proceeds of selling the vehicle by months after disbursement, from month 0 on, fen; the last value holds for
        all later months. If set, a default loses the balance less the proceeds, instead of `loss_given_default`.

    Raises
    ------
    LoanError
        A probability or share is not from 0 to 1, or the horizon is below 1.
    """

    probability_of_default: float | FloatArray
    loss_given_default: float | FloatArray
    funding_rate: float | FloatArray
    horizon_months: int = 12
    recoverable: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in RISKS:
            values = np.asarray(getattr(self, name), dtype=np.float64)
            invalid = ~((values >= 0) & (values <= 1))
            if invalid.any():
                raise LoanError(f"{name} must be a finite number from 0 to 1, got {values[invalid].ravel()[0]}")
        if type(self.horizon_months) is not int or self.horizon_months < 1:
            raise LoanError(f"horizon_months must be a whole number of at least 1, got {self.horizon_months!r}")

    def at(self, loans: IndexArray | slice, count: int) -> RiskAndFunding:
        """Return the risk of some loans of `count`.

        >>> import numpy as np
        >>> from ml.domain.loans.pricing import RiskAndFunding
        >>> RiskAndFunding(np.array([0.12, 0.03]), 0.5, 0.02).at(np.array([1]), 2).probability_of_default
        array([0.03])
        """
        values = {name: np.broadcast_to(getattr(self, name), count)[loans] for name in RISKS}
        return replace(self, **values)  # type: ignore[arg-type]

    @property
    def monthly_hazard(self) -> FloatArray:
        """Probability of a default in a month, given no default before: ``1 - (1 - PD) ** (1 / horizon_months)``.

        Shape (n,), or (1,) if all loans have one probability.

        >>> import numpy as np
        >>> from ml.domain.loans.pricing import RiskAndFunding
        >>> RiskAndFunding(np.array([0.12, 0.03]), 0.5, 0.02).monthly_hazard.round(6).tolist()
        [0.010596, 0.002535]
        """
        probability = np.atleast_1d(np.asarray(self.probability_of_default, dtype=np.float64))
        return np.asarray(1 - (1 - probability) ** (1 / self.horizon_months))


@dataclass(frozen=True)
class Prices:
    """Payments, costs and expected profit of each loan, as returned by `price`.

    Amounts in fen, rates as fractions per year; shape (n_loans,), in the order of the batch.

    Attributes
    ----------
    monthly_payment : array of int
        Largest instalment before the last one; the only instalment of a loan over one month.
    monthly_burden : array of int
        Monthly amount compared with income: the larger of `monthly_payment` and the mean of all payments without the
        balloon. The mean counts principal that is due in one sum at maturity.
    final_payment : array of int
        Last instalment, including a balloon or principal due at maturity, less the deposit that comes back with it.
    total_interest, total_fees, total_cost, total_payment : array of int
        Amounts that the borrower pays over the whole loan; `total_cost` is interest and fees.
    up_front, deposit : array of int
        Fees at disbursement, and deposit of a lease.
    nominal_rate, effective_rate : array of float
        Annualised cost with all fees: 12 x monthly internal rate, and (1 + monthly internal rate)^12 - 1. NaN if fees
        at disbursement are as large as the loan or larger: such a loan has no internal rate.
    implied_rate : array of float
        Nominal annualised cost with the forgone discount as an additional cost; NaN if fees at disbursement and
        discount are as large as the loan or larger.
    expected_profit : array of float
        Interest (from borrower and subsidies) and the lender's fees, less expected loss and funding cost.
    expected_loss : array of float
        Probability of default x loss given default x exposure, summed over the schedule.
    average_life : array of float
        Mean time to the repayment of principal, weighted by amount, months.
    """

    monthly_payment: IntArray
    monthly_burden: IntArray
    final_payment: IntArray
    total_interest: IntArray
    total_fees: IntArray
    total_cost: IntArray
    total_payment: IntArray
    up_front: IntArray
    deposit: IntArray
    nominal_rate: FloatArray
    effective_rate: FloatArray
    implied_rate: FloatArray
    expected_profit: FloatArray
    expected_loss: FloatArray
    average_life: FloatArray


def price(batch: LoanBatch, start: date, *, risk: RiskAndFunding, forgone_discount: int | IntArray = 0) -> Prices:
    """Return payments, costs and expected profit of every loan in a batch.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    start : date
        Day of disbursement.
    risk : RiskAndFunding
        `RiskAndFunding(...)`: default risk and funding cost.
    forgone_discount : int or array of int
        Cash discount that the borrower loses with each loan, fen; it affects `implied_rate` only.

    Returns
    -------
    Prices
        Amounts in fen and rates as fractions per year, in the order of the batch.

    Raises
    ------
    LoanError
        The first due date of a product is not after disbursement, or an array of `risk` has not one value per loan.

    Examples
    --------
    Monthly payment and interest in fen, annualised cost as a fraction:

    >>> from datetime import date
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.pricing import RiskAndFunding, price
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> risk = RiskAndFunding(probability_of_default=0.02, loss_given_default=0.4, funding_rate=0.02)
    >>> prices = price(batch, date(2026, 1, 15), risk=risk)
    >>> int(prices.monthly_payment[0]), int(prices.total_interest[0]), float(prices.nominal_rate[0].round(6))
    (304219, 951901, 0.06)
    """
    _check_lengths(risk, len(batch))
    # In blocks of similar terms few rows are empty; blocks without the rounding to even are computed faster.
    order = np.lexsort((batch.term, batch.conditions.half_up))
    ordered, risks = batch.at(order), risk.at(order, len(batch))
    discount = np.broadcast_to(forgone_discount, len(batch))[order]
    blocks = [slice(first, min(first + _BLOCK, len(batch))) for first in range(0, len(batch), _BLOCK)]
    prices = [_price(ordered.at(rows), start, risks.at(rows, len(batch)), discount[rows]) for rows in blocks]
    place = np.argsort(order)
    names = [field.name for field in fields(Prices)]
    return Prices(**{name: np.concatenate([getattr(block, name) for block in prices])[place] for name in names})


def _price(batch: LoanBatch, start: date, risk: RiskAndFunding, forgone_discount: IntArray) -> Prices:
    flows = amortise(batch, start)
    payment = flows.payment
    last = (batch.term - 1, np.arange(len(batch)))
    final = payment[last]
    regular = payment.copy()
    regular[last] = 0
    interest, fees = flows.interest.sum(axis=0), flows.total_fees
    rates, implied = _rates(flows, payment, forgone_discount)
    profit, loss = expected_profit(flows, risk)
    monthly = np.where(batch.term == 1, final, regular.max(axis=0))
    mean = -(-(payment.sum(axis=0) - batch.balloon) // batch.term)
    return Prices(
        monthly_payment=monthly,
        monthly_burden=np.maximum(monthly, mean),
        final_payment=final,
        total_interest=interest,
        total_fees=fees,
        total_cost=interest + fees,
        total_payment=batch.amount + interest + fees,
        up_front=flows.up_front,
        deposit=flows.deposit,
        nominal_rate=12 * rates,
        effective_rate=(1 + rates) ** 12 - 1,
        implied_rate=12 * implied,
        expected_profit=profit,
        expected_loss=loss,
        average_life=flows.opening.sum(axis=0) / batch.amount,
    )


def _rates(flows: CashFlows, payment: IntArray, forgone_discount: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the monthly internal rates, and with the forgone discount as a further cost."""
    received = (flows.batch.amount - flows.up_front - flows.deposit).astype(np.float64)
    paid, months = payment.astype(np.float64), flows.periods.by_loan("months")
    rates = monthly_rates(received, paid, months)
    implied, loans = rates.copy(), np.flatnonzero(forgone_discount)
    if len(loans):
        implied[loans] = monthly_rates(received[loans] - forgone_discount[loans], paid[:, loans], months[:, loans])
    return rates, implied


def expected_profit(flows: CashFlows, risk: RiskAndFunding) -> tuple[FloatArray, FloatArray]:
    """Return expected profit and expected loss of each loan, fen, undiscounted.

    With monthly hazard h and survival ``s_k = (1 - h)^k`` to the end of month k: the income of month k has weight
    ``s_k``, the loss of a default in month k has weight ``s_(k-1) h``, and funding of the balance in month k has weight
    ``s_(k-1)``.

    Parameters
    ----------
    flows : CashFlows
        As returned by `ml.domain.loans.amortisation.amortise(batch, start)`.
    risk : RiskAndFunding
        `RiskAndFunding(...)`.

    Returns
    -------
    profit, loss : ndarray of float64, shape (n,)
        Fen, in the order of the batch.

    Raises
    ------
    LoanError
        An array of `risk` has not one value per loan.

    Examples
    --------
    Without default risk and funding cost, the profit is the interest (9,519.01 yuan):

    >>> from datetime import date
    >>> from ml.domain.loans.amortisation import amortise
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.pricing import RiskAndFunding, expected_profit
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> risk = RiskAndFunding(probability_of_default=0.0, loss_given_default=0.4, funding_rate=0.0)
    >>> expected_profit(amortise(batch, date(2026, 1, 15)), risk)[0].tolist()
    [951901.0]
    """
    _check_lengths(risk, len(flows.batch))
    hazard = risk.monthly_hazard
    before = np.ones((len(flows.opening), len(hazard)))
    for k in range(1, len(before)):
        before[k] = before[k - 1] * (1 - hazard)
    balance, (at_start, income) = flows.exposure.astype(np.float64), _lender_income(flows)
    exposure = _weighted_sum(before, balance)
    funding = np.asarray(risk.funding_rate) / 12 * exposure
    if flows.deposit.any():  # a deposit above the balance lowers the need for funding; a default loses nothing then
        balance = np.maximum(balance, 0.0)
        exposure = _weighted_sum(before, balance)
    loss = hazard * _expected_loss_of_defaults(before, balance, exposure, risk)
    received = (1 - hazard) * _weighted_sum(before, income.astype(np.float64))
    return np.asarray(at_start + received - loss - funding), np.asarray(loss)


def _check_lengths(risk: RiskAndFunding, n: int) -> None:
    for name in RISKS:
        if (count := np.size(getattr(risk, name))) not in (1, n):
            raise LoanError(f"{name} must have one value, or one for each of the {n} loans, got {count} values")


def _weighted_sum(weights: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("tn,tn->n", np.broadcast_to(weights, values.shape), values))


def _expected_loss_of_defaults(
    before: FloatArray, balance: FloatArray, exposure: FloatArray, risk: RiskAndFunding
) -> FloatArray:
    """Return the loss of a default in each month, summed with the weights `before`, fen."""
    if not risk.recoverable:
        return np.asarray(risk.loss_given_default) * exposure
    months = np.minimum(np.arange(1, len(balance) + 1), len(risk.recoverable) - 1)
    return _weighted_sum(before, np.maximum(balance - np.asarray(risk.recoverable)[months][:, None], 0.0))


def _lender_income(flows: CashFlows) -> tuple[IntArray, IntArray]:
    """Return the lender's income in fen: at disbursement, and per period."""
    conditions = flows.batch.conditions
    at_start, income = np.zeros_like(flows.batch.amount), flows.interest.copy()
    for subsidy, paid in zip(conditions.subsidies, flows.subsidies, strict=True):
        income[:, subsidy.loans] += paid
    for fee, up_front, instalments in zip(conditions.fees, flows.up_front_fees, flows.fees, strict=True):
        columns = np.flatnonzero(fee.lender_collects)
        at_start[fee.loans[columns]] += up_front[columns]
        income[:, fee.loans[columns]] += instalments[:, columns]
    return at_start, income
