"""From a request to a page: candidates, ranking, the house's rules, payments, reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.aggregations import DAY
from ml.bilingual import Text
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.pages.page import Cap, Page, compose, moved
from ml.instants import microseconds
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.financing import MonthlyPayment
from ml.recommendation.house_rules import Rule
from ml.recommendation.ranking_features import Tastes, pair_columns
from ml.recommendation.reasons import CardReason, Evidence, reasons
from ml.recommendation.request import RecommendationRequest
from ml.recommendation.request_context import Path, RequestContext, read_request
from ml.recommendation.showroom import Showroom
from ml.recommendation.stock import Stock
from ml.recommendation.visitors import Visitors

MINUTE = 60_000_000
HOUSE_TIME = ZoneInfo("Asia/Shanghai")
NOTHING = {
    "empty": Text(zh="目前没有任何在售车辆", en="There is no vehicle in stock"),
    "filtered": Text(zh="没有符合全部条件的车辆", en="No vehicle fits all of the filters"),
    "fewer": Text(zh="符合条件的车辆少于所要的数量", en="Fewer vehicles fit the filters than were asked for"),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Card(_Frozen):
    """One vehicle on the page; what is not known of it is null.

    Attributes
    ----------
    price : float or None
        Yuan.
    score : float
        Of the ranker: only its order within one page has a meaning.
    propensity : float
        Probability with which the vehicle was to be on this page, given the ranking; log it with what happens.
    pinned, explored, new : bool
        Whether an operator put it there, whether it is there to be tried, whether it is new in stock.
    payment : MonthlyPayment or None
        Where a payment or an income was given and a loan can be had; before any credit check.
    reasons : tuple of CardReason or None
        Where they were asked for.
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
    score: float
    propensity: float
    pinned: bool
    explored: bool
    new: bool
    payment: MonthlyPayment | None = None
    reasons: tuple[CardReason, ...] | None = None


class RecommendationAnswer(_Frozen):
    """A page.

    Attributes
    ----------
    path : str
        What the answer rests on most: `customer`, `session`, `profile`, `cold` or `off`.
    known : bool
        Whether the customer or visitor named is one the model has learnt of.
    available : int
        Vehicles that fit all filters, shown or not.
    ignored_events : int
        Events of the session whose vehicle is not in stock, or whose kind says nothing of a choice.
    relaxed : bool
        Whether limits on sameness gave way so that the page could be filled.
    note : Text or None
        Why there are fewer vehicles than were asked for.
    stock_at : datetime
        When the stock was read.
    """

    path: Path
    known: bool
    items: tuple[Card, ...]
    available: int
    ignored_events: int
    relaxed: bool
    note: Text | None
    stock_at: datetime


def respond(
    estimator: Showroom, requests: Sequence[RecommendationRequest], *, explain: bool = False
) -> list[RecommendationAnswer]:
    """Answer requests in their order, each by itself."""
    return [_page(estimator, request, explain=explain) for request in requests]


def _page(estimator: Showroom, request: RecommendationRequest, *, explain: bool) -> RecommendationAnswer:
    stock, recommender = estimator.stock, estimator.recommender
    now = time.time_ns() // 1_000 if request.at is None else microseconds(request.at)
    asked = read_request(
        request, people=estimator.people, known=recommender.known, params=recommender.params, stock=stock, now=now
    )
    seats = request.profile.household_size if request.profile is not None and request.personalise else None
    fits = stock.matching(request.filters, now=now, store=request.store_id, seats=seats)
    available = int(fits.sum())
    rows, scores, values = rank(estimator, asked, stock.one_of_each(fits, store=int(asked.visitor.store[0])))
    if len(rows) < request.n:
        rows, scores = _and_the_rest(estimator, asked, fits, rows, scores)
    page, payments = _composed(estimator, request, rows, now=now)
    told: Mapping[int, tuple[CardReason, ...]] = {}
    if explain and recommender.trees is not None:
        told = _explained(estimator, asked, rows[page.shown], values)
    cards = tuple(
        make_card(
            estimator,
            row,
            float(scores[place]),
            now=now,
            propensity=float(page.propensity[k]),
            pinned=bool(page.pinned[k]),
            explored=bool(page.explored[k]),
            payment=payments.get(place),
            told=told.get(row, ()) if explain else None,
        )
        for k, (place, row) in enumerate(zip(page.shown.tolist(), rows[page.shown].tolist(), strict=True))
    )
    return RecommendationAnswer(
        path=asked.path,
        known=asked.known,
        items=cards,
        available=available,
        ignored_events=asked.ignored,
        relaxed=page.relaxed,
        note=note(len(cards), request.n, len(stock)),
        stock_at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=stock.read_at),
    )


def note(shown: int, wanted: int, stock: int) -> Text | None:
    """Why a page holds fewer vehicles than were asked for; None where it does not."""
    if shown == wanted:
        return None
    if stock == 0:
        return NOTHING["empty"]
    return NOTHING["fewer"] if shown else NOTHING["filtered"]


