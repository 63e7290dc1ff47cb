"""Merchandising rules of the dealership: the schema of `configs/recommendation_rules.yaml`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from features.yaml_config import Section, load_yaml
from ml.signature import Name


class VehicleSelector(Section):
    """Vehicles whose columns match all given lists; an empty list matches every vehicle."""

    vehicle_id: tuple[Name, ...] = ()
    brand: tuple[Name, ...] = ()
    model: tuple[Name, ...] = ()
    condition: tuple[Name, ...] = ()
    body_type: tuple[Name, ...] = ()
    energy_type: tuple[Name, ...] = ()
    store_id: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError(
                "at least one of vehicle_id, brand, model, condition, body_type, energy_type, store_id is required"
            )
        return self


class Rule(Section):
    """One merchandising rule.

    Attributes
    ----------
    action : {"pin", "boost", "bury", "hide"}
        Pin puts the best-ranked matching vehicle at `place`; boost moves all matching vehicles up by `places`; bury
        moves them to the end; hide leaves them out.
    where : VehicleSelector
        Vehicles that the rule applies to.
    valid_from, valid_until : date or None
        First and last day of the rule, both inclusive, in Beijing time; None for no limit.
    stores : tuple of str
        `store_id` of the pages that the rule applies to; empty for all pages.
    place : int
        Place on the page, from 1; used by pin.
    places : int
        Number of places to move up; used by boost.
    """

    action: Literal["pin", "boost", "bury", "hide"]
    where: VehicleSelector
    valid_from: date | None = None
    valid_until: date | None = None
    stores: tuple[Name, ...] = ()
    place: int = Field(1, ge=1, le=200)
    places: int = Field(5, ge=1, le=1_000)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(
                f"valid_until must not precede valid_from, got {self.valid_until} before {self.valid_from}"
            )
        return self

    def applies(self, on: date, store: str | None) -> bool:
        """Return whether the rule applies on a day to the page of a store.

        Parameters
        ----------
        on : date
            Day in Beijing time.
        store : str or None
            `store_id` of the page; None for a page of no store, which only rules without `stores` apply to.

        Examples
        --------
        >>> from datetime import date
        >>> from ml.recommendation.merchandising import VehicleSelector
        >>> rule = Rule(action="bury", where=VehicleSelector(brand=["X"]), valid_until=date(2026, 9, 1))
        >>> rule.applies(date(2026, 9, 1), None), rule.applies(date(2026, 9, 2), None)
        (True, False)
        """
        begun = self.valid_from is None or self.valid_from <= on
        over = self.valid_until is not None and on > self.valid_until
        return begun and not over and (not self.stores or store in self.stores)


class CardPayment(Section):
    """Borrower assumed for the payment on a card, before any credit check: default probability and age in years."""

    probability_of_default: float = Field(0.02, ge=0, lt=1)
    age: int = Field(35, ge=18, le=100)


class MerchandisingRules(Section):
    """Diversity limits, exploration and rules of the pages.

    Attributes
    ----------
    max_per_model, max_per_brand : int
        Maximum number of vehicles of one model and of one brand per ten places; longer pages in proportion.
    exploration_share : float
        Share of the places given to randomly drawn new vehicles that the ranking does not place on the page.
    new_days : float
        Days after listing during which a used vehicle is new.
    made_to_order : bool
        Whether an entry of the catalogue is shown although none of its vehicles is on offer any more.
    card_payment : CardPayment
        Borrower assumed for the payment on a card.
    rules : tuple of Rule
        Rules, applied in this order.
    """

    max_per_model: int = Field(2, ge=1, le=10)
    max_per_brand: int = Field(5, ge=1, le=10)
    exploration_share: float = Field(0.1, ge=0, le=0.5, allow_inf_nan=False)
    new_days: float = Field(14.0, gt=0, le=365, allow_inf_nan=False)
    made_to_order: bool = False
    card_payment: CardPayment = CardPayment()
    rules: tuple[Rule, ...] = ()


def load_merchandising_rules(path: Path) -> MerchandisingRules:
    """Read and validate a rules file.

    Parameters
    ----------
    path : Path
        Existing YAML file in the format of `configs/recommendation_rules.yaml`.

    Raises
    ------
    ConfigError
        The file is missing or breaks the schema; the message names the file, the key and the value.

    Examples
    --------
    >>> from pathlib import Path
    >>> load_merchandising_rules(Path("configs/recommendation_rules.yaml")).max_per_model
    2
    """
    return load_yaml(path, MerchandisingRules)
