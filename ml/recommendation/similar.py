"""Vehicles like one: for the foot of a vehicle's own page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from pydantic import BaseModel

from features.errors import DataError
from ml.bilingual import Text
from ml.endpoint import Champions, Endpoint, no_rules, respond_each
from ml.recommendation.answer import Card, make_card, note
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.request import SimilarRequest


class SimilarAnswer(BaseModel):
    """Vehicles like one, the likest first.

    Attributes
    ----------
    items : tuple of Card
        `score` is the likeness, 1 for one that agrees in price and every category.
    available : int
        Vehicles that fit all filters, the one itself not counted.
    note : Text or None
        Why there are fewer than were asked for.
    """

    vehicle_id: str
    items: tuple[Card, ...]
    available: int
    note: Text | None


def answer(champions: Champions, request: SimilarRequest) -> SimilarAnswer:
    """The vehicles most like one, each kind once before any kind twice.

    Raises
    ------
    DataError
        The vehicle is not in stock.
    """
    estimator = cast("RecommendationEstimator", champions["recommendation"].estimator)
    stock, now = estimator.stock, time.time_ns() // 1_000
    row = stock.rows.get(request.vehicle_id)
    if row is None:
        raise DataError(f"vehicle_id: '{request.vehicle_id}' is not in stock; give one that is")
    fits = stock.matching(request.filters, now=now, store=None, seats=None)
    fits[row] = False
    found = np.flatnonzero(fits)
    items: tuple[Card, ...] = ()
    if len(found):
        likeness = stock.likeness(row)[found]
        order = np.argsort(-likeness, kind="stable")
        found, likeness = found[order], likeness[order]
        _, first = np.unique(stock.vehicles.item[found], return_index=True)
        again = np.setdiff1d(np.arange(len(found)), first)
        shown = np.concatenate([np.sort(first), again])[: request.n]
        items = tuple(make_card(estimator, int(found[k]), float(likeness[k]), now=now) for k in shown)
    return SimilarAnswer(
        vehicle_id=request.vehicle_id,
        items=items,
        available=int(fits.sum()),
        note=note(len(items), request.n, len(stock)),
    )


def _example(champions: Champions) -> Mapping[str, Any]:
    stock = cast("RecommendationEstimator", champions["recommendation"].estimator).stock
    return {"vehicle_id": str(stock.vehicles.ids[0]) if len(stock) else "V1", "n": 5}


SIMILAR = Endpoint(
    path="similar",
    summary={"zh": "与某辆车相似的在售车辆", "en": "Vehicles in stock that are like one"},
    request=lambda champions: SimilarRequest,
    response=SimilarAnswer,
    respond=respond_each(answer),
    example=_example,
    rules=no_rules,
    public_errors=True,
)
