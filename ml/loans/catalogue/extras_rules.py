"""Rules on extras that a loan finances together with the vehicle (附加品融资): how much, and what they count for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ml.loans.catalogue.fields import Dated, Share, Yuan, check_sequence, rule_on
from ml.loans.catalogue.lender_rules import LenderRule

LoanToValueBase = Literal["price", "price_and_extras"]


class LoanToValueBasis(Dated):
    """Amount of which `loan_to_value` is a share.

    `price`: the vehicle's price alone, and the loan counts without the financed extras. `price_and_extras`: the price
    and the financed extras, and the whole loan counts.
    """

    base: LoanToValueBase


class ExtrasPeriod(Dated):
    """Largest share of the price of all extras that a loan may finance.

    Attributes
    ----------
    maximum_share : float
        Fraction of the price of all extras.
    large_total, maximum_share_of_large : int, float
        If the extras cost more than `large_total` (fen; yuan in YAML), the lower fraction `maximum_share_of_large`
        holds instead; both or none.
    """

    maximum_share: Share
    large_total: Yuan | None = Field(None, gt=0)
    maximum_share_of_large: Share | None = None

    @model_validator(mode="after")
    def _check_large(self) -> Self:
        if (self.large_total is None) != (self.maximum_share_of_large is None):
            raise ValueError("set both large_total and maximum_share_of_large, or none")
        if self.maximum_share_of_large is not None and self.maximum_share_of_large >= self.maximum_share:
            raise ValueError(
                f"maximum_share_of_large must be below the maximum_share of {self.maximum_share:g}, "
                f"got {self.maximum_share_of_large:g}"
            )
        return self


class ExtrasRule(LenderRule):
    """A rule on financed extras; `periods` are in order of `valid_from`, without gaps or overlaps."""

    periods: Annotated[tuple[ExtrasPeriod, ...], AfterValidator(check_sequence)]


def largest_extras_share(rules: Mapping[str, ExtrasRule], on: date, lender_kind: str, *, total: int) -> float:
    """Return the largest fraction of the extras that a kind of lender may finance on a day; 1 without a rule.

    Parameters
    ----------
    rules : mapping of str to ExtrasRule
        Rules by key. A disabled rule, and one of another kind of lender, has no effect.
    on : date
        Day of the application.
    lender_kind : str
        A kind of lender (`ml.loans.catalogue.lender_rules.LenderKind`).
    total : int
        Price of all extras, financed or not, fen.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.bilingual import Text
    >>> period = {"valid_from": "2023-08-11", "maximum_share": 0.8, "large_total": 1000, "maximum_share_of_large": 0.7}
    >>> rule = ExtrasRule(source=Text(zh="示例", en="example"), periods=(period,))
    >>> [largest_extras_share({"example": rule}, date(2026, 9, 1), "bank", total=fen) for fen in (100_000, 100_001)]
    [0.8, 0.7]
    """
    shares = [1.0]
    for rule in rules.values():
        period = rule_on(rule.periods, on) if rule.binds(lender_kind) else None
        if period is None:
            continue
        if period.large_total is None or period.maximum_share_of_large is None or total <= period.large_total:
            shares.append(period.maximum_share)
        else:
            shares.append(period.maximum_share_of_large)
    return min(shares)
