"""Table of one product's monthly payments by term and down payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import Assess
from ml.domain.loans.candidates import RULES, CandidateRows, Candidates, price_candidates
from ml.domain.loans.rounding import LoanError


@dataclass(frozen=True)
class Cell:
    """One combination of term and down payment, an element of `PaymentGrid.cells`.

    Attributes
    ----------
    monthly_payment : int or None
        Fen; None if the loan's own risk band has no rate.
    nominal_rate : float or None
        Nominal annualised cost, fraction per year; None without a price, or if fees leave nothing of the loan.
    probability_of_default : float
        Of this loan, 0 to 1.
    decision : str
        "approve", "refer" or "decline".
    violations : tuple of str
        Rules that exclude the combination, in the order of `candidates.RULES`; empty if it is feasible.
    """

    monthly_payment: int | None
    nominal_rate: float | None
    probability_of_default: float
    decision: str
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
    assess: Assess,
    policy: Policy,
    start: date,
) -> PaymentGrid:
    """Return the monthly payment of every combination of a product's terms with the down payments.

    Parameters
    ----------
    application : Application
        Applicant, vehicle, extras and trade-in; its own down payment and term are ignored.
    offered : OfferedProduct
        As returned by `ml.loans.eligibility.offered_product`. Its first balloon share is used.
    down_payments : sequence of int
        Fen, trade-in included: from its net value (0 without a trade-in) to below the price.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`; every cell has its own risk and rate.
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
        There is no down payment, or one is below the trade-in's net value or not below the price.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.payment_grid import payment_grid
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {12: 0.0, 24: 0.0}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.0, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 12_000_000, "used"), down_payment=0)
    >>> grid = payment_grid(application, bank, [0, 6_000_000], policy=policy, start=date(2026, 1, 15),
    ...     assess=lambda loans: fixed_assessment(0.0, risk_band="A", count=len(loans)))
    >>> [[(cell.monthly_payment, cell.violations) for cell in row] for row in grid.cells]
    [[(1000000, ('loan_to_value',)), (500000, ())], [(500000, ('loan_to_value',)), (250000, ())]]
    """
    vehicle_price, terms, n_columns = application.vehicle.price, offered.terms, len(down_payments)
    if not down_payments:
        raise LoanError("down_payments must have at least one amount")
    lowest = application.trade_in
    if invalid := [d for d in down_payments if not lowest <= d < vehicle_price]:
        start_text = f"the trade-in's net value of {lowest / 100:.2f} yuan" if lowest else "0"
        limit, down = vehicle_price / 100, invalid[0] / 100
        raise LoanError(
            f"down_payments must be from {start_text} to below the price of {limit:.2f} yuan, got {down:.2f} yuan"
        )
    n_rows = len(terms) * n_columns
    rows = CandidateRows(
        product=np.zeros(n_rows, dtype=np.int64),
        term=np.repeat(terms, n_columns),
        down_payment=np.tile(down_payments, len(terms)),
        balloon_share=np.full(n_rows, offered.balloon_shares[0] if offered.balloon_shares else 0.0),
    )
    priced = price_candidates(application, [offered], rows, assess=assess, policy=policy, start=start)
    cells = [_cell(priced, i) for i in range(n_rows)]
    return PaymentGrid(
        terms,
        tuple(down_payments),
        tuple(tuple(cells[k : k + n_columns]) for k in range(0, n_rows, n_columns)),
    )


def _cell(priced: Candidates, i: int) -> Cell:
    row, prices, assessment = priced.price_row(i), priced.prices, priced.assessment
    payment = rate = None
    if row is not None and prices is not None:
        payment, rate = int(prices.monthly_payment[row]), float(prices.nominal_rate[row])
    return Cell(
        payment,
        rate if rate is not None and np.isfinite(rate) else None,
        float(assessment.probability_of_default[i]),
        str(assessment.decision[i]),
        tuple(rule for rule in RULES if priced.violations[rule][i]),
    )
