"""Response models of the recommendation routes."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ml.bilingual import Text
from ml.recommendation.financing import MonthlyPayment
from ml.recommendation.reasons import CardReason
from ml.recommendation.request_context import Path

SHORT_PAGE_NOTES = {
    "empty": Text(zh="目前没有在售车辆", en="There is no vehicle in stock"),
    "filtered": Text(zh="没有符合全部筛选条件的车辆", en="No vehicle matches all filters"),
    "fewer": Text(zh="符合筛选条件的车辆不足请求的数量", en="Fewer vehicles match the filters than requested"),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Card(_Frozen):
    """One vehicle on the page; missing attributes are null.

    Attributes
    ----------
    price : float or None
        Price in yuan.
    place : int
        Position in the list, from 1; the vehicles of earlier pages count. Log it with the exposure.
    score : float
        Score of the ranker; comparable within one page only.
    propensity : float
        Probability that the vehicle is on this page, given the ranking: 1 unless `explored`. Log it as an exposure.
    pinned, explored, new : bool
        Whether a pin rule placed it; whether it fills an exploration slot; whether it is a used vehicle listed within
        `new_days`.
    payment : MonthlyPayment or None
        Lowest monthly payment before any credit check; null if the request has no `payment` or no loan is available.
    reasons : tuple of CardReason or None
        Up to three reasons, strongest first; null unless the request has `explain=true`.
    """

    vehicle_id: str
    brand: str | None = None
    series: str | None = None
    model: str | None = None
    trim: str | None = None
    condition: str | None = None
    body_type: str | None = None
    energy_type: str | None = None
    seats: int | None = None
    range_km: float | None = None
    model_year: int | None = None
    mileage_km: float | None = None
    store_id: str | None = None
    price: float | None
    place: int
    score: float
    propensity: float
    pinned: bool
    explored: bool
    new: bool
    payment: MonthlyPayment | None = None
    reasons: tuple[CardReason, ...] | None = None


class RecommendationAnswer(_Frozen):
    """One page of recommended vehicles.

    Attributes
    ----------
    path : str
        Main source of the personalisation: `customer` (history of a known customer or visitor), `session` (events of
        this visit), `profile` (stated preferences only), `cold` (cold start: nothing is known) or `off`
        (non-personalised, as requested).
    known_user : bool
        Whether the training data contain the `customer_id` or `visitor_id` of the request; false for a non-personalised
        page.
    items : tuple of Card
        Vehicles in the order of the page.
    available : int
        Number of vehicles that match all filters, including those not shown.
    ignored_events : int
        Number of session events that could not be used: the vehicle is not in stock or of a kind that training
        did not contain, the event type has no grade, or the instant lies in the future or before the look-back.
    relaxed : bool
        Whether the diversity limits were relaxed to fill the page.
    note : Text or None
        Why the page has fewer vehicles than requested; null for a full page.
    next_page_token : str or None
        `page_token` of a request for the next page, which repeats no vehicle; null where no vehicle is left, or after
        1,000 vehicles.
    stock_at : datetime
        When the stock was last read (UTC).
    """

    path: Path
    known_user: bool
    items: tuple[Card, ...]
    available: int
    ignored_events: int
    relaxed: bool
    note: Text | None
    next_page_token: str | None
    stock_at: datetime


def note(shown: int, requested: int, stock: int) -> Text | None:
    """Return why a page has fewer vehicles than requested; None for a full page.

    Parameters
    ----------
    shown, requested, stock : int
        Numbers of vehicles on the page, requested, and in stock.

    Examples
    --------
    >>> note(10, 10, 500) is None, note(0, 10, 500).en
    (True, 'No vehicle matches all filters')
    """
    if shown == requested:
        return None
    if stock == 0:
        return SHORT_PAGE_NOTES["empty"]
    return SHORT_PAGE_NOTES["fewer"] if shown else SHORT_PAGE_NOTES["filtered"]
