"""Encode one request as a visitor: stored history, events of this visit and stated preferences."""

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
    """Visitor of one request, encoded for the recommender.

    Attributes
    ----------
    visitor : Visitors
        One row.
    path : {'customer', 'session', 'profile', 'cold', 'off'}
        Main source of the personalisation: history of a known customer or visitor, events of this visit, stated
        preferences only, none (cold start), or none because the request asks for a non-personalised page.
    is_known_user : bool
        Whether the training data contain the customer or visitor named in the request.
    ignored_events : int
        Session events that could not be used: vehicle not in stock or of an unknown item, event type without a grade,
        or instant in the future or before the look-back.
    history_items : ndarray of int64
        Codes of the items in the history, latest first.
    """

    visitor: Visitors
    path: Path
    is_known_user: bool
    ignored_events: int
    history_items: IntArray


def encode_request(
    request: RecommendationRequest,
    *,
    profiles: UserProfiles,
    vocabularies: Vocabularies,
    params: RecommendationParams,
    stock: Stock,
    now: int,
) -> RequestContext:
    """Encode a request with the vocabularies of training.

    Parameters
    ----------
    request : RecommendationRequest
        Such as `ml.recommendation.request.RecommendationRequest(customer_id="C1")`.
    profiles, stock : UserProfiles, Stock
        Attributes `profiles` and `stock` of a fitted estimator:
        ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator``.
    vocabularies, params : Vocabularies, RecommendationParams
        Attributes `vocabularies` and `params` of the same estimator's `recommender`.
    now : int
        Instant of the request (microseconds since 1970 UTC).

    Returns
    -------
    RequestContext
        `visitor` (one row), `path`, `is_known_user`, `ignored_events` (a number) and `history_items` (item codes).
    """
    n_items = len(vocabularies.items)
    store = vocabularies.stores.code(request.store_id)
    weight, days = np.zeros(n_items), np.full(n_items, np.inf)
    budget = np.full((1, 2), np.nan)
    stated = {n: np.array([len(vocabularies.categories[n])]) for n in profiles.stated}
    row = _profile_row(profiles, request) if request.personalise else None
    ignored = 0
    if row is not None:
        item, decayed, since = profiles.history_of(row, now=now, half_life_days=params.half_life_days)
        weight[item], days[item] = decayed, since
        budget = profiles.budget[row : row + 1].copy()
        stated = {n: codes[row : row + 1].copy() for n, codes in profiles.stated.items()}
    if request.personalise:
        ignored = _add_session(request, stock, params, now, weight=weight, days=days)
        _add_profile(request, vocabularies, budget, stated)
    items = np.flatnonzero(weight > 0)
    visitor = Visitors(
        _row_matrix(items, weight[items], n_items),
        _row_matrix(items, days[items] + 1.0, n_items),
        budget,
        stated,
        np.array([now]),
        np.array([store]),
    )
    history_items = items[np.argsort(days[items], kind="stable")]
    path = _path(request, row is not None, session=len(request.session) > ignored)
    return RequestContext(visitor, path, row is not None, ignored, history_items)


def _profile_row(profiles: UserProfiles, request: RecommendationRequest) -> int | None:
    for name in (request.customer_id, request.visitor_id):
        row = profiles.row(name) if name is not None else None
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
    """Add the session events to the history in place; return the number of events that cannot be used."""
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
    request: RecommendationRequest, vocabularies: Vocabularies, budget: FloatArray, stated: dict[str, IntArray]
) -> None:
    """Replace stored preferences by those of the request, in place."""
    profile = request.profile
    if profile is None:
        return
    for end, value in enumerate((profile.budget_low, profile.budget_high)):
        if value is not None:
            budget[0, end] = np.log(max(value, 1.0))
    for category, preference in (("body_type", profile.body_type), ("energy_type", profile.energy_type)):
        if preference is not None and category in stated:
            stated[category] = np.array([vocabularies.categories[category].code(preference)])


def _path(request: RecommendationRequest, is_known_user: bool, *, session: bool) -> Path:
    if not request.personalise:
        return "off"
    if is_known_user:
        return "customer"
    if session:
        return "session"
    preferences = request.profile is not None and request.profile.model_dump(exclude_none=True)
    return "profile" if preferences else "cold"


def _row_matrix(item: IntArray, values: FloatArray, n_items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, item, np.array([0, len(item)])), shape=(1, n_items))
