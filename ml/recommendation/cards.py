"""Cards: one vehicle of a page, with its attributes, price and reasons."""

from __future__ import annotations

import numpy as np

from features.aggregations import DAY
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.financing import MonthlyPayment
from ml.recommendation.reasons import CardReason
from ml.recommendation.response import Card
from ml.recommendation.showroom import Showroom


def make_card(
    estimator: Showroom,
    row: int,
    score: float,
    *,
    now: int,
    place: int,
    propensity: float = 1.0,
    pinned: bool = False,
    explored: bool = False,
    payment: MonthlyPayment | None = None,
    card_reasons: tuple[CardReason, ...] | None = None,
) -> Card:
    """Return the card of a vehicle; called by the routes `recommendation` and `similar`.

    Parameters
    ----------
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted, with its current stock: as returned by `RecommendationEstimator.fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    row : int
        Row number in `estimator.stock`: `estimator.stock.rows[vehicle_id]`.
    score : float
        Score to show.
    now : int
        Instant of the request (microseconds since 1970 UTC); decides `new`.
    place : int
        Position in the list, from 1.
    propensity : float
        Probability that the vehicle is on the page, given the ranking: 1 unless `explored`.
    pinned, explored : bool
        Whether a pin rule placed it; whether it fills an exploration slot.
    payment : MonthlyPayment, optional
        Lowest monthly payment, as returned by `ml.recommendation.financing.Financing.payment`.
    card_reasons : tuple of CardReason, optional
        Up to three reasons, strongest first: an element of the result of `ml.recommendation.reasons.reasons`.

    Returns
    -------
    Card
        Attributes of the vehicle, price in yuan, and the arguments.
    """
    stock = estimator.stock
    price, listed = float(stock.price[row]), int(stock.vehicles.listed_at[row])
    is_new = (
        bool(stock.vehicles.is_unit[row])
        and listed != ALWAYS
        and now - listed <= estimator.merchandising.new_days * DAY
    )
    return Card.model_construct(
        vehicle_id=str(stock.vehicles.ids[row]),
        **{n: column[row] for n, column in stock.shown.items()},
        price=None if np.isnan(price) else price,
        place=place,
        score=score,
        propensity=propensity,
        pinned=pinned,
        explored=explored,
        new=is_new,
        payment=payment,
        reasons=card_reasons,
    )
