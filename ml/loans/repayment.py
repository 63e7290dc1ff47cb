"""Repayment of a loan that is agreed: its schedule, and the quote for settling it early."""

from __future__ import annotations

from datetime import date

from features.errors import DataError
from ml.domain.loans.loan import Loan
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import Settlement, settle
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import product_by_name


def schedule_for(loan: Loan, on: date) -> Schedule:
    """Return the repayment schedule of a loan disbursed on the day `on`.

    Parameters
    ----------
    loan : Loan
        As returned by `ml.loans.loan_terms.build_loan`, or the `loan` of an offer of
        `ml.loans.quotes.offers_for`.
    on : date
        Day of disbursement.

    Returns
    -------
    Schedule
        `rows`, one per month, each with `due`, `principal`, `interest`, `fee`, `payment` and `balance`; `fees`; and the
        totals `up_front`, `total_interest`, `total_fees`, `total_cost` and `total_payment`. Amounts in fen.

    Raises
    ------
    DataError
        The first due date is not after disbursement.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> terms = LoanTerms(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> lending = read_lending(Path("configs"))
    >>> schedule = schedule_for(build_loan(lending, terms), on=date(2026, 9, 1))
    >>> schedule.rows[0].payment, schedule.total_interest
    (284687, 524405)
    """
    try:
        return schedule(loan, on)
    except LoanError as error:
        raise DataError(str(error)) from None


def settlement_for(lending: Lending, name: str, schedule: Schedule, on: date) -> Settlement:
    """Return the quote for settling a loan early, by the terms of the product's lender.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.
    on : date
        Day of settlement.

    Returns
    -------
    Settlement
        `outstanding`, `accrued_interest`, `accrued_fees`, `penalty`, `rebate`, `total` (amount to pay),
        `interest_saved` (without fees) and `cost_saved` (with fees, rebate and penalty), in fen.

    Raises
    ------
    DataError
        The product is unknown, or the day is before disbursement or after maturity.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.repayment import schedule_for
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> terms = LoanTerms(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> lending = read_lending(Path("configs"))
    >>> schedule = schedule_for(build_loan(lending, terms), on=date(2026, 9, 1))
    >>> quote = settlement_for(lending, "bank_standard", schedule, on=date(2027, 9, 10))
    >>> quote.outstanding, quote.accrued_interest, quote.total
    (6782458, 5935, 6788393)
    """
    lender = lending.catalogue.lenders[product_by_name(lending, name).lender]
    try:
        return settle(schedule, on, rule=lender.early_settlement.rule)
    except LoanError as error:
        raise DataError(str(error)) from None
