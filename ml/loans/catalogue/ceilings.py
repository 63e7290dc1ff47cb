"""Ceilings of a loan's annualised cost, by kind of lender and date. Several may hold at once: the lowest applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ml.bilingual import Text
from ml.loans.catalogue.fields import Dated, Share, check_sequence, in_force, rule_on
from ml.loans.catalogue.lender_rules import LenderRule


@dataclass(frozen=True, kw_only=True)
class RateCeiling:
    """The ceiling that holds for a lender on a day, as returned by `LendingRules.ceiling`.

    Attributes
    ----------
    rule : str
        Key of the rule in `rate_ceilings`.
    maximum : float
        Highest nominal annualised cost with all charges, a yearly fraction.
    source : Text
        The document that sets it.
    """

    rule: str
    maximum: float
    source: Text


class LoanPrimeRate(Dated):
    """The loan prime rate over one year (1年期LPR), a yearly fraction."""

    one_year: Share = Field(gt=0)


class CeilingPeriod(Dated):
    """A ceiling in a period: exactly one of `maximum` (a yearly fraction) and `times_lpr` (multiple of the LPR)."""

    maximum: Share | None = Field(None, gt=0)
    times_lpr: float | None = Field(None, gt=0, le=10)

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.maximum is None) == (self.times_lpr is None):
            raise ValueError(f"set exactly one of maximum and times_lpr, got {self.maximum} and {self.times_lpr}")
        return self


class CeilingRule(LenderRule):
    """A rule on the annualised cost; `periods` are in order of `valid_from`, without gaps or overlaps."""

    periods: Annotated[tuple[CeilingPeriod, ...], AfterValidator(check_sequence)]


def lowest_ceiling(
    rules: Mapping[str, CeilingRule], lpr: Sequence[LoanPrimeRate], on: date, lender_kind: str | None
) -> RateCeiling | None:
    """Return the lowest ceiling that binds a kind of lender on a day, or None if there is none.

    Parameters
    ----------
    rules : mapping of str to CeilingRule
        Rules by key. A disabled rule, and one of another kind of lender, has no effect.
    lpr : sequence of LoanPrimeRate
        In order of `valid_from`.
    on : date
        Day of the application.
    lender_kind : str or None
        A kind of lender (`ml.loans.catalogue.lender_rules.LenderKind`); None for the rules that bind every kind.

    Raises
    ------
    DataError
        A multiple of the LPR is in force, but no LPR.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.bilingual import Text
    >>> rule = CeilingRule(
    ...     source=Text(zh="示例", en="example"), periods=({"valid_from": "2026-01-01", "times_lpr": 4},)
    ... )
    >>> lpr = [LoanPrimeRate(valid_from="2025-05-20", one_year=0.03)]
    >>> lowest_ceiling({"example": rule}, lpr, date(2026, 9, 1), "bank").maximum
    0.12
    """
    ceilings = []
    for key, rule in rules.items():
        period = rule_on(rule.periods, on) if rule.binds(lender_kind) else None
        if period is None:
            continue
        maximum = period.maximum
        if period.times_lpr is not None:
            maximum = round(period.times_lpr * in_force(lpr, on, name="loan_prime_rate").one_year, 6)
        assert maximum is not None  # CeilingPeriod has one of the two
        ceilings.append(RateCeiling(rule=key, maximum=maximum, source=rule.source))
    return min(ceilings, key=lambda ceiling: ceiling.maximum, default=None)
