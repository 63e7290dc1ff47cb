"""Answers of the endpoint of used cars; money in yuan."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.work.inventory.order_models import Name

Action = Literal["keep", "reprice", "transfer", "wholesale", "check"]
Order = Literal["days", "waiting", "gap", "price"]


class UsedCarQuery(BaseModel):
    """Which used cars to return.

    Attributes
    ----------
    store_id, vehicle_id : str or None
        Store, or one car.
    action : str or None
        Recommendation.
    sort : str
        days (longest on the lot first), waiting (most costly month first), gap (asking price furthest above the
        model's first) or price.
    page, rows : int
        Page from 1, and rows a page.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None
    vehicle_id: Name | None = None
    action: Action | None = None
    sort: Order = "days"
    page: int = Field(1, ge=1, le=100_000)
    rows: int = Field(50, ge=1, le=20_000)


class UsedCar(BaseModel):
    """A used car for sale, its value and what to do.

    Attributes
    ----------
    listed_at : str
        Day since when it is for sale.
    days : int
        Days on the lot.
    price, cost : float or None
        Asking price and purchase cost.
    value, value_low, value_high : float or None
        Price at which the model expects such a car to be listed today, with interval; None: cannot be priced.
    gap : float or None
        Asking price less `value`.
    value_next : float or None
        Value after one more month on the lot, without driving.
    depreciation, holding : float or None
        What a month of waiting costs: loss of value; interest on the purchase cost and space.
    waiting : float or None
        Sum of both.
    remaining_days : float or None
        Median days until it is sold, for cars that have stood as long; None: fewer than half of them were sold.
    action : str
        keep, reprice, transfer, wholesale, or check (cannot be priced).
    new_price : float or None
        Price to ask; with wholesale the lowest offer that is better than another three months.
    to_store : str or None
        Store to move it to.
    advice, arithmetic : Text
        The recommendation and the figures that it follows from.
    problem : Text or None
        Why it cannot be priced.
    warnings : list of Text
        What makes the value uncertain.
    """

    vehicle_id: str
    store_id: str
    brand: str | None
    model: str | None
    model_year: int | None
    age_months: float | None
    mileage_km: float | None
    listed_at: str
    days: int
    price: float | None
    cost: float | None
    value: float | None
    value_low: float | None
    value_high: float | None
    gap: float | None
    value_next: float | None
    depreciation: float | None
    holding: float | None
    waiting: float | None
    remaining_days: float | None
    action: Action
    new_price: float | None
    to_store: str | None
    advice: Text
    arithmetic: Text
    problem: Text | None
    warnings: list[Text]


class StorePace(BaseModel):
    """How fast a store sells used cars.

    Attributes
    ----------
    sold : int
        Used cars sold within the last 365 days.
    median_days : float
        Their median days on the lot.
    """

    store_id: str
    sold: int
    median_days: float


class UsedCars(BaseModel):
    """Used cars for sale.

    Attributes
    ----------
    as_of : str
        Day to which days and values are counted.
    coverage : float or None
        Probability that the intervals promise.
    ageing_days, wholesale_days : int
        Days from which a car is ageing, and from which wholesale is considered.
    count, ageing, long : int
        Cars of the store (or of all stores of the caller): all, and those that stand longer than the two limits.
    asking, waiting : float
        Their asking prices and their cost of waiting a month.
    actions : mapping of str to int
        Cars by recommendation.
    unpriced : int
        Cars that the model cannot price.
    matches : int
        Cars that the query asks for.
    cars : list of UsedCar
        One page of them.
    paces : list of StorePace
        How fast stores sell used cars.
    longest_sold : int or None
        Longest time on the lot of a car sold within the last 365 days.
    longer_than_sold : int
        Cars of the store that stand longer than that: are they still there?
    """

    as_of: str
    coverage: float | None
    ageing_days: int
    wholesale_days: int
    count: int
    ageing: int
    long: int
    asking: float
    waiting: float
    actions: dict[Action, int]
    unpriced: int
    matches: int
    cars: list[UsedCar]
    paces: list[StorePace]
    longest_sold: int | None
    longer_than_sold: int
