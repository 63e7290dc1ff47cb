"""Sections of `loans/rules.yaml`: each a limit or an assumption with a period of validity."""

from __future__ import annotations

from datetime import date

from pydantic import Field, field_validator

from ml.loans.catalogue.fields import Dated, Share, Yuan
from ml.loans.catalogue.vehicle_classes import EveryClass


class LoanToValue(Dated):
    """Maximum loan as a share of the price, by vehicle class."""

    maximum: EveryClass


class Term(Dated):
    """Maximum terms in months for new and used vehicles."""

    new: int = Field(ge=1, le=120)
    used: int = Field(ge=1, le=120)


class PenaltyInterest(Dated):
    """Bounds of the rate of late interest, or of penalty interest on misuse, as a multiple of the contract rate."""

    minimum: float = Field(ge=1, le=10)
    maximum: float = Field(ge=1, le=10)


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

    rate: Share
    share_of_rate: Share
    principal: Yuan | None = None
    per_year: Yuan
    subsidy_until: date


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
    horizon_months: int | None = Field(None, ge=1, le=120)
    loss_given_default: EveryClass
    recovery: Share = 1.0

    @field_validator("bands")
    @classmethod
    def _ascending(cls, bands: dict[str, float]) -> dict[str, float]:
        limits = list(bands.values())
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

    payment_to_income: Share
    minimum_age: int = Field(ge=18, le=130)
    maximum_age_at_maturity: int = Field(ge=18, le=130)
    minimum_expected_profit: Yuan = 0
    offer_validity_days: int = Field(7, ge=0, le=90)
