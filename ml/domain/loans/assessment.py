"""Credit assessment of proposed loans: each loan has its own probability of default, risk band and decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.loans.application import Vehicle
from ml.domain.loans.rounding import LoanError

DECISIONS = ("approve", "refer", "decline")


@dataclass(frozen=True)
class ProposedLoans:
    """Loans of one applicant as columns of one length.

    Attributes
    ----------
    vehicles : tuple of Vehicle
        Vehicles of the loans.
    vehicle : array of int, shape (n,)
        Index of each loan's vehicle in `vehicles`.
    price, down_payment, amount : array of int, shape (n,)
        Fen; the price is the vehicle's, or another one at which the same vehicle is considered.
    term : array of int, shape (n,)
        Months.
    """

    vehicles: tuple[Vehicle, ...]
    vehicle: IntArray
    price: IntArray
    down_payment: IntArray
    amount: IntArray
    term: IntArray

    @classmethod
    def build(
        cls,
        vehicles: tuple[Vehicle, ...],
        vehicle: npt.ArrayLike,
        down_payment: IntArray,
        term: IntArray,
        *,
        extras: int,
        price: IntArray | None = None,
    ) -> ProposedLoans:
        """Return loans that finance the price and the financed extras less the down payment.

        Parameters
        ----------
        vehicles : tuple of Vehicle
            Vehicles of the loans.
        vehicle : int or array of int, shape (n,)
            Index of each loan's vehicle.
        down_payment : array of int, shape (n,)
            Fen.
        term : array of int, shape (n,)
            Months.
        extras : int
            Extras that each loan finances, fen.
        price : array of int, shape (n,), optional
            Price of the vehicle in each loan, fen; by default the vehicle's own.

        Examples
        --------
        >>> import numpy as np
        >>> from ml.domain.loans.application import Vehicle
        >>> car = Vehicle("V1", 10_000_000, "used")
        >>> ProposedLoans.build((car,), 0, np.array([3_000_000]), np.array([36]), extras=500_000).amount.tolist()
        [7500000]
        """
        index = np.broadcast_to(np.asarray(vehicle, dtype=np.int64), down_payment.shape)
        if price is None:
            price = np.array([v.price for v in vehicles], dtype=np.int64)[index]
        return cls(vehicles, index, price, down_payment, price + extras - down_payment, term)

    def __len__(self) -> int:
        return len(self.term)

    def at(self, rows: npt.NDArray[np.intp] | IntArray | slice) -> ProposedLoans:
        """Return the loans of some rows.

        Examples
        --------
        >>> import numpy as np
        >>> from ml.domain.loans.application import Vehicle
        >>> down, term = np.array([3_000_000, 4_000_000]), np.array([36, 36])
        >>> ProposedLoans.build((Vehicle("V1", 10_000_000, "used"),), 0, down, term, extras=0).at(slice(1)).amount
        array([7000000])
        """
        return ProposedLoans(
            self.vehicles,
            self.vehicle[rows],
            self.price[rows],
            self.down_payment[rows],
            self.amount[rows],
            self.term[rows],
        )


@dataclass(frozen=True)
class Assessment:
    """Credit assessment of loans, in their order.

    Attributes
    ----------
    probability_of_default : array of float, shape (n,)
        0 to 1.
    risk_band : array of str, shape (n,)
        Band that sets the rate, such as "A"; empty above the last band.
    decision : array of str, shape (n,)
        "approve", "refer" or "decline".
    """

    probability_of_default: FloatArray
    risk_band: npt.NDArray[np.str_]
    decision: npt.NDArray[np.str_]

    def at(self, rows: npt.NDArray[np.intp] | IntArray | slice) -> Assessment:
        """Return the assessment of some rows.

        Examples
        --------
        >>> import numpy as np
        >>> fixed_assessment(0.01, risk_band="A").at(slice(0)).decision.tolist()
        []
        """
        return Assessment(self.probability_of_default[rows], self.risk_band[rows], self.decision[rows])


Assess = Callable[[ProposedLoans], Assessment]
"""``(loans) -> assessment``: scores all loans in one batch."""


def fixed_assessment(
    probability_of_default: float, *, risk_band: str, decision: str = "approve", count: int = 1
) -> Assessment:
    """Return the same assessment for `count` loans, such as for an assumed borrower.

    Parameters
    ----------
    probability_of_default : float
        0 to 1.
    risk_band : str
        Band that sets the rate; empty for none.
    decision : {"approve", "refer", "decline"}
        Decision on every loan.
    count : int
        Number of loans.

    Raises
    ------
    LoanError
        The probability is not from 0 to 1, or the decision is unknown.

    Examples
    --------
    >>> fixed_assessment(0.01, risk_band="A", count=2).risk_band.tolist()
    ['A', 'A']
    """
    if not 0 <= probability_of_default <= 1:
        raise LoanError(f"probability_of_default must be from 0 to 1, got {probability_of_default}")
    if decision not in DECISIONS:
        raise LoanError(f"decision must be one of {', '.join(DECISIONS)}, got {decision!r}")
    return Assessment(np.full(count, probability_of_default), np.full(count, risk_band), np.full(count, decision))
