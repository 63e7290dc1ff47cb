"""One request as a visitor: what is known of a customer, what was done in this visit, what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from features.aggregations import DAY
from ml.domain.arrays import FloatArray, IntArray
from ml.instants import microseconds
from ml.recommendation.catalogue import Vocabularies
from ml.recommendation.params import RecommendationParams
from ml.recommendation.request import RecommendationRequest
from ml.recommendation.stock import Stock
from ml.recommendation.user_profiles import UserProfiles
from ml.recommendation.visitors import Visitors

Path = Literal["customer", "session", "profile", "cold", "off"]


@dataclass(frozen=True)
class RequestContext:
    """Who asks, as the recommender reads it.

    Attributes
    ----------
    path : str
        What the answer rests on most: the history of a known `customer`, this visit (`session`), what was said
        (`profile`), nothing (`cold`), or nothing because it was so wished (`off`).
    known : bool
        Whether the customer or visitor named is one the model has learnt of.
    ignored : int
        Events whose vehicle or kind says nothing.
    looked_at : ndarray of int64
        Items of the history, the most recent first.
    """

    visitor: Visitors
    path: Path
    known: bool
    ignored: int
    looked_at: IntArray


def read_request(
    request: RecommendationRequest,
    *,
    people: UserProfiles,
    known: Vocabularies,
    params: RecommendationParams,
    stock: Stock,
    now: int,
) -> RequestContext:
    """Put a request into the arrays that training learnt from."""
    n_items = len(known.items)
    store = known.stores.code(request.store_id)
    weight, days = np.zeros(n_items), np.full(n_items, np.inf)
    budget = np.full((1, 2), np.nan)
    stated = {n: np.array([len(known.categories[n])]) for n in people.stated}
    row = _row(people, request) if request.personalise else None
    ignored = 0
    if row is not None:
        item, worth, since = people.history_of(row, now=now, half_life_days=params.half_life_days)
        weight[item], days[item] = worth, since
        budget = people.budget[row : row + 1].copy()
        stated = {n: codes[row : row + 1].copy() for n, codes in people.stated.items()}
    if request.personalise:
        ignored = _add_session(request, stock, params, now, weight=weight, days=days)
        _add_profile(request, known, budget, stated)
    chosen = np.flatnonzero(weight > 0)
    visitor = Visitors(
        _row_matrix(chosen, weight[chosen], n_items),
        _row_matrix(chosen, days[chosen] + 1.0, n_items),
        budget,
        stated,
        np.array([now]),
        np.array([store]),
    )
    looked_at = chosen[np.argsort(days[chosen], kind="stable")]
    path = _path(request, row is not None, session=len(request.session) > ignored)
    return RequestContext(visitor, path, row is not None, ignored, looked_at)


def _row(people: UserProfiles, request: RecommendationRequest) -> int | None:
    for name in (request.customer_id, request.visitor_id):
        row = people.row(name) if name is not None else None
        if row is not None:
            return row
    return None


def _add_session(
    request: RecommendationRequest,
    stock: Stock,
    params: RecommendationParams,
    now: int,
    *,
    weight: FloatArray,
    days: FloatArray,
) -> int:
    """Add what was done in this visit; gives the number of events that say nothing."""
    ignored = 0
    for event in request.session:
        row, grade = stock.rows.get(event.vehicle_id), params.grades.get(event.event_type)
        at = now if event.at is None else microseconds(event.at)
        item = int(stock.vehicles.item[row]) if row is not None else stock.n_items
        if item >= stock.n_items or grade is None or at > now or now - at > params.lookback_days * DAY:
            ignored += 1
            continue
        age = (now - at) / DAY
        weight[item] += grade * 0.5 ** (age / params.half_life_days)
        days[item] = min(days[item], age)
    return ignored


def _add_profile(
    request: RecommendationRequest, known: Vocabularies, budget: FloatArray, stated: dict[str, IntArray]
) -> None:
    """What is said now stands before what was said once."""
    profile = request.profile
    if profile is None:
        return
    for end, value in enumerate((profile.budget_low, profile.budget_high)):
        if value is not None:
            budget[0, end] = np.log(max(value, 1.0))
    for name, wish in (("body_type", profile.body_type), ("energy_type", profile.energy_type)):
        if wish is not None and name in stated:
            stated[name] = np.array([known.categories[name].code(wish)])


def _path(request: RecommendationRequest, known: bool, *, session: bool) -> Path:
    if not request.personalise:
        return "off"
    if known:
        return "customer"
    if session:
        return "session"
    said = request.profile is not None and request.profile.model_dump(exclude_none=True)
    return "profile" if said else "cold"


def _row_matrix(item: IntArray, values: FloatArray, n_items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, item, np.array([0, len(item)])), shape=(1, n_items))
