"""Discounts and subsidies with a period and conditions, as the rules on sales promotions require."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import model_validator

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.product import Subsidy as LoanSubsidy
from ml.loans.catalogue.fields import Dated, Day, PositiveShare, PositiveYuan, YuanLimit


class Promotion(Section):
    """An advantage for the customer, with the period and the conditions that must be shown with it.

    Source: Interim Provisions on Sales Promotion (规范促销行为暂行规定, State Administration for Market Regulation,
    order 32 of 2020), article 20: conditions and period must be stated; the guide to compliant pricing in the
    automotive industry (in force since 2026-02-12), chapter 3, requires both for discounts and subsidies.

    Attributes
    ----------
    valid_from : date, optional
        First day; None if the promotion began at an unknown date in the past.
    valid_until : date
        Last day.
    conditions : Text
        Who gets the advantage, and for which purchase.
    """

    valid_from: Day | None = None
    valid_until: Day
    conditions: Text

    @model_validator(mode="after")
    def _check_period(self) -> Self:
        if self.valid_from is not None and self.valid_until < self.valid_from:
            raise ValueError(
                f"valid_until {self.valid_until} is before valid_from {self.valid_from}: correct one of them"
            )
        return self

    def covers(self, on: date) -> bool:
        """Return whether the promotion runs on a day.

        Examples
        --------
        >>> from datetime import date
        >>> from ml.bilingual import Text
        >>> promotion = Promotion(valid_until=date(2026, 12, 31), conditions=Text(zh="现金购车", en="Cash purchase"))
        >>> promotion.covers(date(2026, 12, 31)), promotion.covers(date(2027, 1, 1))
        (True, False)
        """
        return (self.valid_from or on) <= on <= self.valid_until


class Discount(Promotion):
    """A discount of the vehicle's price: `amount` in fen (yuan in YAML)."""

    amount: PositiveYuan


class Subsidy(Promotion):
    """Interest that maker or dealer pays for the borrower.

    Attributes
    ----------
    payer : {"maker", "dealer"}
    rate : float
        Part of the contract rate that the payer takes over, a yearly fraction; 1 for the whole rate.
    principal : int or None
        Largest subsidised principal, fen (yuan in YAML).
    total : int or None
        Largest subsidy over the loan, fen (yuan in YAML).
    """

    payer: Literal["maker", "dealer"]
    rate: PositiveShare
    principal: YuanLimit | None = None
    total: YuanLimit | None = None

    @property
    def loan_subsidy(self) -> LoanSubsidy:
        """The subsidy as an `ml.domain.loans.product.Subsidy`."""
        return LoanSubsidy(**self.model_dump(exclude=set(Promotion.model_fields)))

    def check_sale(self, first: Dated, last: Dated) -> None:
        """Check that the subsidy runs as long as the product is sold.

        A product that outlived its subsidy would be sold under its advertised rate at the full one.

        Parameters
        ----------
        first, last : Dated
            First and last rate grid of the product.

        Raises
        ------
        ValueError
            The product is sold before `valid_from` or after `valid_until`; the message has both days and the remedy.
        """
        if self.valid_from is not None and first.valid_from < self.valid_from:
            raise ValueError(
                f"valid_from {self.valid_from} is after {first.valid_from}, the first day of the product's rates: "
                "begin both on one day, or make one product with and one without the subsidy"
            )
        if last.valid_until is None or last.valid_until > self.valid_until:
            sale = "rates without an end" if last.valid_until is None else f"rates until {last.valid_until}"
            raise ValueError(
                f"valid_until {self.valid_until}: the product has {sale}: set valid_until of the last rates to "
                f"{self.valid_until} at the latest, or extend the subsidy"
            )
