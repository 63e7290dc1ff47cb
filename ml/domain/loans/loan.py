"""One loan, and a batch of loans as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import IndexArray, IntArray
from ml.domain.loans.conditions import Conditions
from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import MAX_AMOUNT, MILLION, LoanError, millionths

MAX_TERM_MONTHS = 120


@dataclass(frozen=True)
class Loan:
    """One loan.

    Attributes
    ----------
    product : LoanProduct
        `ml.domain.loans.product.LoanProduct(...)`.
    amount : int
        Principal in fen.
    annual_rate : float
        Contract rate, fraction per year with at most six decimals; the flat rate for the form `flat_rate`.
    term_months : int
        Months to maturity, 1 to 120, including deferred months.
    balloon : int
        Principal due at maturity in addition to the last instalment, fen: with the form `balloon`, and with
        `finance_lease` the residual, which may be 0.

    Raises
    ------
    LoanError
        A field is out of range; the message names the field, the rule and the value.

    Examples
    --------
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=0)
    Traceback (most recent call last):
    ml.domain.loans.rounding.LoanError: term_months must be a whole number from 1 to 120, got 0
    """

    product: LoanProduct
    amount: int
    annual_rate: float
    term_months: int
    balloon: int = 0

    def __post_init__(self) -> None:
        LoanBatch.of([self])


@dataclass(frozen=True)
class LoanBatch:
    """Loans as columns; made by `LoanBatch.build` or `LoanBatch.of`.

    Attributes
    ----------
    products : tuple of LoanProduct
        Products of the loans.
    product : array of int, shape (n,)
        Index of each loan's product in `products`.
    amount, rate, term, balloon : array of int, shape (n,)
        Principal in fen, contract rate in millionths, term in months, balloon in fen.
    conditions : Conditions
        Conditions of the products, by loan.
    """

    products: tuple[LoanProduct, ...]
    product: IntArray
    amount: IntArray
    rate: IntArray
    term: IntArray
    balloon: IntArray
    conditions: Conditions

    @classmethod
    def of(cls, loans: Sequence[Loan]) -> Self:
        """Return a batch of loans.

        Parameters
        ----------
        loans : sequence of Loan
            At least one.

        Raises
        ------
        LoanError
            There is no loan.

        Examples
        --------
        >>> from ml.domain.loans.loan import Loan, LoanBatch
        >>> from ml.domain.loans.product import LoanProduct
        >>> len(LoanBatch.of([Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36)]))
        1
        """
        products = tuple(dict.fromkeys(loan.product for loan in loans))
        place = {product: i for i, product in enumerate(products)}
        return cls.build(
            products,
            [place[loan.product] for loan in loans],
            amount=[loan.amount for loan in loans],
            annual_rate=[loan.annual_rate for loan in loans],
            term_months=[loan.term_months for loan in loans],
            balloon=[loan.balloon for loan in loans],
        )

    @classmethod
    def build(
        cls,
        products: tuple[LoanProduct, ...],
        product: npt.ArrayLike,
        *,
        amount: npt.ArrayLike,
        annual_rate: npt.ArrayLike,
        term_months: npt.ArrayLike,
        balloon: npt.ArrayLike = 0,
    ) -> Self:
        """Return a batch from arrays of one length, or single values that hold for every loan.

        Parameters
        ----------
        products : tuple of LoanProduct
            `ml.domain.loans.product.LoanProduct(...)`.
        product : array of int, shape (n,)
            Index of each loan's product in `products`.
        amount, balloon : int or array of int
            Fen.
        annual_rate : float or array of float
            Contract rate, fraction per year.
        term_months : int or array of int
            Months, 1 to 120.

        Raises
        ------
        LoanError
            A value violates a rule of `Loan`, or lengths differ.

        Examples
        --------
        >>> from ml.domain.loans.loan import LoanBatch
        >>> from ml.domain.loans.product import LoanProduct
        >>> batch = LoanBatch.build((LoanProduct(),), [0, 0], amount=10_000_000, annual_rate=0.06, term_months=[12, 24])
        >>> batch.rate.tolist(), len(batch)
        ([60000, 60000], 2)
        """
        product_index = _whole(product, "product", 0, len(products) - 1)
        n = len(product_index)
        batch = cls(
            products,
            product_index,
            amount=_fen_column(amount, "amount", 1, n),
            rate=_column(_millionths(annual_rate), "annual_rate", 0, MILLION, n),
            term=_column(term_months, "term_months", 1, MAX_TERM_MONTHS, n),
            balloon=_fen_column(balloon, "balloon", 0, n),
            conditions=Conditions.of(products, product_index),
        )
        batch._check()
        return batch

    def __len__(self) -> int:
        return len(self.amount)

    def at(self, rows: IndexArray | slice) -> Self:
        """Return the loans in some rows; a slice has start and stop, and copies nothing.

        Examples
        --------
        >>> import numpy as np
        >>> from ml.domain.loans.loan import LoanBatch
        >>> from ml.domain.loans.product import LoanProduct
        >>> batch = LoanBatch.build((LoanProduct(),), [0, 0], amount=10_000_000, annual_rate=0.06, term_months=[12, 24])
        >>> batch.at(np.array([1])).term.tolist()
        [24]
        """
        return type(self)(
            self.products,
            self.product[rows],
            self.amount[rows],
            self.rate[rows],
            self.term[rows],
            self.balloon[rows],
            self.conditions.at(rows),
        )

    def _check(self) -> None:
        deferred = self.conditions.deferred_months
        if (too_short := self.term <= deferred).any():
            i = int(np.argmax(too_short))
            raise LoanError(f"term_months must exceed the {deferred[i]} deferred months, got {self.term[i]}")
        is_balloon, is_lease = self.conditions.form == "balloon", self.conditions.form == "finance_lease"
        if (balloons := ~is_balloon & ~is_lease & (self.balloon != 0)).any():
            i = int(np.argmax(balloons))
            form = self.conditions.form[i]
            raise LoanError(f"balloon must be 0 with the form {form}, got {self.balloon[i] / 100:.2f} yuan")
        too_large = (is_balloon | is_lease) & (self.balloon >= self.amount)
        if (invalid := (is_balloon & (self.balloon < 1)) | too_large).any():
            i = int(np.argmax(invalid))
            amount, balloon = self.amount[i] / 100, self.balloon[i] / 100
            limits = f"above 0 and below the amount of {amount:.2f} yuan"
            raise LoanError(f"balloon must be {limits}, got {balloon:.2f} yuan")


def _whole(values: npt.ArrayLike, name: str, low: int, high: int) -> IntArray:
    array = np.atleast_1d(np.asarray(values))
    if array.size == 0:
        raise LoanError(f"{name}: the batch is empty; give at least one loan")
    if array.dtype.kind not in "iuf":
        raise LoanError(f"{name} must be a whole number from {low} to {high}, got {array.ravel()[0]!r}")
    invalid = ~((array >= low) & (array <= high) & (array == np.floor(array)))  # true for NaN
    if invalid.any():
        raise LoanError(f"{name} must be a whole number from {low} to {high}, got {array[invalid][0]}")
    return array.astype(np.int64)


def _column(values: npt.ArrayLike, name: str, low: int, high: int, n: int) -> IntArray:
    array = _whole(values, name, low, high)
    if len(array) not in (1, n):
        raise LoanError(f"{name} must have 1 or {n} values, got {len(array)}")
    return np.repeat(array, n) if len(array) == 1 != n else array


def _fen_column(values: npt.ArrayLike, name: str, low: int, n: int) -> IntArray:
    array = np.atleast_1d(np.asarray(values))
    invalid = (array < low) | (array > MAX_AMOUNT) if array.dtype.kind in "iuf" else np.zeros(array.shape, dtype=bool)
    if invalid.any():
        limits = f"from {low / 100:.2f} to {MAX_AMOUNT / 100:.2f} yuan"
        raise LoanError(f"{name} must be {limits}, got {array[invalid][0] / 100:.2f} yuan")
    return _column(values, name, low, MAX_AMOUNT, n)


def _millionths(rates: npt.ArrayLike) -> IntArray:
    values = np.atleast_1d(np.asarray(rates, dtype=np.float64))
    distinct, index = np.unique(values, return_inverse=True)
    parts = np.array([millionths(float(rate), "annual_rate") for rate in distinct], dtype=np.int64)
    return parts[index]
