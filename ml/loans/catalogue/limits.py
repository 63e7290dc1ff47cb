"""Sections of `loans/rules.yaml`: each a limit or an assumption with a period of validity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from ml.loans.catalogue.fields import Dated, Day, PositiveShare, PositiveYuan, Share, Whole, Yuan, YuanLimit
from ml.loans.catalogue.vehicle_classes import EveryClass, VehicleClass


class LoanToValue(Dated):
    """Maximum loan as a share of the price, by vehicle class."""

    maximum: EveryClass

    @field_validator("maximum")
    @classmethod
    def _check_above_zero(cls, maximum: dict[VehicleClass, float]) -> dict[VehicleClass, float]:
        if zero := [name for name, share in maximum.items() if not share > 0]:
            raise ValueError(f"{zero[0]} must be above 0: no loan would be possible; enter the limit of the law")
        return maximum


class Term(Dated):
    """Maximum terms in months for new and used vehicles."""

    new: Whole = Field(ge=1, le=120)
    used: Whole = Field(ge=1, le=120)


class PenaltyInterest(Dated):
    """Bounds of the rate of late interest, or of penalty interest on misuse, as a multiple of the contract rate."""

    minimum: float = Field(ge=1, le=10)
    maximum: float = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}: correct one of them")
        return self


class StateSubsidy(Dated):
    """The state's interest subsidy for applications within the dates of validity.

    Attributes
    ----------
    rate, share_of_rate : float
        Reduction of the yearly rate, and its maximum as a share of the contract rate.
    principal : int, optional
        Maximum subsidised principal, fen.
    per_year : int
        Maximum subsidy per person, lender and calendar year, fen.
    subsidy_until : date
        Last due date with a subsidy.
    """

    rate: PositiveShare
    share_of_rate: PositiveShare
    principal: YuanLimit | None = None
    per_year: PositiveYuan
    subsidy_until: Day

    @model_validator(mode="after")
    def _check_end(self) -> Self:
        if self.subsidy_until < self.valid_from:
            raise ValueError(
                f"subsidy_until {self.subsidy_until} is before valid_from {self.valid_from}: correct one of them"
            )
        return self


def check_programmes(programmes: Sequence[StateSubsidy]) -> Sequence[StateSubsidy]:
    """Return the programmes unchanged if none takes applications after its last subsidised due date.

    Parameters
    ----------
    programmes : sequence of StateSubsidy
        In order of `valid_from`, without gaps or overlaps.

    Raises
    ------
    ValueError
        A programme is in force after its `subsidy_until`; the message has its position and the remedy.
    """
    following = [programme.valid_from - timedelta(days=1) for programme in programmes[1:]]
    for i, (programme, end) in enumerate(zip(programmes, [*following, date.max], strict=True)):
        last = programme.valid_until or end
        if last > programme.subsidy_until:
            until = "has no end" if last == date.max else f"is in force until {last}"
            raise ValueError(
                f"[{i}] {until}, after its subsidy_until {programme.subsidy_until}: set valid_until to "
                f"{programme.subsidy_until} at the latest"
            )
    return programmes


class Risk(Dated):
    """Risk bands and loss assumptions.

    Attributes
    ----------
    bands : dict of str to float
        Band to its maximum probability of default, ascending; no rates exist above the last band.
    horizon_months : int, optional
        Horizon of the credit model's probability of default; by default the model's own (`outcome_window_months`), with
        which it must agree.
    loss_given_default : dict of str to float
        Vehicle class to the share of the balance lost; used if the vehicle's resale value is unknown.
    recovery : float
        Proceeds of a forced sale as a share of the vehicle's resale value.
    """

    bands: dict[str, Share] = Field(min_length=1)
    horizon_months: Whole | None = Field(None, ge=1, le=120)
    loss_given_default: EveryClass
    recovery: Share = 1.0

    @field_validator("bands")
    @classmethod
    def _ascending(cls, bands: dict[str, float]) -> dict[str, float]:
        limits = list(bands.values())
        if limits[0] <= 0:
            raise ValueError(f"limits must be above 0, got {limits[0]:g}: nobody would be in the first band")
        if limits != sorted(set(limits)):
            raise ValueError(f"limits must rise from band to band, got {limits}")
        return bands


class HousePolicy(Dated):
    """The dealer's own limits.

    Attributes
    ----------
    payment_to_income : float
        Maximum fraction of income for this loan's monthly burden and payments on other debts.
    minimum_age, maximum_age_at_maturity : int
        Years.
    minimum_expected_profit : int
        Loans with a lower expected profit are not offered; fen (yuan in YAML).
    offer_validity_days : int
        Days for which an offer holds, unless rates or rules change before.
    """

    payment_to_income: PositiveShare
    minimum_age: Whole = Field(ge=18, le=130)
    maximum_age_at_maturity: Whole = Field(ge=18, le=130)
    minimum_expected_profit: Yuan = 0
    offer_validity_days: Whole = Field(7, ge=0, le=90)

    @model_validator(mode="after")
    def _check_ages(self) -> Self:
        if self.maximum_age_at_maturity <= self.minimum_age:
            raise ValueError(
                f"maximum_age_at_maturity {self.maximum_age_at_maturity} must be above minimum_age {self.minimum_age}: "
                "correct one of them"
            )
        return self
