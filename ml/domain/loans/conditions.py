"""Conditions of the products of many loans, as columns: one value per loan.

A batch of loans is computed column by column, whatever the number of its products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, IndexArray, IntArray
from ml.domain.loans.calendar import PaymentCalendar, Periods, periods
from ml.domain.loans.lease import Lease
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import millionths

NO_LIMIT = 2**62  # in place of a limit that is not set


@dataclass(frozen=True)
class SubsidyColumns:
    """The first, second, ... subsidy of each loan that has one; a limit that is not set is `NO_LIMIT`.

    Attributes
    ----------
    loans : array of int, shape (m,)
        Positions of the m loans in the batch; all other arrays have this shape.
    rate, share_of_rate : array of int
        Millionths.
    lowers_instalment : array of bool
    months : array of int
    principal, total, per_year, used_this_year : array of int
        Fen.
    until : array of int
        Proleptic ordinal of the last due date with a subsidy.
    """

    loans: IndexArray
    rate: IntArray
    share_of_rate: IntArray
    lowers_instalment: BoolArray
    months: IntArray
    principal: IntArray
    total: IntArray
    per_year: IntArray
    used_this_year: IntArray
    until: IntArray

    @classmethod
    def of(cls, loans: IndexArray, subsidies: Sequence[Subsidy], index: IntArray) -> Self:
        """Return the columns of subsidies, of which `index` selects one for each of `loans`."""
        rate, share, lowers, *limits = _columns([_subsidy_values(s) for s in subsidies], index)
        return cls(loans, rate, share, lowers.astype(bool), *limits)


@dataclass(frozen=True)
class FeeColumns:
    """The first, second, ... fee of each loan that has one.

    Attributes
    ----------
    loans : array of int, shape (m,)
        Positions of the m loans in the batch; all other arrays have this shape.
    amount : array of int
        Fen per charge.
    share, yearly_share_of_balance : array of int
        Millionths.
    up_front, at_maturity, lender_collects : array of bool
        Whether the fee is charged at disbursement, or with the last instalment; and whether the lender collects it.
    """

    loans: IndexArray
    amount: IntArray
    share: IntArray
    yearly_share_of_balance: IntArray
    up_front: BoolArray
    at_maturity: BoolArray
    lender_collects: BoolArray

    @classmethod
    def of(cls, loans: IndexArray, fees: Sequence[Fee], index: IntArray) -> Self:
        """Return the columns of fees, of which `index` selects one for each of `loans`."""
        amount, share, yearly, *flags = _columns([_fee_values(f) for f in fees], index)
        return cls(loans, amount, share, yearly, *(flag.astype(bool) for flag in flags))


C = TypeVar("C", SubsidyColumns, FeeColumns)


@dataclass(frozen=True)
class Conditions:
    """Conditions of n loans, as returned by `Conditions.of`.

    Attributes
    ----------
    denominator, half_up, deferred_months : array of int, shape (n,)
        Of the day count, of the rounding rule (`LoanProduct.half_up`), and months before the first instalment.
    deposit_share : array of int, shape (n,)
        Deposit of a finance lease as a share of the amount, millionths; 0 for a loan.
    deposit_pays_rents : array of bool, shape (n,)
        Whether the deposit pays the last rents.
    form, deferral : array of str, shape (n,)
        As in `LoanProduct`.
    calendars : tuple of PaymentCalendar
        The different calendars of the loans.
    calendar : array of int, shape (n,)
        Index of each loan's calendar in `calendars`.
    subsidies, fees : tuple of SubsidyColumns, tuple of FeeColumns
        The first, second, ... of each loan.
    """

    denominator: IntArray
    half_up: IntArray
    deferred_months: IntArray
    deposit_share: IntArray
    deposit_pays_rents: BoolArray
    form: NDArray[np.str_]
    deferral: NDArray[np.str_]
    calendars: tuple[PaymentCalendar, ...]
    calendar: IntArray
    subsidies: tuple[SubsidyColumns, ...]
    fees: tuple[FeeColumns, ...]

    @classmethod
    def of(cls, products: Sequence[LoanProduct], product: IntArray) -> Self:
        """Return the conditions of loans.

        Parameters
        ----------
        products : sequence of LoanProduct
            `ml.domain.loans.product.LoanProduct(...)`.
        product : array of int, shape (n,)
            Index of each loan's product.

        Examples
        --------
        >>> import numpy as np
        >>> from ml.domain.loans.conditions import Conditions
        >>> from ml.domain.loans.product import LoanProduct, Subsidy
        >>> products = LoanProduct(), LoanProduct(subsidies=(Subsidy(payer="maker", rate=0.02),), deferred_months=3)
        >>> conditions = Conditions.of(products, np.array([1, 0, 1]))
        >>> conditions.deferred_months.tolist(), [s.loans.tolist() for s in conditions.subsidies]
        ([3, 0, 3], [[0, 2]])
        """
        calendars = {calendar: i for i, calendar in enumerate(dict.fromkeys(p.calendar for p in products))}
        columns = [
            (p.calendar.denominator, p.half_up, p.deferred_months, calendars[p.calendar], *_deposit_values(p.lease))
            for p in products
        ]
        denominator, half_up, deferred_months, calendar, deposit_share, pays_rents = _columns(columns, product)
        return cls(
            denominator,
            half_up,
            deferred_months,
            deposit_share,
            pays_rents.astype(bool),
            np.array([p.form for p in products])[product],
            np.array([p.deferral for p in products])[product],
            tuple(calendars),
            calendar,
            tuple(SubsidyColumns.of(*kth) for kth in _by_position([p.subsidies for p in products], product)),
            tuple(FeeColumns.of(*kth) for kth in _by_position([p.fees for p in products], product)),
        )

    def at(self, rows: IndexArray | slice) -> Conditions:
        """Return the conditions of the loans in some rows; a slice has start and stop, and copies nothing.

        Examples
        --------
        >>> import numpy as np
        >>> from ml.domain.loans.conditions import Conditions
        >>> from ml.domain.loans.product import Fee, LoanProduct
        >>> products = LoanProduct(), LoanProduct(fees=(Fee(name="desk", charged="up_front", amount=500),))
        >>> conditions = Conditions.of(products, np.array([0, 1, 1])).at(np.array([2, 0]))
        >>> [(fee.loans.tolist(), fee.amount.tolist()) for fee in conditions.fees]
        [([0], [500])]
        """
        return Conditions(
            self.denominator[rows],
            self.half_up[rows],
            self.deferred_months[rows],
            self.deposit_share[rows],
            self.deposit_pays_rents[rows],
            self.form[rows],
            self.deferral[rows],
            self.calendars,
            self.calendar[rows],
            tuple(_at(subsidy, rows, len(self.form)) for subsidy in self.subsidies),
            tuple(_at(fee, rows, len(self.form)) for fee in self.fees),
        )

    def periods(self, start: date, count: int) -> LoanPeriods:
        """Return due dates and interest periods of the loans.

        Parameters
        ----------
        start : date
            Day of disbursement of all loans.
        count : int
            Number of periods.

        Raises
        ------
        LoanError
            The first due date of a calendar is not after disbursement.

        Examples
        --------
        >>> from datetime import date
        >>> import numpy as np
        >>> from ml.domain.loans.conditions import Conditions
        >>> from ml.domain.loans.product import LoanProduct
        >>> Conditions.of((LoanProduct(),), np.array([0, 0])).periods(date(2026, 1, 31), 2).by_loan("days").tolist()
        [[28, 28], [31, 31]]
        """
        return LoanPeriods(tuple(periods(calendar, start, count) for calendar in self.calendars), self.calendar)


@dataclass(frozen=True)
class LoanPeriods:
    """Due dates and interest periods of n loans, as returned by `Conditions.periods`.

    Attributes
    ----------
    calendars : tuple of Periods
        Periods of the different calendars.
    calendar : array of int, shape (n,)
        Index of each loan's periods in `calendars`.
    """

    calendars: tuple[Periods, ...]
    calendar: IntArray

    @property
    def first_year(self) -> int:
        """Calendar year of disbursement."""
        return self.calendars[0].first_year

    def by_loan(self, name: str, loans: IndexArray | slice = slice(None)) -> NDArray[Any]:
        """Return an array of `Periods`, such as "numerator" or "year", for some loans: shape (n_periods, n)."""
        return _by_loan([getattr(dates, name) for dates in self.calendars], self.calendar[loans])

    def due(self, loans: IndexArray) -> IntArray:
        """Return the proleptic ordinals of the due dates of some loans, shape (n_periods, n)."""
        return _by_loan([[day.toordinal() for day in dates.due] for dates in self.calendars], self.calendar[loans])


def _by_loan(by_calendar: list[Any], calendar: IntArray) -> NDArray[Any]:
    return np.take(np.array(by_calendar).T, calendar, axis=1)


def _columns(values: Sequence[tuple[int, ...]], index: IntArray) -> IntArray:
    return np.take(np.array(values, dtype=np.int64).T, index, axis=1)


def _by_position(items: list[tuple[Any, ...]], product: IntArray) -> list[tuple[IndexArray, list[Any], IntArray]]:
    """Return the loans with a first, second, ... item of their product, all of these, and the index of each loan's."""
    counts = np.array([len(of_product) for of_product in items])
    result = []
    for k in range(counts[product].max()):
        loans = np.flatnonzero(counts[product] > k)
        index = (np.cumsum(counts > k) - 1)[product[loans]]
        result.append((loans, [of_product[k] for of_product in items if len(of_product) > k], index))
    return result


