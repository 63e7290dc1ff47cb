"""The page that a visitor would see, beside the one without personalisation, and what a change of the rules moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.errors import FeatureError
from ml.bilingual import Text
from ml.recommendation.answer import matching_rows, respond
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.merchandising import MerchandisingRules, Rule
from ml.recommendation.request import Filters, RecommendationRequest
from ml.recommendation.request_context import Path
from ml.recommendation.response import Card, RecommendationAnswer
from serving.asgi import Problem
from serving.work.routing import WorkRequest, WorkRoute
from serving.work.storefront.rule_texts import rule_text
from serving.work.storefront.rules import RuleAnswer, desk_rule, limited, rule_answers
from serving.work.storefront.showroom import HouseRules, estimator_of, house_rules, vehicle_names, with_rules


class PreviewBody(BaseModel):
    """Body of `POST /v1/storefront/preview`."""

    model_config = ConfigDict(extra="forbid")

    request: RecommendationRequest = Field(
        description="as in POST /v1/recommendation; `at` is by default the desk's now"
    )
    rule: Rule | None = Field(None, description="a rule that is not saved: what would it move?")
    without: str | None = Field(
        None, max_length=40, description="rule_id of a rule of the desk: what would its end move?"
    )


class PreviewCard(Card):
    """A card, and where its vehicle stands on other pages.

    Attributes
    ----------
    place_off : int or None
        Place on the page without personalisation; null if it is not on it.
    place_without_rules : int or None
        Place on the page without rules; null if it is not on it.
    rules : list of str
        Rules that are about it and apply to this page today.
    """

    place_off: int | None
    place_without_rules: int | None
    rules: list[str]


class Move(BaseModel):
    """A vehicle that a change of the rules moves."""

    vehicle_id: str
    brand: str | None
    model: str | None
    trim: str | None
    price: float | None
    before: int | None = Field(description="place now; null: not on the page")
    after: int | None = Field(description="place after the change; null: not on the page")


class PreviewAnswer(BaseModel):
    """The page, with what decided it."""

    at: datetime
    path: Path
    known_user: bool
    available: int
    ignored_events: int
    relaxed: bool
    note: Text | None
    stock_at: datetime
    explored: int = Field(description="places of this page that are given to new vehicles by chance")
    items: list[PreviewCard]
    off: list[Card] = Field(description="the page without personalisation")
    rules: list[RuleAnswer] = Field(description="rules that apply to this page today")
    change: Text | None = Field(description="what the draft does, or the rule that would end; null without one")
    moves: list[Move] | None = Field(description="of the draft or the end of a rule; null without one")


def preview(request: WorkRequest) -> PreviewAnswer:
    """Answer `POST /v1/storefront/preview`: nothing is logged, and no exposure counts."""
    body: PreviewBody = request.body
    context = request.context
    question = _question(body.request, request)
    rules, estimator = house_rules(context), estimator_of(context)
    page = _page(estimator, rules.combined(), question, explain=True)
    off = (
        page
        if not question.personalise
        else _page(estimator, rules.combined(), question.model_copy(update={"personalise": False}))
    )
    bare = (
        page if not rules.combined().rules else _page(estimator, rules.file.model_copy(update={"rules": ()}), question)
    )
    applied = _applied(rules, estimator, request, question)
    return PreviewAnswer(
        at=question.at,
        explored=sum(card.explored for card in page.items),
        items=_cards(page, off, bare, estimator, applied),
        off=list(off.items),
        rules=[answer for answer, _ in applied],
        change=_change(body, estimator, request),
        moves=_moves(body, rules, estimator, request, question, page),
        **{
            n: getattr(page, n)
            for n in ("path", "known_user", "available", "ignored_events", "relaxed", "note", "stock_at")
        },
    )


def _question(question: RecommendationRequest, request: WorkRequest) -> RecommendationRequest:
    """Return the request at the desk's now, within the caller's stores."""
    changes: dict[str, object] = {} if question.at is not None else {"at": request.context.clock.local()}
    if question.store_id is not None:
        request.check_store(question.store_id)
    elif request.stores is not None:
        filters = question.filters
        for store in filters.store_id:
            request.check_store(store)
        if not filters.store_id:
            changes["filters"] = Filters(**{**filters.model_dump(), "store_id": sorted(request.stores)})
    return question.model_copy(update=changes)


def _page(
    estimator: RecommendationEstimator,
    rules: MerchandisingRules,
    question: RecommendationRequest,
    *,
    explain: bool = False,
) -> RecommendationAnswer:
    try:
        return respond(with_rules(estimator, rules), [question], explain=explain)[0]
    except FeatureError as e:
        raise Problem(422, "invalid", str(e)) from None


def _applied(
    rules: HouseRules, estimator: RecommendationEstimator, request: WorkRequest, question: RecommendationRequest
) -> list[tuple[RuleAnswer, Rule]]:
    """Return the rules that apply to the page today."""
    written = {entry.sequence: entry for entry in request.context.entries.of("rule.")}
    today = request.context.clock.local().date()
    pairs = zip(rule_answers(rules, estimator, request, written), rules.combined().rules, strict=True)
    return [(answer, rule) for answer, rule in pairs if rule.applies(today, question.store_id)]


def _cards(
    page: RecommendationAnswer,
    off: RecommendationAnswer,
    bare: RecommendationAnswer,
    estimator: RecommendationEstimator,
    applied: Sequence[tuple[RuleAnswer, Rule]],
) -> list[PreviewCard]:
    off_places, bare_places = _places(off), _places(bare)
    rows = np.array([estimator.stock.rows[card.vehicle_id] for card in page.items], dtype=np.int64)
    masks = [(answer.rule_id, matching_rows(estimator.stock, rule, rows)) for answer, rule in applied]
    return [
        PreviewCard.model_construct(
            **{name: getattr(card, name) for name in Card.model_fields},
            place_off=off_places.get(card.vehicle_id),
            place_without_rules=bare_places.get(card.vehicle_id),
            rules=[rule_id for rule_id, mask in masks if mask[k]],
        )
        for k, card in enumerate(page.items)
    ]


def _places(page: RecommendationAnswer) -> dict[str, int]:
    return {card.vehicle_id: card.place for card in page.items}


def _change(body: PreviewBody, estimator: RecommendationEstimator, request: WorkRequest) -> Text | None:
    if body.rule is not None:
        rule = limited(body.rule, request)
    elif body.without is not None:
        rule = desk_rule(body.without, request).rule
    else:
        return None
    return rule_text(rule, vehicle_names(estimator, [rule]))


def _moves(
    body: PreviewBody,
    rules: HouseRules,
    estimator: RecommendationEstimator,
    request: WorkRequest,
    question: RecommendationRequest,
    page: RecommendationAnswer,
) -> list[Move] | None:
    if body.rule is None and body.without is None:
        return None
    draft = None if body.rule is None else limited(body.rule, request)
    without = None if body.without is None else desk_rule(body.without, request).rule_id
    changed = _page(estimator, rules.combined(without=without, draft=draft), question)
    before, after = _places(page), _places(changed)
    cards = {card.vehicle_id: card for card in (*changed.items, *page.items)}
    moves = [
        Move(
            vehicle_id=name,
            before=before.get(name),
            after=after.get(name),
            **{n: getattr(card, n) for n in ("brand", "model", "trim", "price")},
        )
        for name, card in cards.items()
        if before.get(name) != after.get(name)
    ]
    last = len(cards) + 1
    return sorted(moves, key=lambda m: (m.after or last, m.before or last))


ROUTES = (
    WorkRoute(
        "POST", "/v1/storefront/preview",
        {"zh": "推荐预览：访客会看到的页面及原因", "en": "The page of a visitor, why, and what a rule moves"},
        preview, PreviewAnswer, body=PreviewBody,
        example={"request": {"n": 10}, "rule": {"action": "pin", "where": {"condition": ["new"]}, "place": 1}},
    ),
)  # fmt: skip
