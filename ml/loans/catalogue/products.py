"""`loans/products.yaml`: lenders and their products, with rate grids by date, risk band and term."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.calendar import DayCount, PaymentCalendar
from ml.domain.loans.product import Deferral, Form, LoanProduct
from ml.domain.loans.product import Fee as LoanFee
from ml.domain.loans.product import Subsidy as LoanSubsidy
from ml.domain.loans.rounding import Rounding
from ml.domain.loans.settlement import SettlementRule
from ml.loans.catalogue.fields import Dated, Share, Yuan, check_sequence, rule_on
from ml.loans.catalogue.rules import VehicleClass

LENDER = "lender"


class Settlement(Section):
    """What early settlement costs; see `SettlementRule`."""

    share_of_outstanding: Share = 0.0
    months_of_interest: int = Field(0, ge=0, le=120)
    free_after_months: int | None = Field(None, ge=0, le=120)
    up_front_rebate: Share = 0.0

    @property
    def rule(self) -> SettlementRule:
        """The same for the arithmetic."""
        return SettlementRule(**self.model_dump())


class Lender(Section):
    """A lender.

    Attributes
    ----------
    name : Text
    funding_rate : float
        What its money costs a year.
    state_subsidy : bool
        Whether it handles the state's interest subsidy.
    day_count, payment_day : str or int
        See `PaymentCalendar`.
    rounding : {"half_up", "half_even"}
    late_interest : float
        Late interest as a multiple of the contract rate.
    early_settlement : Settlement
    """

    name: Text
    funding_rate: Share
    state_subsidy: bool = False
    day_count: DayCount = "30/360"
    payment_day: Annotated[int, Field(ge=1, le=31)] | Literal["same_day", "end_of_month"] = "same_day"
    rounding: Rounding = "half_up"
    late_interest: float = Field(ge=1, le=10)
    early_settlement: Settlement = Settlement()


class Fee(Section):
    """A cost beside interest; exactly one of amount, share and yearly_share_of_balance."""

    name: Text
    charged: Literal["up_front", "per_instalment"]
    amount: Yuan = 0
    share: Share = 0.0
    yearly_share_of_balance: Share = 0.0
    collected_by: str = LENDER

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        self.as_fee("fee")
        return self

    def as_fee(self, key: str) -> LoanFee:
        """The same for the arithmetic."""
        return LoanFee(name=key, **self.model_dump(exclude={"name"}))


class Subsidy(Section):
    """Interest that maker or dealer pay; `rate` 1 for all of it."""

    payer: Literal["maker", "dealer"]
    rate: Share
    principal: Yuan | None = None
    total: Yuan | None = None


class Rates(Dated):
    """A rate grid: risk band, then term in months, to the contract rate. A band that is not there gets no price."""

    by_band: dict[str, dict[Annotated[int, Field(ge=1, le=120)], Share]] = Field(min_length=1)

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        terms = {term for rates in self.by_band.values() for term in rates}
        if not terms:
            raise ValueError("by_band: there is no term")
        for band, rates in self.by_band.items():
            if gaps := sorted(terms - set(rates)):
                raise ValueError(f"by_band.{band}: the rate of term {gaps[0]} is missing: every band has every term")
        return self


class Eligibility(Section):
    """Who and what a product is for; what is not given is not asked."""

    vehicle_classes: tuple[VehicleClass, ...] = Field(min_length=1)
    brands: tuple[str, ...] | None = None
    minimum_monthly_income: Yuan = 0
    minimum_age: int = Field(18, ge=18, le=130)
    maximum_age_at_maturity: int = Field(130, ge=18, le=130)


class Deferred(Section):
    """Months before the first instalment, and what becomes of their interest."""

    months: int = Field(ge=1, le=24)
    interest: Deferral


class Product(Section):
    """One lender's product.

    Attributes
    ----------
    lender : str
        Key of the lender.
    name : Text
    form : str
        See `LoanProduct`.
    rates : tuple of Rates
        Rate grids by date, without gaps or overlaps; the product exists from the first to the last.
    minimum_amount, maximum_amount : int
        Loan amounts (fen).
    minimum_down_payment, maximum_loan_to_value : float
        The lender's own limits, shares of the price; the law's hold beside them.
    balloon_shares : tuple of float
        Balloons as shares of the amount, with the form `balloon`.
    deferred : Deferred, optional
    fees : dict of str to Fee
    subsidies : tuple of Subsidy
        In the order in which they are used.
    state_subsidy : bool
        Whether the state's subsidy may be used with it, where its lender handles it.
    forgone_discount : int
        Cash discount that it gives up (fen).
    eligibility : Eligibility
    """

    lender: str
    name: Text
    form: Form
    rates: Annotated[tuple[Rates, ...], AfterValidator(check_sequence)]
    minimum_amount: Yuan
    maximum_amount: Yuan
    minimum_down_payment: Share = 0.0
    maximum_loan_to_value: Share = 1.0
    balloon_shares: tuple[Share, ...] = ()
    deferred: Deferred | None = None
    fees: dict[str, Fee] = Field(default_factory=dict)
    subsidies: tuple[Subsidy, ...] = ()
    state_subsidy: bool = True
    forgone_discount: Yuan = 0
    eligibility: Eligibility

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.form == "balloon") != bool(self.balloon_shares):
            raise ValueError("balloon_shares go with the form balloon, and only with it")
        if wrong := [s for s in self.balloon_shares if not 0 < s < 1]:
            raise ValueError(f"balloon_shares must be above 0 and below 1, got {wrong[0]}")
        if not 0 < self.minimum_amount <= self.maximum_amount:
            raise ValueError("minimum_amount must be above 0 and at most maximum_amount")
        months = self.deferred.months if self.deferred else 0
        shortest = min(term for rates in self.rates for grid in rates.by_band.values() for term in grid)
        if shortest <= months:
            raise ValueError(f"deferred.months must be below the shortest term of {shortest}, got {months}")
        return self

    def rates_on(self, on: date, band: str) -> dict[int, float] | None:
        """Rates of a band by term on a day, or None where there are none."""
        grid = self.rate_grid(on)
        return None if grid is None else grid.by_band.get(band)

    def rate_grid(self, on: date) -> Rates | None:
        """The rate grid of a day, or None where the product does not exist."""
        return rule_on(self.rates, on)

    def loan_product(self, lender: Lender, *, state: LoanSubsidy | None = None) -> LoanProduct:
        """The product for the arithmetic, with the state's subsidy where there is one.

        A flat rate means the same interest every month, so it is counted in whole months whatever the lender's day
        count.
        """
        day_count: DayCount = "30/360" if self.form == "flat_rate" else lender.day_count
        own = tuple(LoanSubsidy(**s.model_dump()) for s in self.subsidies)
        return LoanProduct(
            form=self.form,
            fees=tuple(fee.as_fee(key) for key, fee in self.fees.items()),
            subsidies=own if state is None else (*own, state),
            deferred_months=self.deferred.months if self.deferred else 0,
            deferral=self.deferred.interest if self.deferred else "interest_free",
            calendar=PaymentCalendar(day_count=day_count, payment_day=lender.payment_day),
            rounding=lender.rounding,
        )


class LoanProducts(Section):
    """Lenders, other parties that collect fees, and products.

    Attributes
    ----------
    lenders : dict of str to Lender
    parties : dict of str to Text
        Who else collects fees (dealer, guarantor).
    products : dict of str to Product
    """

    lenders: dict[str, Lender] = Field(min_length=1)
    parties: dict[str, Text] = Field(default_factory=dict)
    products: dict[str, Product] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for key, product in self.products.items():
            if product.lender not in self.lenders:
                raise ValueError(
                    f"products.{key}.lender '{product.lender}' is unknown; the lenders are: {', '.join(self.lenders)}"
                )
            for name, fee in product.fees.items():
                if fee.collected_by not in (LENDER, *self.parties):
                    raise ValueError(
                        f"products.{key}.fees.{name}.collected_by '{fee.collected_by}' is unknown; "
                        f"it may be: {', '.join((LENDER, *self.parties))}"
                    )
        return self
