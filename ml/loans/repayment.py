"""Repayment of a loan that is agreed: its schedule, and quotes for settling it, prepaying a part, or leaving it."""

from __future__ import annotations

from datetime import date

from features.errors import DataError
from ml.domain.loans.leaving import Leaving, leave
from ml.domain.loans.loan import Loan
from ml.domain.loans.prepayment import Prepayment, Treatment, prepay, prepayment_limits
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import Settlement, SettlementRule, settle
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
    try:
        return settle(schedule, on, rule=_rule(lending, name))
    except LoanError as error:
        raise DataError(str(error)) from None


def prepayment_for(
    lending: Lending, name: str, schedule: Schedule, on: date, *, amount: int, treatment: Treatment
) -> Prepayment:
    """Return the quote for repaying a part of the principal early, by the terms of the product's lender.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.
    on : date
        Day of the prepayment.
    amount : int
        Principal to repay, fen.
    treatment : {"shorter_term", "lower_instalment"}
        Fewer instalments that are no larger than before, or smaller instalments up to the same maturity.

    Returns
    -------
    Prepayment
        `accrued_interest`, `accrued_fees`, `penalty`, `total` (amount to pay), `interest_saved` and `cost_saved`, in
        fen; `schedule` has the instalments after the day.

    Raises
    ------
    DataError
        The product is unknown, the day is outside the loan, the amount is below the lender's minimum or not below the
        balance, or the treatment does not fit the repayment form.

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
    >>> day = date(2027, 9, 1)
    >>> quote = prepayment_for(lending, "bank_standard", schedule, day, amount=2_000_000, treatment="shorter_term")
    >>> quote.total, len(quote.schedule.rows), quote.interest_saved
    (2000000, 17, 123521)
    """
    rule = _rule(lending, name)
    try:
        low, high = prepayment_limits(schedule, on, rule=rule)
        if low > high:
            raise DataError(
                f"the lender's minimum is {low / 100:.2f} yuan, and on {on} at most {high / 100:.2f} yuan can be "
                f"prepaid in part, got {amount / 100:.2f}: settle the loan in full"
            )
        if not low <= amount <= high:
            limits = f"from {low / 100:.2f} to {high / 100:.2f} yuan"
            remedy = "settle the loan in full" if amount > high else "prepay more"
            raise DataError(f"amount of a prepayment on {on} must be {limits}, got {amount / 100:.2f}; {remedy}")
        return prepay(schedule, on, amount, treatment=treatment, rule=rule)
    except LoanError as error:
        raise DataError(str(error)) from None


def leaving_for(
    lending: Lending, name: str, schedule: Schedule, months: int, *, resale_value: int | None = None
) -> Leaving:
    """Return the cost of settling a loan some months after disbursement, by the terms of the product's lender.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.
    months : int
        Months after disbursement, from 1 to the term.
    resale_value : int, optional
        Value of the vehicle on that day, fen.

    Returns
    -------
    Leaving
        `settlement`, `interest`, `fees` and `total_cost` until then and `equity` in fen; `cost` as yearly fractions.

    Raises
    ------
    DataError
        The product is unknown, or the months exceed the term.

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
    >>> quote = leaving_for(lending, "bank_standard", schedule, 24, resale_value=6_000_000)
    >>> quote.settlement.total, quote.total_cost, quote.equity
    (3450476, 458640, 2549524)
    """
    rule = _rule(lending, name)
    try:
        return leave(schedule, months, rule=rule, resale_value=resale_value)
    except LoanError as error:
        raise DataError(str(error)) from None


def _rule(lending: Lending, name: str) -> SettlementRule:
    return lending.catalogue.lenders[product_by_name(lending, name).lender].early_settlement.rule


def subsidies_by_payer(schedule: Schedule) -> dict[str, float]:
    """Return the interest that others pay over a loan, by payer ("maker", "dealer", "state"), in yuan.

    Parameters
    ----------
    schedule : Schedule
        As returned by `schedule_for`.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> terms = LoanTerms(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> subsidies_by_payer(schedule_for(build_loan(read_lending(Path("configs")), terms), on=date(2026, 9, 1)))
    {'state': 243.4}
    """
    paid: dict[str, int] = {}
    for subsidy, amount in schedule.subsidy_totals:
        paid[subsidy.payer] = paid.get(subsidy.payer, 0) + amount
    return {payer: amount / 100 for payer, amount in paid.items()}
