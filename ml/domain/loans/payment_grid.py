"""Table of one product's monthly payments by term and down payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.candidates import RULES, price_candidates
from ml.domain.loans.rounding import LoanError


@dataclass(frozen=True)
class Cell:
    """One combination of term and down payment, an element of `PaymentGrid.cells`.

    Attributes
    ----------
    monthly_payment : int
        Fen.
    nominal_rate : float
        Nominal annualised cost, fraction per year.
    violations : tuple of str
        Rules that exclude the combination, in the order of `candidates.RULES`; empty if it is feasible.
    """

    monthly_payment: int
    nominal_rate: float
    violations: tuple[str, ...]


@dataclass(frozen=True)
class PaymentGrid:
    """Cells by term and down payment, as returned by `payment_grid`.

    Attributes
    ----------
    terms : tuple of int
        Months, ascending; one row of cells each.
    down_payments : tuple of int
        Fen; one column of cells each.
    cells : tuple of tuple of Cell
        ``cells[i][j]`` has term `i` and down payment `j`.
    """

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
    """Return the monthly payment of every combination of a product's terms with the down payments.

    Parameters
    ----------
    application : Application
        Applicant and vehicle; its own down payment and term are ignored.
    offered : OfferedProduct
        As returned by `ml.loans.eligibility.offered_product`. Its first balloon share is used.
    down_payments : sequence of int
        Fen, from 0 to below the price.
    probability_of_default : float
        Used for the rule on expected profit only.
    policy : Policy
        Limits of the day, as returned by
        ``ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)``.
    start : date
        Day of disbursement.

    Returns
    -------
    PaymentGrid
        Monthly payments in fen, rates as fractions per year, and violated rules.

    Raises
    ------
    LoanError
        There is no down payment, or one is negative or not below the price.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.payment_grid import payment_grid
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.0, 24: 0.0},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.0, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 12_000_000, "used"), down_payment=0)
    >>> grid = payment_grid(application, bank, [0, 6_000_000], probability_of_default=0, policy=policy,
    ...     start=date(2026, 1, 15))
    >>> [[(cell.monthly_payment, cell.violations) for cell in row] for row in grid.cells]
    [[(1000000, ('loan_to_value',)), (500000, ())], [(500000, ('loan_to_value',)), (250000, ())]]
    """
    vehicle_price = application.vehicle.price
    if not down_payments:
        raise LoanError("down_payments must have at least one amount")
    if invalid := [d for d in down_payments if not 0 <= d < vehicle_price]:
        limit, down = vehicle_price / 100, invalid[0] / 100
        raise LoanError(f"down_payments must be from 0 to below the price of {limit:.2f} yuan, got {down:.2f} yuan")
    share = offered.balloon_shares[0] if offered.balloon_shares else 0.0
    rows = [(0, term, rate, d, share) for term, rate in sorted(offered.rates.items()) for d in down_payments]
    combinations = price_candidates(
        application, [offered], rows, probability_of_default=probability_of_default, policy=policy, start=start
    )
    cells = [
        Cell(
            int(combinations.prices.monthly_payment[i]),
            float(combinations.prices.nominal_rate[i]),
            tuple(rule for rule in RULES if combinations.violations[rule][i]),
        )
        for i in range(len(rows))
    ]
    n_columns = len(down_payments)
    return PaymentGrid(
        tuple(sorted(offered.rates)),
        tuple(down_payments),
        tuple(tuple(cells[k : k + n_columns]) for k in range(0, len(cells), n_columns)),
    )
