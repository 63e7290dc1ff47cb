"""Format of `loans/products.yaml`: lenders and their products, with rates by date, risk band and term."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.calendar import DayCount, FirstPeriodInterest, PaymentCalendar
from ml.domain.loans.product import BrokenPeriod, Deferral, Form, LoanProduct
from ml.domain.loans.product import Fee as LoanFee
from ml.domain.loans.product import Subsidy as LoanSubsidy
from ml.domain.loans.rounding import Rounding
from ml.loans.catalogue.contingent import ContingentCosts, ContingentTerms, declared_costs
from ml.loans.catalogue.fields import (
    Dated,
    PositiveShare,
    RatesByTerm,
    Share,
    ShareBelowOne,
    Whole,
    Yuan,
    check_sequence,
    rule_on,
)
from ml.loans.catalogue.leases import LeaseTerms, lessor_problem
from ml.loans.catalogue.lender_rules import LenderKind
from ml.loans.catalogue.promotions import Discount, Subsidy
from ml.loans.catalogue.services import LENDER, ServiceCharge, duplicate_charges
from ml.loans.catalogue.settlement import Settlement
from ml.loans.catalogue.vehicle_classes import VehicleClass


class Lender(Section):
    """A lender.

    Attributes
    ----------
    name : Text
    kind : str
        One of `ml.loans.catalogue.lender_rules.LenderKind`; rules of law differ by kind.
    funding_rate : float
        Cost of the lender's money, a yearly fraction.
    state_subsidy : bool
        Whether the lender takes part in the state's interest subsidy.
    day_count : {"30/360", "actual/365", "actual/360", "actual/actual"}
        Convention for interest days.
    payment_day : int, "same_day" or "end_of_month"
        Day of the month on which instalments are due, 1 to 31; `same_day`: the day of disbursement.
    minimum_first_period_days : int
        A first due date fewer days after disbursement is moved on to the next payment day; 0 to 28.
    rounding : {"half_up", "half_even"}
        Rule for an exact half fen.
    late_interest : float
        Late interest rate as a multiple of the contract rate.
    early_settlement : Settlement
    contingent_costs : dict of str to ContingentTerms or None
        Other costs of stated events, by key, for all products of the lender; None for a cost that is not charged.
    """

    name: Text
    kind: LenderKind
    funding_rate: Share
    state_subsidy: bool = False
    day_count: DayCount = "30/360"
    payment_day: Annotated[Whole, Field(ge=1, le=31)] | Literal["same_day", "end_of_month"] = "same_day"
    minimum_first_period_days: Whole = Field(15, ge=0, le=28)
    rounding: Rounding = "half_up"
    late_interest: float = Field(ge=1, le=10)
    early_settlement: Settlement = Settlement()
    contingent_costs: ContingentCosts = Field(default_factory=dict)


class Fee(ServiceCharge):
    """A fee: exactly one of amount, share and yearly_share_of_balance; name and service as in `ServiceCharge`.

    Attributes
    ----------
    charged : {"up_front", "per_instalment"}
        Once at disbursement, or with every instalment.
    amount : int
        Fen per charge (yuan in YAML).
    share : float
        Fraction of the loan amount per charge.
    yearly_share_of_balance : float
        Fraction of the outstanding balance per year; only per instalment.
    broken_period : {"in_full", "by_days"}
        Charge for a period that early settlement breaks off; a yearly share of the balance is always charged by days.
    """

    charged: Literal["up_front", "per_instalment"]
    amount: Yuan = 0
    share: ShareBelowOne = 0.0
    yearly_share_of_balance: ShareBelowOne = 0.0
    broken_period: BrokenPeriod = "in_full"

    @model_validator(mode="after")
    def _check_charge(self) -> Self:
        self.as_fee("fee")
        return self

    def as_fee(self, key: str) -> LoanFee:
        """Return the fee as an `ml.domain.loans.product.Fee` with the name `key`, its `amount` in fen.

        Examples
        --------
        >>> from ml.bilingual import Text
        >>> lien = Text(zh="代办抵押登记", en="Registration of the lien")
        >>> fee = Fee(name=Text(zh="登记费", en="Registration"), service=lien, charged="up_front", amount=100)
        >>> fee.as_fee("registration").amount
        10000
        """
        return LoanFee(name=key, **self.model_dump(exclude={"name", "service", "rendered_by", "optional"}))


class Rates(Dated):
    """Contract rates by risk band and term in months. A risk band without rates is not eligible for the product."""

    by_band: dict[str, RatesByTerm] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_terms(self) -> Self:
        terms = {term for rates in self.by_band.values() for term in rates}
        if not terms:
            raise ValueError("by_band: there is no term: add at least one, such as 36: 0.05")
        for band, rates in self.by_band.items():
            if gaps := sorted(terms - set(rates)):
                raise ValueError(f"by_band.{band}: the rate of term {gaps[0]} is missing: every band needs every term")
        return self


class Eligibility(Section):
    """Conditions on vehicle and applicant under which a product is available; `brands` null allows every brand."""

    vehicle_classes: tuple[VehicleClass, ...] = Field(min_length=1)
    brands: tuple[str, ...] | None = Field(None, min_length=1)
    minimum_monthly_income: Yuan = 0
    minimum_age: Whole = Field(18, ge=18, le=130)
    maximum_age_at_maturity: Whole = Field(130, ge=18, le=130)

    @model_validator(mode="after")
    def _check_ages(self) -> Self:
        if self.maximum_age_at_maturity <= self.minimum_age:
            raise ValueError(
                f"maximum_age_at_maturity {self.maximum_age_at_maturity} must be above minimum_age {self.minimum_age}: "
                "correct one of them"
            )
        return self


class Deferred(Section):
    """Months before the first instalment, and the treatment of their interest.

    `interest` is "interest_free" (none accrues), "interest_only" (paid monthly) or "with_first_instalment".
    """

    months: Whole = Field(ge=1, le=24)
    interest: Deferral


class Product(Section):
    """One lender's product: a value of `lending.catalogue.products`, see `ml.loans.endpoints.read_lending`.

    Attributes
    ----------
    lender : str
        Key of the lender.
    name : Text
    form : {"equal_instalment", "equal_principal", "interest_only", "balloon", "flat_rate", "finance_lease"}
        Repayment form; `ml.domain.loans.product.LoanProduct` describes each.
    rates : tuple of Rates
        Rate grids by date, without gaps or overlaps; the product is sold from the first to the last.
    minimum_amount, maximum_amount : int
        Limits of the loan amount, fen.
    minimum_down_payment, maximum_loan_to_value : float
        The lender's own limits as shares of the price, in addition to the lending rules.
    balloon_shares : tuple of float
        Available balloons as shares of the loan amount, with the form `balloon`; available residuals (尾款) of a lease,
        which has none by default.
    lease : LeaseTerms, optional
        With the form `finance_lease`.
    deferred : Deferred, optional
    fees : dict of str to Fee
    subsidies : tuple of Subsidy
        In the order in which they are applied.
    state_subsidy : bool
        Whether the state's subsidy applies to the product, provided that the lender takes part.
    first_period_interest : {"days", "month"}
        Interest of a first period that is no whole month: by its days, or as for one month whatever its length.
    forgone_discount : Discount, optional
        Cash discount that the borrower loses with this product.
    contingent_costs : dict of str to ContingentTerms or None
        Replace or extend those of the lender.
    eligibility : Eligibility
    """

    lender: str
    name: Text
    form: Form
    rates: Annotated[tuple[Rates, ...], AfterValidator(check_sequence)]
    minimum_amount: Yuan
    maximum_amount: Yuan
    minimum_down_payment: ShareBelowOne = 0.0
    maximum_loan_to_value: PositiveShare = 1.0
    balloon_shares: tuple[Share, ...] = ()
    lease: LeaseTerms | None = None
    deferred: Deferred | None = None
    fees: dict[str, Fee] = Field(default_factory=dict)
    subsidies: tuple[Subsidy, ...] = ()
    state_subsidy: bool = True
    first_period_interest: FirstPeriodInterest = "days"
    forgone_discount: Discount | None = None
    contingent_costs: ContingentCosts = Field(default_factory=dict)
    eligibility: Eligibility

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.form == "finance_lease") != (self.lease is not None):
            raise ValueError("lease must be set if the form is finance_lease, and only then")
        if self.lease is None and (self.form == "balloon") != bool(self.balloon_shares):
            raise ValueError("balloon_shares must be set if the form is balloon; only finance_lease may have them too")
        if invalid := [s for s in self.balloon_shares if not 0 < s < 1]:
            raise ValueError(f"balloon_shares must be above 0 and below 1, got {invalid[0]}")
        if not 0 < self.minimum_amount <= self.maximum_amount:
            limits = f"{self.minimum_amount / 100:g} and {self.maximum_amount / 100:g}"
            raise ValueError(f"minimum_amount must be above 0 and at most maximum_amount, got {limits} yuan")
        months = self.deferred.months if self.deferred else 0
        shortest = min(term for rates in self.rates for grid in rates.by_band.values() for term in grid)
        if shortest <= months:
            raise ValueError(f"deferred.months must be below the shortest term of {shortest}, got {months}")
        for i, subsidy in enumerate(self.subsidies):
            try:
                subsidy.check_sale(self.rates[0], self.rates[-1])
            except ValueError as e:
                raise ValueError(f"subsidies[{i}].{e}") from None
        for problem in duplicate_charges(self.fees):
            raise ValueError(problem)
        return self

    def loan_to_value_limit(self, by_law: float) -> float:
        """Return the stricter of law and lender, a share of the price; the law on loans does not bind a finance lease.

        Examples
        --------
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> products = read_lending(Path("configs")).catalogue.products
        >>> [products[name].loan_to_value_limit(0.7) for name in ("commercial_standard", "commercial_lease")]
        [0.7, 1.0]
        """
        return self.maximum_loan_to_value if self.lease else min(self.maximum_loan_to_value, by_law)

    def forgone_discount_on(self, on: date) -> int:
        """Return the cash discount that the borrower loses with this product on a day, fen; 0 outside its period.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> product = read_lending(Path("configs")).catalogue.products["maker_zero"]
        >>> product.forgone_discount_on(date(2026, 9, 1)), product.forgone_discount_on(date(2027, 1, 1))
        (500000, 0)
        """
        discount = self.forgone_discount
        return discount.amount if discount is not None and discount.covers(on) else 0

    def rate_grid(self, on: date) -> Rates | None:
        """Return the rates in force on a day, or None if the product is not sold then.

        Parameters
        ----------
        on : date
            Day of the application.

        Returns
        -------
        Rates or None
            `by_band`: risk band to term in months to yearly rate, a fraction.
        """
        return rule_on(self.rates, on)

    def loan_product(self, lender: Lender, *, state: LoanSubsidy | None = None) -> LoanProduct:
        """Return the product as a domain `LoanProduct`.

        A flat rate means equal interest every month, so it uses 30/360 instead of the lender's day count.

        Parameters
        ----------
        lender : Lender
            The product's lender: `lending.catalogue.lenders[product.lender]`.
        state : ml.domain.loans.product.Subsidy, optional
            The state's subsidy, as returned by `LendingRules.state_subsidy_on`.

        Returns
        -------
        LoanProduct
            Form, fees, subsidies, deferral and calendar; the argument `product` of `ml.domain.loans.loan.Loan`.

        Examples
        --------
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> catalogue = read_lending(Path("configs")).catalogue
        >>> product = catalogue.products["bank_standard"]
        >>> product.loan_product(catalogue.lenders[product.lender]).form
        'equal_instalment'
        """
        day_count: DayCount = "30/360" if self.form == "flat_rate" else lender.day_count
        own = tuple(s.loan_subsidy for s in self.subsidies)
        return LoanProduct(
            form=self.form,
            lease=self.lease.lease if self.lease else None,
            fees=tuple(fee.as_fee(key) for key, fee in self.fees.items()) + (self.lease.fees if self.lease else ()),
            subsidies=own if state is None else (*own, state),
            deferred_months=self.deferred.months if self.deferred else 0,
            deferral=self.deferred.interest if self.deferred else "interest_free",
            calendar=PaymentCalendar(
                day_count=day_count,
                payment_day=lender.payment_day,
                minimum_first_period_days=lender.minimum_first_period_days,
                first_period_interest=self.first_period_interest,
            ),
            rounding=lender.rounding,
        )


class LoanProducts(Section):
    """Lenders, other parties that collect fees, and products.

    Attributes
    ----------
    lenders : dict of str to Lender
    parties : dict of str to Text
        Other collectors of fees, such as dealer or guarantor.
    products : dict of str to Product
    """

    lenders: dict[str, Lender] = Field(min_length=1)
    parties: dict[str, Text] = Field(default_factory=dict)
    products: dict[str, Product] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        for key, product in self.products.items():
            if product.lender not in self.lenders:
                raise ValueError(
                    f"products.{key}.lender '{product.lender}' is unknown; the lenders are: {', '.join(self.lenders)}"
                )
            lender = self.lenders[product.lender]
            subsidised = product.state_subsidy and lender.state_subsidy
            if problem := lessor_problem(product.lease, lender.kind, state_subsidy=subsidised):
                raise ValueError(f"products.{key}: {problem}")
            for name, fee in product.fees.items():
                for place, party in zip(("collected_by", "rendered_by"), fee.parties, strict=True):
                    if party not in (LENDER, *self.parties):
                        raise ValueError(
                            f"products.{key}.fees.{name}.{place} '{party}' is unknown; "
                            f"allowed are: {', '.join((LENDER, *self.parties))}"
                        )
            try:
                costs = self.contingent_costs(key)
            except ValueError as error:
                raise ValueError(f"products.{key}.{error}") from None
            for name, terms in costs.items():
                if terms and terms.collected_by not in (LENDER, *self.parties):
                    raise ValueError(
                        f"products.{key}.contingent_costs.{name}.collected_by '{terms.collected_by}' is unknown; "
                        f"allowed are: {', '.join((LENDER, *self.parties))}"
                    )
        return self

    def contingent_costs(self, name: str) -> dict[str, ContingentTerms | None]:
        """Return the contingent costs of a product that are declared by itself or by its lender.

        Parameters
        ----------
        name : str
            Key of the product.

        Returns
        -------
        dict of str to ContingentTerms or None
            By key, in the order of the statement of costs; None for a cost that is not charged. Late interest and early
            settlement are not among them: they follow from the lender's terms.

        Examples
        --------
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> catalogue = read_lending(Path("configs")).catalogue
        >>> list(catalogue.contingent_costs("bank_standard"))
        ['misuse', 'compounding', 'repossession', 'legal']
        """
        product = self.products[name]
        return declared_costs(self.lenders[product.lender].contingent_costs, product.contingent_costs)
