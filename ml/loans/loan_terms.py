"""Terms of a loan as an offer states them, and the check of such terms against the catalogue of their date."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from features.errors import DataError
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import schedule
from ml.loans.amounts import Amount, fen
from ml.loans.catalogue.files import Lending
from ml.loans.days import Day
from ml.loans.eligibility import product_by_name
from ml.loans.extras import Extra
from ml.loans.loan_limits import StatedLoan, check_ceiling, check_vehicle
from ml.loans.request import Car
from ml.signature import RequestPart


class LoanTerms(RequestPart):
    """Terms of a loan as an offer states them."""

    product: str = Field(max_length=200, description="key in the catalogue")
    on: Annotated[Day, Field(description="date of the application and of disbursement")]
    amount: Amount = Field(gt=0, description="yuan")
    annual_rate: float = Field(ge=0, le=1, allow_inf_nan=False, description="contract rate, a yearly fraction")
    term_months: int = Field(ge=1, le=120)
    balloon: Amount = Field(0.0, description="yuan; only for balloon products")
    private_use: bool | None = Field(
        None, description="vehicle for private use, by default that of `vehicle`; the state subsidises no other"
    )
    state_subsidy_used: Amount = Field(0.0, description="state subsidy already used with the lender this year, yuan")
    vehicle: Car | None = Field(None, description="its limits on term, loan-to-value and down payment are checked")
    resale_value: Amount | None = Field(None, description="the vehicle's lowest value at maturity: limit of a balloon")
    extras: list[Extra] = Field(
        default=[], max_length=30, description="items besides the price; `amount` includes the financed ones"
    )

    @property
    def is_private(self) -> bool:
        """Whether the vehicle is for private use: by default it is."""
        if self.private_use is not None:
            return self.private_use
        return self.vehicle is None or self.vehicle.use == "private"

    @property
    def stated_loan(self) -> StatedLoan:
        """The terms with amounts in fen, as the limits compare them with the vehicle."""
        return StatedLoan(
            on=self.on,
            amount=fen(self.amount),
            balloon=fen(self.balloon),
            term_months=self.term_months,
            vehicle=self.vehicle,
            resale_value=None if self.resale_value is None else fen(self.resale_value),
            extras=sum(fen(extra.amount) for extra in self.extras),
            financed_extras=sum(fen(extra.amount) for extra in self.extras if extra.financed),
        )

    @model_validator(mode="after")
    def _check_use(self) -> Self:
        if self.vehicle is not None and self.is_private != (self.vehicle.use == "private"):
            # A message of this class reaches the caller; that of a ValueError does not.
            raise PydanticCustomError(
                "private_use",
                "private_use must agree with vehicle.use '{use}', got {private_use}: leave it out",
                {"use": self.vehicle.use, "private_use": str(self.private_use).lower()},
            )
        return self


def build_loan(lending: Lending, request: LoanTerms) -> Loan:
    """Return the requested loan after checking it against the catalogue.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    request : LoanTerms
        Terms as an offer states them: amounts in yuan, `annual_rate` a yearly fraction. Such as
        ``ml.loans.loan_terms.LoanTerms(**ml.loans.endpoints.EXAMPLE_LOAN)``.

    Returns
    -------
    Loan
        `product` (fees, subsidies and calendar), `amount` and `balloon` in fen, `annual_rate` and `term_months`.

    Raises
    ------
    DataError
        The product is unknown or not sold on that day; amount, term, rate or balloon do not belong to it; the
        annualised cost with all fees, or the late interest, is above the ceiling of the lender's kind on that day; or
        term, amount, extras or balloon are above the limits of law and lender for the vehicle, as far as the request
        describes it.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms
    >>> lending = read_lending(Path("configs"))
    >>> terms = LoanTerms(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> build_loan(lending, terms).amount
    10000000
    """
    product = product_by_name(lending, request.product)
    grid = product.rate_grid(request.on)
    if grid is None:
        raise DataError(f"product '{request.product}' is not sold on {request.on}; choose another product or date")
    allowed = sorted({band[request.term_months] for band in grid.by_band.values() if request.term_months in band})
    if request.annual_rate not in allowed:
        terms = sorted({term for band in grid.by_band.values() for term in band})
        offer = f"product '{request.product}' on {request.on}"
        if not allowed:
            raise DataError(f"term_months: {offer} has the terms {terms} months, got {request.term_months}: choose one")
        rates = ", ".join(f"{r:g}" for r in allowed)
        raise DataError(
            f"annual_rate: {offer} has the rates {rates} for {request.term_months} months, "
            f"got {request.annual_rate:g}: choose one"
        )
    amount, balloon = fen(request.amount), fen(request.balloon)
    if not product.minimum_amount <= amount <= product.maximum_amount:
        limits = f"from {product.minimum_amount / 100:.2f} to {product.maximum_amount / 100:.2f} yuan"
        raise DataError(f"amount: product '{request.product}' allows loans {limits}, got {request.amount:.2f}")
    shares = product.balloon_shares or (0.0,)
    if not any(abs(balloon - amount * share) <= 1 for share in shares):
        amounts = " or ".join(f"{amount * share / 100:.2f}" for share in shares)
        raise DataError(f"balloon: product '{request.product}' allows {amounts} yuan, got {request.balloon:.2f}")
    check_vehicle(lending, product, request.stated_loan)
    lender = lending.catalogue.lenders[product.lender]
    state = None
    if may_have_state_subsidy(lending, request):
        state = lending.rules.state_subsidy_on(request.on, used_this_year=fen(request.state_subsidy_used))
    try:
        loan_product = product.loan_product(lender, state=state)
        loan = Loan(loan_product, amount, request.annual_rate, request.term_months, balloon)
        annualised = cost(schedule(loan, request.on)).nominal
    except LoanError as e:
        raise DataError(str(e)) from None
    check_ceiling(lending, product, loan, annualised, on=request.on)
    return loan


def may_have_state_subsidy(lending: Lending, request: LoanTerms) -> bool:
    """Return whether lender, product and use of the vehicle admit the state's subsidy while a programme runs.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    request : LoanTerms
        Terms of the loan.

    Raises
    ------
    DataError
        The product is unknown.
    """
    product = product_by_name(lending, request.product)
    return request.is_private and product.state_subsidy and lending.catalogue.lenders[product.lender].state_subsidy
