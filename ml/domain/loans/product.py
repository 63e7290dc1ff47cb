"""Terms of a loan product that do not depend on the amount: repayment form, fees, subsidies, deferral, calendar.

A product is composed, not subclassed: any form combines with any subsidies, fees, deferral and calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.lease import Lease
from ml.domain.loans.rounding import MAX_AMOUNT, ROUNDINGS, LoanError, Rounding, millionths

Form = Literal["equal_instalment", "equal_principal", "interest_only", "balloon", "flat_rate", "finance_lease"]
Charged = Literal["up_front", "per_instalment", "at_maturity"]
Deferral = Literal["interest_free", "interest_only", "with_first_instalment"]
Payer = Literal["maker", "dealer", "state"]
BrokenPeriod = Literal["in_full", "by_days"]

FORMS: tuple[Form, ...] = get_args(Form)
CHARGED: tuple[Charged, ...] = get_args(Charged)
DEFERRALS: tuple[Deferral, ...] = ("interest_free", "interest_only", "with_first_instalment")
PAYERS: tuple[Payer, ...] = ("maker", "dealer", "state")
MONTHLY = PaymentCalendar()


@dataclass(frozen=True, kw_only=True)
class Fee:
    """A fee: a fixed amount, a share of the loan amount, or a yearly share of the balance (exactly one of them).

    Attributes
    ----------
    name : str
        Key of the fee in the catalogue.
    charged : {"up_front", "per_instalment", "at_maturity"}
        Once at disbursement, with every instalment, or once with the last one.
    amount : int
        Fen per charge.
    share : float
        Fraction of the loan amount per charge.
    yearly_share_of_balance : float
        Fraction of the outstanding balance per year, by day count (for example for a guarantee); only per instalment.
    collected_by : str
        Collecting party; fees collected by "lender" count as the lender's income.
    broken_period : {"in_full", "by_days"}
        Charge for a period that early settlement breaks off: the whole instalment's, or its part by days. A yearly
        share of the balance is always charged by days.

    Raises
    ------
    LoanError
        None or several of the three charges are set, or a field is out of range.
    """

    name: str
    charged: Charged
    amount: int = 0
    share: float = 0.0
    yearly_share_of_balance: float = 0.0
    collected_by: str = "lender"
    broken_period: BrokenPeriod = "in_full"

    def __post_init__(self) -> None:
        place = f"fee '{self.name}'"
        if self.charged not in CHARGED:
            raise LoanError(f"{place}: charged must be one of {', '.join(CHARGED)}, got {self.charged!r}")
        if self.broken_period not in ("in_full", "by_days"):
            raise LoanError(f"{place}: broken_period must be 'in_full' or 'by_days', got {self.broken_period!r}")
        if not 0 <= self.amount <= MAX_AMOUNT or self.amount != int(self.amount):
            raise LoanError(f"{place}: amount must be whole fen from 0 to {MAX_AMOUNT}, got {self.amount}")
        charges = (self.amount, self.share, self.yearly_share_of_balance)
        if sum(bool(charge) for charge in charges) != 1:
            raise LoanError(f"{place}: set exactly one of amount, share and yearly_share_of_balance, got {charges}")
        millionths(self.share, f"{place}: share")
        millionths(self.yearly_share_of_balance, f"{place}: yearly_share_of_balance")
        if self.yearly_share_of_balance and self.charged != "per_instalment":
            raise LoanError(f"{place}: yearly_share_of_balance is charged per instalment, got {self.charged!r}")


@dataclass(frozen=True, kw_only=True)
class Subsidy:
    """Interest that the maker, the dealer or the state pays for the borrower (贴息).

    A subsidy never changes the interest of the contract. Each instalment's interest is divided among the payers in the
    order of the product's subsidies; the borrower pays the rest. A cap can therefore never make a cost negative.

    Attributes
    ----------
    payer : {"maker", "dealer", "state"}
        Who pays the subsidy to the lender.
    rate : float
        Part of the contract rate that the payer takes over, fraction per year; 1 for the whole rate.
    lowers_instalment : bool
        True: the instalment is computed at the reduced rate (a buy-down, for example 0% by the maker). False: the
        subsidy is deducted from the interest due (the state's programme).
    share_of_rate : float
        Largest fraction of the remaining rate that the payer takes over.
    months : int, optional
        Number of subsidised months from the start; not with `lowers_instalment`.
    principal : int, optional
        Largest subsidised principal, fen.
    total, per_year : int, optional
        Largest subsidy over the loan and per calendar year of due dates, fen.
    used_this_year : int
        Part of `per_year` already used in the year of disbursement, fen.
    until : date, optional
        Last due date with a subsidy.

    Raises
    ------
    LoanError
        An unknown payer, a share outside 0 to 1, a negative limit, or `months` or `until` with `lowers_instalment`.
    """

    payer: Payer
    rate: float
    lowers_instalment: bool = True
    share_of_rate: float = 1.0
    months: int | None = None
    principal: int | None = None
    total: int | None = None
    per_year: int | None = None
    used_this_year: int = 0
    until: date | None = None

    def __post_init__(self) -> None:
        place = f"subsidy by {self.payer}"
        if self.payer not in PAYERS:
            raise LoanError(f"subsidy: payer must be one of {', '.join(PAYERS)}, got {self.payer!r}")
        millionths(self.rate, f"{place}: rate")
        millionths(self.share_of_rate, f"{place}: share_of_rate")
        limits = {"months": self.months, "principal": self.principal, "total": self.total, "per_year": self.per_year}
        for name, value in {**limits, "used_this_year": self.used_this_year}.items():
            if value is not None and (type(value) is not int or value < 0):
                raise LoanError(f"{place}: {name} must be a whole number of at least 0, got {value!r}")
        if self.lowers_instalment and (self.months is not None or self.until is not None):
            raise LoanError(f"{place}: months and until need lowers_instalment=False")


@dataclass(frozen=True, kw_only=True)
class LoanProduct:
    """A repayment form with fees, subsidies, deferral, payment calendar and rounding.

    Attributes
    ----------
    form : str
        `equal_instalment` 等额本息, `equal_principal` 等额本金, `interest_only` 先息后本 (principal at maturity),
        `balloon` 气球贷 (equal instalments and a larger last payment 到期尾款), `flat_rate` 等本等息 (interest on the
        original amount throughout), `finance_lease` 融资租赁 (level rents, with or without a residual).
    fees : tuple of Fee
        `Fee(...)`, in the order in which they are reported.
    subsidies : tuple of Subsidy
        `Subsidy(...)`; subsidies that lower the instalment come first.
    deferred_months : int
        Months of the term before the first instalment (延期还款).
    deferral : {"interest_free", "interest_only", "with_first_instalment"}
        Interest of the deferred months: none accrues; paid monthly; or paid with the first instalment.
    calendar : PaymentCalendar
        `ml.domain.loans.calendar.PaymentCalendar(...)`; by default 30/360, due on the day of disbursement.
    rounding : {"half_up", "half_even"}
        Rule for an exact half fen.
    lease : Lease, optional
        Deposit and kind of a finance lease; with the form `finance_lease`, and only then.

    Raises
    ------
    LoanError
        An unknown form, deferral or rounding; a negative deferral; subsidies in the wrong order; a lease without the
        form `finance_lease`, or that form without a lease.

    Examples
    --------
    >>> from ml.domain.loans.product import LoanProduct
    >>> LoanProduct(form="balloons")
    Traceback (most recent call last):
    ml.domain.loans.rounding.LoanError: form must be one of equal_instalment, ..., got 'balloons'
    """

    form: Form = "equal_instalment"
    fees: tuple[Fee, ...] = ()
    subsidies: tuple[Subsidy, ...] = ()
    deferred_months: int = 0
    deferral: Deferral = "interest_free"
    calendar: PaymentCalendar = MONTHLY
    rounding: Rounding = "half_up"
    lease: Lease | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("form", self.form, FORMS),
            ("deferral", self.deferral, DEFERRALS),
            ("rounding", self.rounding, ROUNDINGS),
        ):
            if value not in allowed:
                raise LoanError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        if type(self.deferred_months) is not int or self.deferred_months < 0:
            raise LoanError(f"deferred_months must be a whole number of at least 0, got {self.deferred_months!r}")
        if (self.form == "finance_lease") != (self.lease is not None):
            raise LoanError(f"lease must be set if the form is finance_lease, and only then, got {self.form!r}")
        lowering = [s.lowers_instalment for s in self.subsidies]
        if lowering != sorted(lowering, reverse=True):
            raise LoanError("subsidies that lower the instalment must come first: reorder them")

    @property
    def half_up(self) -> int:
        """The rounding rule as a number: 1 for `half_up`, 0 for `half_even`."""
        return int(self.rounding == "half_up")

    @property
    def principal_at_maturity(self) -> bool:
        """Whether principal is due in one sum at maturity (到期尾款), beside the last regular instalment."""
        return self.form in ("balloon", "interest_only")
