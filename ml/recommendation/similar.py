"""Route `similar`: vehicles in stock that are similar to one, for the detail page of a vehicle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from pydantic import BaseModel

from features.errors import DataError
from ml.bilingual import Text
from ml.endpoint import Champions, Endpoint, no_rules, respond_each
from ml.recommendation.cards import make_card
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.request import SimilarRequest
from ml.recommendation.response import Card, note
from ml.recommendation.store_check import check_stores


class SimilarAnswer(BaseModel):
    """Vehicles similar to one, most similar first.

    Attributes
    ----------
    vehicle_id : str
        Vehicle of the request.
    items : tuple of Card
        `score` is the cosine similarity of price and categories, 1 for equal vehicles.
    available : int
        Number of vehicles that match all filters, without the vehicle itself.
    note : Text or None
        Why there are fewer vehicles than requested; null otherwise.
    """

    vehicle_id: str
    items: tuple[Card, ...]
    available: int
    note: Text | None


def answer(champions: Champions, request: SimilarRequest) -> SimilarAnswer:
    """Return the vehicles most similar to one; every item once before any item twice.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"recommendation": ml.champions.load(ml.champions.version_or_champion("recommendation"))}``.
    request : SimilarRequest
        Such as `ml.recommendation.request.SimilarRequest(vehicle_id="V1", n=5)`.

    Returns
    -------
    SimilarAnswer
        `items` (cards, most similar first, prices in yuan; `score` is the cosine similarity), `available` and `note`.

    Raises
    ------
    DataError
        The vehicle is not in stock, or a store of the filters is unknown.
    """
    estimator = cast("RecommendationEstimator", champions["recommendation"].estimator)
    stock, now = estimator.stock, time.time_ns() // 1_000
    row = stock.rows.get(request.vehicle_id)
    if row is None:
        raise DataError(
            f"vehicle_id: '{request.vehicle_id}' is not in stock; pass the vehicle_id of a vehicle on offer"
        )
    check_stores(estimator, None, request.filters.store_id)
    matches = stock.matching(request.filters, now=now, store=None, seats=None)
    matches[row] = False
    rows = np.flatnonzero(matches)
    items: tuple[Card, ...] = ()
    if len(rows):
        likeness = stock.likeness(row)[rows]
        order = np.argsort(-likeness, kind="stable")
        rows, likeness = rows[order], likeness[order]
        _, first = np.unique(stock.vehicles.item[rows], return_index=True)
        repeats = np.setdiff1d(np.arange(len(rows)), first)
        shown = np.concatenate([np.sort(first), repeats])[: request.n]
        items = tuple(
            make_card(estimator, int(rows[k]), float(likeness[k]), now=now, place=place)
            for place, k in enumerate(shown.tolist(), start=1)
        )
    return SimilarAnswer(
        vehicle_id=request.vehicle_id,
        items=items,
        available=int(matches.sum()),
        note=note(len(items), request.n, len(stock)),
    )


def _example(champions: Champions) -> Mapping[str, Any]:
    stock = cast("RecommendationEstimator", champions["recommendation"].estimator).stock
    return {"vehicle_id": str(stock.vehicles.ids[0]) if len(stock) else "V1", "n": 5}


SIMILAR = Endpoint(
    path="similar",
    summary={"zh": "与指定车辆相似的在售车辆", "en": "Vehicles in stock that are similar to a given one"},
    request=lambda champions: SimilarRequest,
    response=SimilarAnswer,
    respond=respond_each(answer),
    example=_example,
    rules=no_rules,
    public_errors=True,
)
