"""Monthly payments of one product by term and down payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.candidates import RULES, price_candidates
from ml.domain.loans.rounding import LoanError


@dataclass(frozen=True)
class Cell:
    """One combination.

    Attributes
    ----------
    monthly_payment : int
        Fen.
    nominal_rate : float
        Annualised cost.
    violations : tuple of str
        Rules it breaks, in the order of `candidates.RULES`; empty where it can be had.
    """

    monthly_payment: int
    nominal_rate: float
    violations: tuple[str, ...]


@dataclass(frozen=True)
class PaymentGrid:
    """Terms (months) down, down payments (fen) across."""

    terms: tuple[int, ...]
    down_payments: tuple[int, ...]
    cells: tuple[tuple[Cell, ...], ...]


def payment_grid(
    application: Application,
    offered: OfferedProduct,
    down_payments: Sequence[int],
    *,
    probability_of_default: float,
    policy: Policy,
    start: date,
) -> PaymentGrid:
    """Price every term of a product with every down payment; the application's own down payment plays no part.

    Parameters
    ----------
    application : Application
    offered : OfferedProduct
        With the form `balloon`, the first of its balloon shares is used.
    down_payments : sequence of int
        Fen, below the price.
    probability_of_default : float
    policy : Policy
    start : date
        Day of disbursement.

    Raises
    ------
    LoanError
        No down payment given, or one that is negative or not below the price.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.0, 24: 0.0},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.0, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> asked = Application(Applicant(30, 2_000_000), Vehicle("V1", 12_000_000, "used"), down_payment=0)
    >>> grid = payment_grid(asked, bank, [0, 6_000_000], probability_of_default=0, policy=policy,
    ...     start=date(2026, 1, 15))
    >>> [[(cell.monthly_payment, cell.violations) for cell in row] for row in grid.cells]
    [[(1000000, ('loan_to_value',)), (500000, ())], [(500000, ('loan_to_value',)), (250000, ())]]
    """
    vehicle_price = application.vehicle.price
    if not down_payments:
        raise LoanError("down_payments must hold at least one amount")
    if wrong := [d for d in down_payments if not 0 <= d < vehicle_price]:
        raise LoanError(
            f"down_payments must lie from 0 to below the vehicle's price of {vehicle_price}, got {wrong[0]}"
        )
    share = offered.balloon_shares[0] if offered.balloon_shares else 0.0
    rows = [(0, term, rate, d, share) for term, rate in sorted(offered.rates.items()) for d in down_payments]
    found = price_candidates(
        application, [offered], rows, probability_of_default=probability_of_default, policy=policy, start=start
    )
    cells = [
        Cell(
            int(found.prices.monthly_payment[i]),
            float(found.prices.nominal_rate[i]),
            tuple(rule for rule in RULES if found.violations[rule][i]),
        )
        for i in range(len(rows))
    ]
    across = len(down_payments)
    return PaymentGrid(
        tuple(sorted(offered.rates)),
        tuple(down_payments),
        tuple(tuple(cells[k : k + across]) for k in range(0, len(cells), across)),
    )
