"""Grid of loans that differ in one quantity (down payment, term or price), with the checks that need no risk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import BoolArray, FloatArray, IndexArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.candidates import CandidateRows
from ml.domain.loans.limits import limit_violations, valid_loans
from ml.domain.loans.loan import MAX_TERM_MONTHS
from ml.domain.loans.rounding import MAX_AMOUNT

Unknown = Literal["down_payment", "term_months", "price"]

_MAX_VALUES = 10_000
_MAX_ROWS = 200_000  # combinations whose limits are checked
_MAX_SCORED = 10_000  # distinct loans within the limits
_MAX_PRICED = 18_000  # combinations within the limits
_LONGEST_PERIOD_MONTHS = 3  # a first period may be longer than a month

# Checks of a combination in their order, by the name of the rule; those after `risk_band` need risk or price.
LIMIT_CHECKS = (
    "extras",
    "term",
    "age_at_maturity",
    "amount",
    "loan_to_value",
    "balloon",
    "wished_payment",
    "payment_to_income",
)


@dataclass(frozen=True)
class Combination:
    """A product with one of its balloons.

    Attributes
    ----------
    product : int
        Index of the product.
    balloon_share : float
        Balloon as a fraction of the loan amount; 0 for none.
    terms : tuple of int
        Terms to try, months; empty if the product has not the requested one.
    """

    product: int
    balloon_share: float
    terms: tuple[int, ...]


@dataclass(frozen=True)
class LoanGrid:
    """Loans of every combination, as columns of one length, as returned by `loan_grid`.

    Attributes
    ----------
    combination : array of int, shape (n,)
        Index of each loan's combination.
    value : array of int, shape (n,)
        Down payment or price (fen) or term (months), whichever differs.
    rows : CandidateRows
        The loans for `ml.domain.loans.candidates.price_candidates`.
    loans : ProposedLoans
        The loans for an assessment.
    lowest_payment : array of float, shape (n,)
        Lower bound of the monthly payment, fen.
    check : array of int, shape (n,)
        Position in `LIMIT_CHECKS` of the first check that each loan fails; its length if it fails none.
    within_rules : array of bool, shape (n,)
        Whether no limit excludes the loan, apart from the wished payment.
    step : int or None
        Distance of two values, fen; None for terms.
    """

    combination: IntArray
    value: IntArray
    rows: CandidateRows
    loans: ProposedLoans
    lowest_payment: FloatArray
    check: IntArray
    within_rules: BoolArray
    step: int | None

    @property
    def open(self) -> IndexArray:
        """Rows that fail no check."""
        return np.flatnonzero(self.check == len(LIMIT_CHECKS))

    @property
    def key(self) -> IntArray:
        """A number for each distinct loan: loans of several products with one key have one assessment."""
        return np.asarray(self.value * (MAX_TERM_MONTHS + 1) + self.loans.term)

    def at(self, rows: IndexArray) -> LoanGrid:
        """Return the loans of some rows."""
        columns = (None if column is None else column[rows] for column in self.rows)
        return LoanGrid(
            self.combination[rows],
            self.value[rows],
            CandidateRows(*columns),  # type: ignore[arg-type]
            self.loans.at(rows),
            self.lowest_payment[rows],
            self.check[rows],
            self.within_rules[rows],
            self.step,
        )


def combinations(
    application: Application, offered: Sequence[OfferedProduct], *, unknown: Unknown
) -> tuple[Combination, ...]:
    """Return every product with each of its balloons, and the terms to try.

    Parameters
    ----------
    application : Application
        With its `term_months`, only that term is tried, unless the term is the unknown.
    offered : sequence of OfferedProduct
        Products available to the applicant.
    unknown : {"down_payment", "term_months", "price"}
        Quantity that differs between the loans.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {24: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, funding_rate=0, loss_given_default=0.4)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), 4_000_000, 36)
    >>> [c.terms for unknown in ("price", "term_months") for c in combinations(application, [bank], unknown=unknown)]
    [(36,), (24, 36)]
    """
    requested = None if unknown == "term_months" else application.term_months
    return tuple(
        Combination(i, share, tuple(term for term in o.terms if requested in (None, term)))
        for i, o in enumerate(offered)
        for share in o.balloon_shares or (0.0,)
    )


def loan_grid(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    unknown: Unknown,
    wish: int,
    policy: Policy,
    step: int,
) -> LoanGrid | None:
    """Return the loans to try for a wished monthly payment, with the checks that need neither risk nor price.

    Down payments are multiples of the step from the trade-in to the price, and the application's own; prices are
    multiples of the step from the down payment to the highest that income and limits allow, and the vehicle's own. The
    step is widened to a multiple of itself, until there are at most 10,000 values and 200,000 loans, and at most 10,000
    distinct loans and 18,000 combinations of them with products pass the checks.

    Parameters
    ----------
    application : Application
        Applicant, vehicle, down payment and term.
    offered : sequence of OfferedProduct
        Products available to the applicant; at every price if the price is the unknown.
    unknown : {"down_payment", "term_months", "price"}
        Quantity that differs between the loans.
    wish : int
        Highest monthly payment, fen.
    policy : Policy
        Limits of the day; at every price if the price is the unknown.
    step : int
        Distance of two down payments or prices, fen.

    Returns
    -------
    LoanGrid or None
        None if no product has the requested term.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), 3_000_000, 36)
    >>> grid = loan_grid(
    ...     application, [bank], unknown="down_payment", wish=150_000, policy=policy, step=1_000_000)
    >>> [LIMIT_CHECKS[i] for i in grid.check[:4]], grid.value[grid.open][:2].tolist()
    (['loan_to_value', 'loan_to_value', 'wished_payment', 'wished_payment'], [5000000, 6000000])
    """
    products = combinations(application, offered, unknown=unknown)
    pairs = np.array([(g, term) for g, c in enumerate(products) for term in c.terms], dtype=np.int64)
    if not len(pairs):
        return None
    inputs = _Inputs(application, tuple(offered), products, unknown, wish, policy)
    lowest, end = inputs.range(pairs)
    wide = step
    crowding = (end - lowest) / step / min(_MAX_VALUES, max(_MAX_ROWS // len(pairs), 1))
    while True:
        stop_if_abandoned()
        wide *= max(math.ceil(crowding), 1)
        grid = inputs.grid(pairs, inputs.values(lowest, end, wide))
        crowding = max(len(grid.open) / _MAX_PRICED, len(np.unique(grid.key[grid.open])) / _MAX_SCORED)
        if crowding <= 1 or wide > MAX_AMOUNT:
            return replace(grid, step=None if unknown == "term_months" else wide)


@dataclass(frozen=True)
class _Inputs:
    """Inputs of the grid."""

    application: Application
    offered: tuple[OfferedProduct, ...]
    combinations: tuple[Combination, ...]
    unknown: Unknown
    wish: int
    policy: Policy

    def range(self, pairs: IntArray) -> tuple[int, int]:
        """Return the lowest value to try, and the end of the range above the highest; one value for terms."""
        if self.unknown == "term_months":
            return 0, 1
        if self.unknown == "down_payment":
            return self.application.trade_in, self.application.vehicle.price
        return self.application.down_payment + 1, self._highest_price(pairs) + 1

    def values(self, lowest: int, end: int, step: int) -> IntArray:
        """Return the values to try, ascending; for terms a single 0, because the pairs have them."""
        own: dict[Unknown, list[int]] = {
            "term_months": [0],
            "down_payment": [self.application.trade_in, self.application.down_payment],
            "price": [self.application.vehicle.price],
        }
        multiples = np.arange(-(-lowest // step) * step, end, step, dtype=np.int64)
        return np.unique(np.append(multiples, own[self.unknown]))

    def _highest_price(self, pairs: IntArray) -> int:
        """Return the highest price that the income, the amounts and the shares leave to some product, fen."""
        down, extras = self.application.down_payment, self.application.financed_extras
        highest = 0.0
        for g, term in pairs.tolist():
            c = self.combinations[g]
            o = self.offered[c.product]
            amount = min(float(o.maximum_amount), (self._income_left + 2) * term / (1 - c.balloon_share))
            bound = amount + down - extras
            if o.minimum_down_payment > 0:
                bound = min(bound, down / o.minimum_down_payment)
            if o.maximum_loan_to_value < 1:
                more = o.maximum_loan_to_value * extras if self.policy.extras_in_loan_to_value else 0
                bound = min(bound, (down + more) / (1 - o.maximum_loan_to_value))
            highest = max(highest, bound)
        return min(int(highest) + 1, MAX_AMOUNT)

    @property
    def _income_left(self) -> float:
        """Largest mean payment of a month that the income allows, fen."""
        applicant = self.application.applicant
        return self.policy.payment_to_income * applicant.joint_income - applicant.joint_debt_payment

    def grid(self, pairs: IntArray, values: IntArray) -> LoanGrid:
        application, policy = self.application, self.policy
        pair = np.repeat(np.arange(len(pairs)), len(values))
        combination, term = pairs[pair].T
        value = term if self.unknown == "term_months" else np.tile(values, len(pairs))
        index = np.array([c.product for c in self.combinations])[combination]
        share = np.array([c.balloon_share for c in self.combinations])[combination]
        down = value if self.unknown == "down_payment" else np.full(len(value), application.down_payment)
        price = value if self.unknown == "price" else None
        loans = ProposedLoans.build(
            (application.vehicle,), 0, down, term, extras=application.financed_extras, price=price
        )
        balloon = np.rint(loans.amount * share).astype(np.int64)
        flags = limit_violations(application, self.offered, index, loans, balloon, policy)
        flags["amount"] |= ~valid_loans(loans, balloon, share)
        lowest = np.empty(len(value))
        for k, (g, months) in enumerate(pairs.tolist()):
            block = slice(k * len(values), (k + 1) * len(values))
            lowest[block] = lowest_payments(
                self.offered[self.combinations[g].product], months, loans.amount[block], share[block]
            )
        is_lease = np.array([o.product.lease is not None for o in self.offered])[index]  # a deposit lowers the mean
        burden = np.where(is_lease, lowest, (loans.amount - balloon) / term)
        flags["payment_to_income"] = burden > self._income_left + 2
        flags["wished_payment"] = lowest - 2 > self.wish
        check = np.full(len(value), len(LIMIT_CHECKS))
        for i in reversed(range(len(LIMIT_CHECKS))):
            check[flags[LIMIT_CHECKS[i]]] = i
        excluded = np.any([flags[name] for name in LIMIT_CHECKS if name != "wished_payment"], axis=0)
        rows = CandidateRows(index, term, down, share, price)
        return LoanGrid(combination, value, rows, loans, lowest - 2, check, ~excluded, None)


def lowest_payments(o: OfferedProduct, term: int, amount: FloatArray | IntArray, share: FloatArray) -> FloatArray:
    """Return a lower bound of the monthly payment of loans of one product; a payment may be two fen lower.

    The instalments repay the amount without the balloon. The last one repays at most the mean principal and the
    interest of a period on the amount; the largest of the others repays at least their mean. Without subsidies this
    interest is paid with every instalment, so that none is below the mean principal. The deposit of a lease pays the
    last rents. A loan whose principal is due in one sum has the bound 0.

    Parameters
    ----------
    o : OfferedProduct
        The product.
    term : int
        Months.
    amount : array of int, shape (n,)
        Fen.
    share : array of float, shape (n,)
        Balloon of each loan as a fraction of its amount.

    Examples
    --------
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, funding_rate=0.02, loss_given_default=0.4)
    >>> lowest_payments(bank, 36, np.array([3_600_000, 7_200_000]), np.zeros(2)).tolist()
    [100000.0, 200000.0]
    """
    product, instalments = o.product, term - o.product.deferred_months
    if product.form == "interest_only" or (instalments <= 1 < term):
        return np.zeros(len(amount))
    if not product.subsidies:
        return np.asarray(amount * (1 - share) / instalments)
    rate = max(rates.get(term, 0.0) for rates in o.rates.values())
    interest = amount * rate / 12 * _LONGEST_PERIOD_MONTHS
    deposit = product.lease.deposit_share if product.lease else 0.0
    principal = amount * (1 - share - deposit) / instalments
    return np.asarray(np.maximum(principal - interest / max(instalments - 1, 1), 0.0))