def _at(columns: C, rows: IndexArray | slice, count: int) -> C:
    places: IndexArray | slice
    if isinstance(rows, slice):
        places = slice(*np.searchsorted(columns.loans, [rows.start, rows.stop]))
        loans = columns.loans[places] - rows.start
    else:
        place = np.full(count, -1)
        place[columns.loans] = np.arange(len(columns.loans))
        loans = np.flatnonzero(place[rows] >= 0)
        places = place[rows][loans]
    names = [field.name for field in fields(columns) if field.name != "loans"]
    return replace(columns, loans=loans, **{name: getattr(columns, name)[places] for name in names})


def _subsidy_values(subsidy: Subsidy) -> tuple[int, ...]:
    def limit(value: int | None) -> int:
        return NO_LIMIT if value is None else value

    return (
        millionths(subsidy.rate, "rate"),
        millionths(subsidy.share_of_rate, "share_of_rate"),
        subsidy.lowers_instalment,
        limit(subsidy.months),
        limit(subsidy.principal),
        limit(subsidy.total),
        limit(subsidy.per_year),
        subsidy.used_this_year,
        (subsidy.until or date.max).toordinal(),
    )


def _deposit_values(lease: Lease | None) -> tuple[int, bool]:
    if lease is None:
        return 0, False
    return millionths(lease.deposit_share, "deposit_share"), lease.deposit_return == "last_rents"


def _fee_values(fee: Fee) -> tuple[int, ...]:
    return (
        fee.amount,
        millionths(fee.share, fee.name),
        millionths(fee.yearly_share_of_balance, fee.name),
        fee.charged == "up_front",
        fee.charged == "at_maturity",
        fee.collected_by == "lender",
    )