def rank(estimator: Showroom, asked: RequestContext, rows: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Candidates among some vehicles, best first, with their scores and what the ranker read of them.

    Of many, the ranker sees those that some retriever, or a likeness to what was looked at, puts first.
    """
    recommender, vehicles = estimator.recommender, estimator.stock.vehicles
    if len(rows) == 0:
        return rows, np.empty(0), np.empty((0, len(recommender.columns)))
    visitor = asked.visitor
    rows = _may_be_shown(estimator, visitor, rows)
    item = vehicles.item[rows]
    if recommender.trees is None:
        scores = recommender.blended(visitor)[0, item]
        order = np.argsort(-scores, kind="stable")
        return rows[order], scores[order], np.empty((len(rows), 0))
    tables = recommender.retrieval.scores(visitor)
    seen = item < estimator.stock.n_items
    most = recommender.params.candidates
    keep = _best([table[0, item[seen]] for table in tables.values()], most=most)
    rows = np.concatenate([rows[seen][keep], _nearest(estimator, visitor, rows[~seen], most=most // 4)])
    matrix = _matrix(estimator, visitor, rows, tables)
    scores = recommender.trees.score_rows(matrix)
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order], matrix[order]


def _may_be_shown(estimator: Showroom, visitor: Visitors, rows: IntArray) -> IntArray:
    if estimator.recommender.params.repeat:
        return rows
    seen = np.append(np.asarray(visitor.history.todense()).ravel() > 0, False)
    return np.asarray(rows[~seen[estimator.stock.vehicles.item[rows]]])


def _matrix(estimator: Showroom, visitor: Visitors, rows: IntArray, tables: Mapping[str, FloatArray]) -> FloatArray:
    """Return what the ranker reads of some vehicles for a visitor, whose scores by the retrievers are `tables`."""
    recommender = estimator.recommender
    columns = pair_columns(
        visitor,
        estimator.stock.vehicles,
        Tastes.of(visitor, recommender.items, estimator.sizes),
        recommender.items,
        visitor=np.zeros(len(rows), dtype=np.int64),
        vehicle=rows,
        scores={**tables, **recommender.retrieval.visit_scores(visitor)},
    )
    return np.column_stack([columns[n] for n in recommender.columns])


def _nearest(estimator: Showroom, visitor: Visitors, rows: IntArray, *, most: int) -> IntArray:
    """Of vehicles that no retriever knows, being unlike all before: the nearest to what was looked at."""
    if len(rows) <= most:
        return rows
    liked = np.asarray(visitor.history @ estimator.space.vectors_)[0]
    near = estimator.stock.vectors[rows] @ liked
    return rows[np.sort(np.argpartition(-near, most)[:most])]


def _best(scores: Sequence[FloatArray], *, most: int) -> IntArray:
    """Rows that are among the best by any of the scores, in their order; so many by each that `most` holds."""
    n = len(scores[0]) if scores else 0
    if n <= most:
        return np.arange(n)
    share = max(1, most // len(scores))
    keep = np.zeros(n, dtype=bool)
    for score in scores:
        keep[np.argpartition(-score, share)[:share]] = True
    return np.flatnonzero(keep)


def _and_the_rest(
    estimator: Showroom, asked: RequestContext, fits: Any, rows: IntArray, scores: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Behind the candidates everything else that fits, the best liked kinds and the newest first."""
    stock, recommender = estimator.stock, estimator.recommender
    others = np.flatnonzero(fits)
    others = _may_be_shown(estimator, asked.visitor, others[~np.isin(others, rows)])
    item = stock.vehicles.item[others]
    best = np.full(stock.n_items + 1, -np.inf)
    np.maximum.at(best, stock.vehicles.item[rows], scores)
    liked = best[item]
    popular = recommender.retrieval.scores(asked.visitor)["store_popularity"][0, item]
    order = np.lexsort((-stock.vehicles.listed_at[others], -popular, -liked))
    floor = float(scores.min()) if len(scores) else 0.0
    return np.concatenate([rows, others[order]]), np.concatenate([scores, np.full(len(others), floor)])


def _composed(
    estimator: Showroom, request: RecommendationRequest, rows: IntArray, *, now: int
) -> tuple[Page, dict[int, MonthlyPayment]]:
    """Lay out the page by the house's rules; payments by place in the ranking."""
    house, stock = estimator.house, estimator.stock
    if len(rows) == 0:
        nothing = np.empty(0, dtype=np.int64)
        none = np.empty(0, dtype=bool)
        return Page(nothing, np.empty(0), none, none, False), {}
    today = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now)).astimezone(HOUSE_TIME).date()
    pins: dict[int, int] = {}
    up: dict[int, int] = {}
    last: list[int] = []
    for rule in house.rules:
        if not rule.holds(today, request.store_id):
            continue
        fitting = [int(p) for p in np.flatnonzero(_where(stock, rule, rows))]
        if rule.action == "pin":
            free = [p for p in fitting if p not in pins.values()]
            if free:
                pins[rule.place - 1] = free[0]
        elif rule.action == "boost":
            up |= {p: up.get(p, 0) + rule.places for p in fitting}
        else:
            last += [p for p in fitting if p not in last]
    payments = _payments(estimator, request, rows, on=today)
    short_of = [p for p, payment in payments.items() if payment is None or not payment.affordable]
    order = moved(len(rows), up=up, last=[*short_of, *(p for p in last if p not in short_of)])
    listed = stock.vehicles.listed_at[rows]
    fresh = stock.vehicles.single[rows] & (listed != ALWAYS) & (now - listed <= house.new_days * DAY)
    kinds = [stock.kinds[n][1][rows] for n in ("model", "brand") if n in stock.kinds]
    most = [house.max_per_model, house.max_per_brand]
    caps = [Cap(kind, limit) for kind, limit in zip(kinds, most, strict=False)]
    page = compose(
        order,
        length=request.n,
        caps=caps,
        pins=pins,
        pool=np.setdiff1d(np.flatnonzero(fresh), [*last, *short_of]),
        explored=int(house.exploration_share * request.n),
        rng=_rng(request, now),
    )
    shown = page.shown.tolist()
    if request.payment is not None:
        payments |= _payments(estimator, request, rows, on=today, only=[p for p in shown if p not in payments])
    return page, {p: payments[p] for p in shown if (p in payments and payments[p] is not None)}  # type: ignore[misc]


