"""`configs/recommendation_rules.yaml`: what the house wants on its pages, whatever a model thinks."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from features.yaml_config import Section, load_yaml
from ml.signature import Name


class Where(Section):
    """Which vehicles: those that fit everything that is given."""

    vehicle_id: tuple[Name, ...] = ()
    brand: tuple[Name, ...] = ()
    model: tuple[Name, ...] = ()
    condition: tuple[Name, ...] = ()
    body_type: tuple[Name, ...] = ()
    energy_type: tuple[Name, ...] = ()
    store_id: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("must name something: vehicle_id, brand, model, condition, body_type, ...")
        return self


class Rule(Section):
    """One rule, from a day to a day (both included).

    Attributes
    ----------
    action : {"pin", "boost", "bury"}
        Pin puts the best fitting vehicle at `place`; boost moves all that fit up by `places`; bury puts them last.
    stores : tuple of str
        Stores whose pages it is for; empty for all.
    """

    action: Literal["pin", "boost", "bury"]
    where: Where
    valid_from: date | None = None
    valid_until: date | None = None
    stores: tuple[Name, ...] = ()
    place: int = Field(1, ge=1, le=200)
    places: int = Field(5, ge=1, le=1_000)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"valid_until {self.valid_until} lies before valid_from {self.valid_from}")
        return self

    def holds(self, on: date, store: str | None) -> bool:
        """Whether it is in force for a store's page on a day."""
        begun = self.valid_from is None or self.valid_from <= on
        over = self.valid_until is not None and on > self.valid_until
        return begun and not over and (not self.stores or store in self.stores)


class CardPayment(Section):
    """What the payment on a card assumes of somebody whose credit has not been checked."""

    probability_of_default: float = Field(0.02, ge=0, lt=1)
    age: int = Field(35, ge=18, le=100)


class HouseRules(Section):
    """How pages are made up.

    Attributes
    ----------
    max_per_model, max_per_brand : int
        On any page of ten; longer pages in proportion.
    exploration_share : float
        Share of the page's places for vehicles new in stock that the ranking would not show yet.
    new_days : float
        How long a vehicle counts as new in stock.
    card_payment : CardPayment
    rules : tuple of Rule
        In the order in which they are applied.
    """

    max_per_model: int = Field(2, ge=1, le=10)
    max_per_brand: int = Field(5, ge=1, le=10)
    exploration_share: float = Field(0.1, ge=0, le=0.5, allow_inf_nan=False)
    new_days: float = Field(14.0, gt=0, le=365, allow_inf_nan=False)
    card_payment: CardPayment = CardPayment()
    rules: tuple[Rule, ...] = ()


def load_house_rules(path: Path) -> HouseRules:
    """Read the rules.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    return load_yaml(path, HouseRules)
