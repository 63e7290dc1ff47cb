"""What a loan product fixes whatever the amount: repayment form, fees, subsidies, deferral, calendar and rounding.

A product is composed, not subclassed: any form goes with any subsidies, fees, deferral and calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.rounding import MAX_AMOUNT, ROUNDINGS, LoanError, Rounding, millionths

Form = Literal["equal_instalment", "equal_principal", "interest_only", "balloon", "flat_rate"]
Deferral = Literal["interest_free", "interest_only", "with_first_instalment"]
Payer = Literal["maker", "dealer", "state"]

FORMS: tuple[Form, ...] = ("equal_instalment", "equal_principal", "interest_only", "balloon", "flat_rate")
DEFERRALS: tuple[Deferral, ...] = ("interest_free", "interest_only", "with_first_instalment")
PAYERS: tuple[Payer, ...] = ("maker", "dealer", "state")
MONTHLY = PaymentCalendar()


@dataclass(frozen=True, kw_only=True)
class Fee:
    """One cost beside interest, stated in exactly one way.

    Attributes
    ----------
    name : str
        Key by which its texts are found.
    charged : {"up_front", "per_instalment"}
        Once at disbursement, or with every row in which something falls due.
    amount : int
        Fen for each charge.
    share : float
        Share of the loan amount for each charge.
    yearly_share_of_balance : float
        Yearly share of the outstanding balance, by day count (credit enhancement, say); only per instalment.
    collected_by : str
        Who collects it; "lender" counts as the lender's income.
    """

    name: str
    charged: Literal["up_front", "per_instalment"]
    amount: int = 0
    share: float = 0.0
    yearly_share_of_balance: float = 0.0
    collected_by: str = "lender"

    def __post_init__(self) -> None:
        place = f"fee '{self.name}'"
        if self.charged not in ("up_front", "per_instalment"):
            raise LoanError(f"{place}: charged must be 'up_front' or 'per_instalment', got {self.charged!r}")
        if not 0 <= self.amount <= MAX_AMOUNT or self.amount != int(self.amount):
            raise LoanError(f"{place}: amount must be whole fen from 0 to {MAX_AMOUNT}, got {self.amount}")
        given = (self.amount, self.share, self.yearly_share_of_balance)
        if sum(bool(value) for value in given) != 1:
            raise LoanError(f"{place}: give exactly one of amount, share and yearly_share_of_balance, got {given}")
        millionths(self.share, f"{place}: share")
        millionths(self.yearly_share_of_balance, f"{place}: yearly_share_of_balance")
        if self.yearly_share_of_balance and self.charged == "up_front":
            raise LoanError(f"{place}: yearly_share_of_balance is charged per instalment, got 'up_front'")


@dataclass(frozen=True, kw_only=True)
class Subsidy:
    """Interest that somebody else pays for the borrower.

    The contract's interest is never changed: each row divides it between the payers, in the order of the product's
    subsidies, and what is left the borrower pays. So no cap can make a cost negative or an amount disappear.

    Attributes
    ----------
    payer : {"maker", "dealer", "state"}
        Who pays it.
    rate : float
        Part of the yearly rate that is paid for the borrower; 1 for all of it.
    lowers_instalment : bool
        True where the instalment is reckoned at the lowered rate (buy-down: "0 %", 贴息 by maker or dealer), False
        where it is taken off the interest as it falls due (state programme).
    share_of_rate : float
        Largest share of the rate still borne by the borrower that is paid.
    months : int, optional
        Only the first months; not with `lowers_instalment`.
    principal : int, optional
        Fen; interest on principal above it is not subsidised.
    total, per_year : int, optional
        Fen; most that is paid over the loan, and in a calendar year of due dates.
    used_this_year : int
        Fen already used of `per_year` in the year of disbursement.
    until : date, optional
        Rows due after it are not subsidised.
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
            raise LoanError(f"{place}: months and until go only with lowers_instalment=False")


@dataclass(frozen=True, kw_only=True)
class LoanProduct:
    """A form of repayment with its fees, subsidies, deferral, calendar and rounding.

    Attributes
    ----------
    form : str
        `equal_instalment` 等额本息, `equal_principal` 等额本金, `interest_only` 先息后本 (principal at maturity),
        `balloon` 气球贷 (equal instalments and a larger last one), `flat_rate` 等本等息 (interest on the original
        amount to the end).
    fees : tuple of Fee
    subsidies : tuple of Subsidy
        Those that lower the instalment first.
    deferred_months : int
        Months of the term before the first instalment (递延, 延期首付款).
    deferral : {"interest_free", "interest_only", "with_first_instalment"}
        What becomes of their interest: none accrues; it is paid monthly; or it is paid with the first instalment.
    calendar : PaymentCalendar
    rounding : {"half_up", "half_even"}

    Examples
    --------
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
        lowering = [s.lowers_instalment for s in self.subsidies]
        if lowering != sorted(lowering, reverse=True):
            raise LoanError("subsidies that lower the instalment must come first: reorder them")

    @property
    def half_up(self) -> int:
        """1 where an exact half is rounded up, 0 where to the even neighbour."""
        return int(self.rounding == "half_up")