def _payments(
    estimator: Showroom,
    request: RecommendationRequest,
    rows: IntArray,
    *,
    on: date,
    only: Sequence[int] | None = None,
) -> dict[int, MonthlyPayment | None]:
    """Payments in the order of the ranking, until the page could be filled with what can be paid."""
    wish, financing, stock = request.payment, estimator.financing, estimator.stock
    if wish is None or financing is None:
        return {}
    found: dict[int, MonthlyPayment | None] = {}
    enough = 0
    for place in range(len(rows)) if only is None else only:
        row = int(rows[place])
        found[place] = financing.payment(
            {n: stock.shown[n][row] for n in ("condition", "energy_type", "brand") if n in stock.shown},
            float(stock.price[row]),
            on=on,
            down_payment_share=wish.down_payment_share,
            monthly_payment=wish.monthly_payment,
            monthly_income=wish.monthly_income,
        )
        payment = found[place]
        enough += payment is not None and payment.affordable
        if only is None and enough >= 2 * request.n:
            break
    return found


def _where(stock: Stock, rule: Rule, rows: IntArray) -> Any:
    fits = np.ones(len(rows), dtype=bool)
    for name, values in rule.where.model_dump().items():
        if not values:
            continue
        if name == "vehicle_id":
            fits &= np.isin(rows, [stock.rows[v] for v in values if v in stock.rows])
        else:
            fits &= stock.among(name, values)[rows]
    return fits


def _rng(request: RecommendationRequest, now: int) -> np.random.Generator:
    """The same visitor sees the same page for a minute; with nobody named, the request itself decides."""
    who = request.visitor_id or request.customer_id or request.model_dump_json(exclude={"at"})
    digest = blake2b(f"{who}|{now // MINUTE}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _explained(
    estimator: Showroom, asked: RequestContext, rows: IntArray, values: FloatArray
) -> dict[int, tuple[CardReason, ...]]:
    recommender, vehicles = estimator.recommender, estimator.stock.vehicles
    assert recommender.trees is not None
    matrix = _matrix(estimator, asked.visitor, rows, recommender.retrieval.scores(asked.visitor))
    names = list(recommender.columns)
    popular: dict[str, float] = {
        n: float(np.quantile(values[:, names.index(n)], 0.9))
        for n in ("popularity_score", "store_popularity_score")
        if n in names and len(values)
    }
    evidence = Evidence(
        recommender=recommender,
        asked=asked,
        values=matrix,
        contributions=recommender.trees.contributions(matrix)[:, : len(names)],
        item=vehicles.item[rows],
        codes={n: codes[rows] for n, codes in vehicles.codes.items()},
        popular=popular,
    )
    return dict(zip(rows.tolist(), reasons(evidence), strict=True))


def make_card(
    estimator: Showroom,
    row: int,
    score: float,
    *,
    now: int,
    propensity: float = 1.0,
    pinned: bool = False,
    explored: bool = False,
    payment: MonthlyPayment | None = None,
    told: tuple[CardReason, ...] | None = None,
) -> Card:
    """What is shown of a vehicle in stock (its row there)."""
    stock = estimator.stock
    price, listed = float(stock.price[row]), int(stock.vehicles.listed_at[row])
    fresh = bool(stock.vehicles.single[row]) and listed != ALWAYS and now - listed <= estimator.house.new_days * DAY
    return Card.model_construct(
        vehicle_id=str(stock.vehicles.ids[row]),
        **{n: column[row] for n, column in stock.shown.items()},
        price=None if np.isnan(price) else price,
        score=score,
        propensity=propensity,
        pinned=pinned,
        explored=explored,
        new=fresh,
        payment=payment,
        reasons=told,
    )
