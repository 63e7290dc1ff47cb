"""Answer recommendation requests: select candidates, rank them, compose the page, add payments and reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from features.aggregations import DAY
from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.pages.page import Cap, Page, compose_page, reorder
from ml.instants import microseconds
from ml.recommendation.cards import make_card
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.financing import MonthlyPayment
from ml.recommendation.merchandising import Rule
from ml.recommendation.page_tokens import MAX_SHOWN, page_token, shown_before
from ml.recommendation.ranking_features import Tastes, pair_columns
from ml.recommendation.reasons import CardReason, Evidence, reasons
from ml.recommendation.request import RecommendationRequest
from ml.recommendation.request_context import RequestContext, encode_request
from ml.recommendation.response import Card, RecommendationAnswer, note
from ml.recommendation.showroom import Showroom
from ml.recommendation.stock import Stock
from ml.recommendation.store_check import check_stores
from ml.recommendation.visitors import Visitors

MINUTE = 60_000_000
PAGE_TIME_ZONE = ZoneInfo("Asia/Shanghai")


def respond(
    estimator: Showroom, requests: Sequence[RecommendationRequest], *, explain: bool = False
) -> list[RecommendationAnswer]:
    """Answer each request independently, in order.

    Parameters
    ----------
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted, with its current stock: as returned by `RecommendationEstimator.fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    requests : sequence of RecommendationRequest
        Such as `ml.recommendation.request.RecommendationRequest(customer_id="C1", n=5)`.
    explain : bool
        Whether cards carry reasons.

    Returns
    -------
    list of RecommendationAnswer
        One page per request: `items` (cards in page order, prices and payments in yuan), `path`, `available`, `note`.

    Raises
    ------
    FeatureError
        A request has a store that neither training, nor the stock, nor the merchandising rules have.
    """
    for request in requests:
        check_stores(estimator, request.store_id, request.filters.store_id)
    return [recommend(estimator, request, explain=explain) for request in requests]


def recommend(estimator: Showroom, request: RecommendationRequest, *, explain: bool = False) -> RecommendationAnswer:
    """Return one page; a store that the model does not have is answered with the vehicles that all stores offer.

    Called by `respond`, and for the rows of batch predictions.

    Parameters
    ----------
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted, with its current stock: `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    request : RecommendationRequest
        Such as `ml.recommendation.request.RecommendationRequest(customer_id="C1", n=5)`.
    explain : bool
        Whether cards carry reasons.

    Returns
    -------
    RecommendationAnswer
        `items` (cards in page order, prices and payments in yuan), `path`, `available`, `note`.
    """
    stop_if_abandoned()
    stock, recommender = estimator.stock, estimator.recommender
    now = time.time_ns() // 1_000 if request.at is None else microseconds(request.at)
    context = encode_request(
        request,
        profiles=estimator.profiles,
        vocabularies=recommender.vocabularies,
        params=recommender.params,
        stock=stock,
        now=now,
    )
    seats = request.profile.household_size if request.profile is not None and request.personalise else None
    matches = stock.matching(request.filters, now=now, store=request.store_id, seats=seats)
    matches &= ~_hidden(estimator, request, now)
    available = int(matches.sum())
    before = () if request.page_token is None else shown_before(request.page_token)
    fresh = _without_shown(stock, matches, before) if before else matches
    rows, scores, values = rank(estimator, context, stock.one_of_each(fresh, store=int(context.visitor.store[0])))
    if len(rows) < request.n:
        rows, scores = _with_other_matches(estimator, context, matches, rows, scores)
    page, payments = _composed_page(estimator, request, rows, now=now, offset=len(before))
    card_reasons: Mapping[int, tuple[CardReason, ...]] = {}
    if explain and recommender.trees is not None:
        card_reasons = _reasons_by_row(estimator, context, rows[page.shown], values)
    cards = tuple(
        make_card(
            estimator,
            row,
            float(scores[place]),
            now=now,
            place=len(before) + k + 1,
            propensity=float(page.propensity[k]),
            pinned=bool(page.pinned[k]),
            explored=bool(page.explored[k]),
            payment=payments.get(place),
            card_reasons=card_reasons.get(row, ()) if explain else None,
        )
        for k, (place, row) in enumerate(zip(page.shown.tolist(), rows[page.shown].tolist(), strict=True))
    )
    return RecommendationAnswer(
        path=context.path,
        known_user=context.is_known_user,
        items=cards,
        available=available,
        ignored_events=context.ignored_events,
        relaxed=page.relaxed,
        note=note(len(cards), request.n, len(stock)),
        next_page_token=_next_page(before, cards, left=int(matches.sum()) - len(cards)),
        stock_at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=stock.read_at),
    )


def _hidden(estimator: Showroom, request: RecommendationRequest, now: int) -> BoolArray:
    """Return a mask of the vehicles that a rule leaves out."""
    stock, hidden = estimator.stock, np.zeros(len(estimator.stock), dtype=bool)
    rules = [r for r in estimator.merchandising.rules if r.action == "hide" and r.applies(_day(now), request.store_id)]
    for rule in rules:
        hidden |= matching_rows(stock, rule, np.arange(len(stock)))
    return hidden


def _day(now: int) -> date:
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now)).astimezone(PAGE_TIME_ZONE).date()


def _without_shown(stock: Stock, matches: BoolArray, shown: Sequence[str]) -> BoolArray:
    """Take vehicles of earlier pages out of `matches`, in place; return the matches of items that no page has shown."""
    rows = np.array([row for name in shown if (row := stock.rows.get(name)) is not None], dtype=np.int64)
    matches[rows] = False
    item = stock.vehicles.item
    items = item[rows]
    return np.asarray(matches & ~np.isin(item, items[items < stock.n_items]))


def _next_page(before: Sequence[str], cards: Sequence[Card], *, left: int) -> str | None:
    shown = [*before, *(card.vehicle_id for card in cards)]
    return page_token(shown) if cards and left > 0 and len(shown) <= MAX_SHOWN else None


def rank(estimator: Showroom, context: RequestContext, rows: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Rank vehicles for one visitor.

    Of more than `params.candidates` vehicles, only those that a retriever scores among its best are ranked, and of
    vehicles of unknown items those nearest to the history.

    Parameters
    ----------
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted, with its current stock: as returned by `RecommendationEstimator.fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    context : RequestContext
        As returned by `ml.recommendation.request_context.encode_request`.
    rows : ndarray of int64
        Row numbers in `estimator.stock.vehicles`, such as returned by `estimator.stock.one_of_each`.

    Returns
    -------
    rows : ndarray of int64, shape (n_candidates,)
        Candidates, best first.
    scores : ndarray of float64, shape (n_candidates,)
        Score of each; comparable within one call only.
    values : ndarray of float64, shape (n_candidates, n_columns)
        The ranker's columns; no columns without a ranker.
    """
    recommender, vehicles = estimator.recommender, estimator.stock.vehicles
    if len(rows) == 0:
        return rows, np.empty(0), np.empty((0, len(recommender.columns)))
    visitor = context.visitor
    rows = _without_repeats(estimator, visitor, rows)
    item = vehicles.item[rows]
    if recommender.trees is None:
        scores = recommender.blended_scores(visitor)[0, item]
        order = np.argsort(-scores, kind="stable")
        return rows[order], scores[order], np.empty((len(rows), 0))
    tables = recommender.retrieval.scores(visitor)
    has_item = item < estimator.stock.n_items
    limit = recommender.params.candidates
    keep = _top_of_any_score([table[0, item[has_item]] for table in tables.values()], limit=limit)
    rows = np.concatenate(
        [rows[has_item][keep], _nearest_to_history(estimator, visitor, rows[~has_item], limit=limit // 4)]
    )
    matrix = _matrix(estimator, visitor, rows, tables)
    scores = recommender.trees.score_rows(matrix)
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order], matrix[order]


def _without_repeats(estimator: Showroom, visitor: Visitors, rows: IntArray) -> IntArray:
    if estimator.recommender.params.repeat:
        return rows
    chosen = np.append(np.asarray(visitor.history.todense()).ravel() > 0, False)
    return np.asarray(rows[~chosen[estimator.stock.vehicles.item[rows]]])


def _matrix(estimator: Showroom, visitor: Visitors, rows: IntArray, tables: Mapping[str, FloatArray]) -> FloatArray:
    """Return the ranker's columns of the vehicles `rows`; `tables` are the retrievers' scores for the visitor."""
    recommender = estimator.recommender
    columns = pair_columns(
        visitor,
        estimator.stock.vehicles,
        Tastes.of(visitor, recommender.items, estimator.category_sizes),
        recommender.items,
        visitor=np.zeros(len(rows), dtype=np.int64),
        vehicle=rows,
        scores={**tables, **recommender.retrieval.visit_scores(visitor)},
    )
    return np.column_stack([columns[n] for n in recommender.columns])


def _nearest_to_history(estimator: Showroom, visitor: Visitors, rows: IntArray, *, limit: int) -> IntArray:
    """Return the `limit` vehicles nearest to the history by price and categories; retrievers cannot score them."""
    if len(rows) <= limit:
        return rows
    taste = np.asarray(visitor.history @ estimator.content_space.vectors_)[0]
    near = estimator.stock.vectors[rows] @ taste
    return rows[np.sort(np.argpartition(-near, limit)[:limit])]


def _top_of_any_score(scores: Sequence[FloatArray], *, limit: int) -> IntArray:
    """Return the rows that are among the best by any score, in row order, `limit` in all."""
    n = len(scores[0]) if scores else 0
    if n <= limit:
        return np.arange(n)
    share = max(1, limit // len(scores))
    keep = np.zeros(n, dtype=bool)
    for score in scores:
        keep[np.argpartition(-score, share)[:share]] = True
    return np.flatnonzero(keep)


def _with_other_matches(
    estimator: Showroom, context: RequestContext, matches: Any, rows: IntArray, scores: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Append the other matching vehicles: by best score of their item, then popularity, then newest first."""
    stock, recommender = estimator.stock, estimator.recommender
    others = np.flatnonzero(matches)
    others = _without_repeats(estimator, context.visitor, others[~np.isin(others, rows)])
    item = stock.vehicles.item[others]
    best_of_item = np.full(stock.n_items + 1, -np.inf)
    np.maximum.at(best_of_item, stock.vehicles.item[rows], scores)
    best = best_of_item[item]
    popular = recommender.retrieval.scores(context.visitor)["store_popularity"][0, item]
    order = np.lexsort((-stock.vehicles.listed_at[others], -popular, -best))
    floor = float(scores.min()) if len(scores) else 0.0
    return np.concatenate([rows, others[order]]), np.concatenate([scores, np.full(len(others), floor)])


def _composed_page(
    estimator: Showroom, request: RecommendationRequest, rows: IntArray, *, now: int, offset: int = 0
) -> tuple[Page, dict[int, MonthlyPayment]]:
    """Compose the page by the merchandising rules; return it with payments by position in the ranking.

    The first place of the page follows `offset` places of earlier pages; a pin stands at its place of the whole list.
    """
    merchandising, stock = estimator.merchandising, estimator.stock
    if len(rows) == 0:
        empty = np.empty(0, dtype=np.int64)
        none = np.empty(0, dtype=bool)
        return Page(empty, np.empty(0), none, none, False), {}
    today = _day(now)
    pins: dict[int, int] = {}
    up: dict[int, int] = {}
    last: list[int] = []
    for rule in merchandising.rules:
        if not rule.applies(today, request.store_id):
            continue
        matching = [int(p) for p in np.flatnonzero(matching_rows(stock, rule, rows))]
        if rule.action == "pin":
            if rule.place <= offset:
                continue
            free = [p for p in matching if p not in pins.values()]
            if free:
                pins[rule.place - 1 - offset] = free[0]
        elif rule.action == "boost":
            up |= {p: up.get(p, 0) + rule.places for p in matching}
        elif rule.action == "bury":
            last += [p for p in matching if p not in last]
    payments = _payments(estimator, request, rows, on=today)
    unaffordable = [p for p, payment in payments.items() if payment is None or not payment.affordable]
    order = reorder(len(rows), up=up, last=[*unaffordable, *(p for p in last if p not in unaffordable)])
    listed = stock.vehicles.listed_at[rows]
    is_new = stock.vehicles.is_unit[rows] & (listed != ALWAYS) & (now - listed <= merchandising.new_days * DAY)
    kinds = [stock.kinds[n][1][rows] for n in ("model", "brand") if n in stock.kinds]
    limits = [merchandising.max_per_model, merchandising.max_per_brand]
    caps = [Cap(kind, per_ten) for kind, per_ten in zip(kinds, limits, strict=False)]
    page = compose_page(
        order,
        length=request.n,
        caps=caps,
        pins=pins,
        pool=np.setdiff1d(np.flatnonzero(is_new), [*last, *unaffordable]),
        explored=int(merchandising.exploration_share * request.n),
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
    """Price loans in ranking order, until twice the page's length is affordable: enough to fill the page."""
    terms, financing, stock = request.payment, estimator.financing, estimator.stock
    if terms is None or financing is None:
        return {}
    payments: dict[int, MonthlyPayment | None] = {}
    affordable = 0
    for place in range(len(rows)) if only is None else only:
        row = int(rows[place])
        payments[place] = financing.payment(
            {n: stock.shown[n][row] for n in ("condition", "energy_type", "brand") if n in stock.shown},
            float(stock.price[row]),
            on=on,
            down_payment_share=terms.down_payment_share,
            monthly_payment=terms.monthly_payment,
            monthly_income=terms.monthly_income,
        )
        payment = payments[place]
        affordable += payment is not None and payment.affordable
        if only is None and affordable >= 2 * request.n:
            break
    return payments


def matching_rows(stock: Stock, rule: Rule, rows: IntArray) -> BoolArray:
    """Return a mask of the rows of the stock that a rule is about.

    Parameters
    ----------
    stock : Stock
        Vehicles on offer.
    rule : Rule
        Merchandising rule.
    rows : ndarray of int64, shape (n,)
        Row numbers in `stock.vehicles`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    matches = np.ones(len(rows), dtype=bool)
    for name, values in rule.where.model_dump().items():
        if not values:
            continue
        if name == "vehicle_id":
            matches &= np.isin(rows, [stock.rows[v] for v in values if v in stock.rows])
        else:
            matches &= stock.among(name, values)[rows]
    return matches


def _rng(request: RecommendationRequest, now: int) -> np.random.Generator:
    """Return a generator seeded by visitor and minute, so that reloading a page does not change it."""
    who = request.visitor_id or request.customer_id or request.model_dump_json(exclude={"at"})
    digest = blake2b(f"{who}|{now // MINUTE}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _reasons_by_row(
    estimator: Showroom, context: RequestContext, rows: IntArray, values: FloatArray
) -> dict[int, tuple[CardReason, ...]]:
    recommender, vehicles = estimator.recommender, estimator.stock.vehicles
    assert recommender.trees is not None
    matrix = _matrix(estimator, context.visitor, rows, recommender.retrieval.scores(context.visitor))
    names = list(recommender.columns)
    popular: dict[str, float] = {
        n: float(np.quantile(values[:, names.index(n)], 0.9))
        for n in ("popularity_score", "store_popularity_score")
        if n in names and len(values)
    }
    evidence = Evidence(
        recommender=recommender,
        context=context,
        values=matrix,
        contributions=recommender.trees.contributions(matrix)[:, : len(names)],
        item=vehicles.item[rows],
        codes={n: codes[rows] for n, codes in vehicles.codes.items()},
        popular=popular,
    )
    return dict(zip(rows.tolist(), reasons(evidence), strict=True))
