"""Finance lease (融资租赁): rents, refundable deposit, residual and purchase option of a vehicle.

The lessee pays rents as a borrower pays instalments: level, in arrears, with a residual (尾款) that is due with the
last rent. Two things differ in the cash flows. A deposit (保证金) is paid at the start; it bears no interest and comes
back with the last rents or at the end. A purchase option (留购价) is paid with the last rent. Both count in the
annualised cost: the lessee has the use of the financed amount less the deposit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.domain.arrays import BoolArray, IntArray
from ml.domain.loans.rounding import MILLION, LoanError, millionths

LeaseKind = Literal["direct", "leaseback"]
DepositReturn = Literal["last_rents", "at_maturity"]

LEASE_KINDS: tuple[LeaseKind, ...] = ("direct", "leaseback")
DEPOSIT_RETURNS: tuple[DepositReturn, ...] = ("last_rents", "at_maturity")
MAX_DEPOSIT_SHARE = 0.5  # up to half of the amount, exactly one rate of 0 or more explains rents and deposit
PURCHASE_OPTION = "purchase_option"  # name of the fee at maturity with which the lessee acquires the vehicle


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Terms of a finance lease in addition to the rents, such as ``Lease(kind="direct", deposit_share=0.1)``.

    The purchase option is a fee of the product, named `PURCHASE_OPTION` and charged at maturity.

    Attributes
    ----------
    kind : {"direct", "leaseback"}
        直租: the lessor buys the vehicle from the dealer and owns it until the end. 回租: the lessee buys it, sells it
        to the lessor and leases it back; the registration stays with the lessee, with a mortgage for the lessor.
    deposit_share : float
        Deposit as a fraction of the financed amount; it is rounded to whole fen.
    deposit_return : {"last_rents", "at_maturity"}
        The deposit pays the last payments, from the last one back; or it is returned with the last payment.

    Raises
    ------
    LoanError
        An unknown kind or return, or a share that is not from 0 to `MAX_DEPOSIT_SHARE`.
    """

    kind: LeaseKind
    deposit_share: float = 0.0
    deposit_return: DepositReturn = "last_rents"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("kind", self.kind, LEASE_KINDS),
            ("deposit_return", self.deposit_return, DEPOSIT_RETURNS),
        ):
            if value not in allowed:
                raise LoanError(f"lease: {name} must be one of {', '.join(allowed)}, got {value!r}")
        if millionths(self.deposit_share, "lease: deposit_share") > MAX_DEPOSIT_SHARE * MILLION:
            raise LoanError(f"lease: deposit_share must be at most {MAX_DEPOSIT_SHARE}, got {self.deposit_share}")


def deposit_returns(payment: IntArray, deposit: IntArray, pays_rents: BoolArray, term: IntArray) -> IntArray:
    """Return the part of each deposit that comes back in each period; a column sums to its deposit exactly.

    Parameters
    ----------
    payment : array of int, shape (n_periods, n)
        Payments before the deposit, fen; each column sums to at least its deposit.
    deposit : array of int, shape (n,)
        Deposits, fen.
    pays_rents : array of bool, shape (n,)
        True: the deposit pays the last payments, from the last one back; False: it comes back in the last period.
    term : array of int, shape (n,)
        Months; the last period of a lease is ``term - 1``, counted from 0.

    Returns
    -------
    array of int, shape (n_periods, n)
        Fen.

    Examples
    --------
    A deposit of 500 fen pays the last rent of 300 and 200 of the rent before it, or comes back at the end:

    >>> import numpy as np
    >>> payment, deposit, term = np.full((4, 2), 300), np.array([500, 500]), np.array([4, 4])
    >>> deposit_returns(payment, deposit, np.array([True, False]), term).T.tolist()
    [[0, 0, 200, 300], [0, 0, 0, 500]]
    """
    due_to_end = np.cumsum(payment[::-1], axis=0)[::-1]
    covered = np.minimum(due_to_end, deposit)
    covered[:-1] -= covered[1:].copy()
    at_end = deposit * (np.arange(1, len(payment) + 1)[:, None] == term)
    return np.asarray(np.where(pays_rents, covered, at_end))
