"""Reasons on the cards, in Chinese and English.

A reason is given if the SHAP contribution of its columns to the ranker's score is above 0 and the statement is true for
the vehicle and the visitor. Reasons are ordered by contribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.interactions import ExplainableRetriever
from ml.labels import Labels
from ml.recommendation.catalogue import Vocabularies
from ml.recommendation.choices import damped
from ml.recommendation.recommender import Recommender
from ml.recommendation.request_context import RequestContext

MAX_REASONS = 3
CLOSE = 0.15  # absolute log price ratio
NEW_DAYS, NEW_ITEM_DAYS = 14.0, 60.0

NAMES: Mapping[str, tuple[str, str]] = {
    "body_type": ("车身类型", "body type"),
    "energy_type": ("能源类型", "energy type"),
    "brand": ("品牌", "brand"),
    "model": ("车系", "model"),
    "condition": ("新旧", "condition"),
}


class CardReason(BaseModel):
    """One reason: stable code, Chinese and English text."""

    model_config = ConfigDict(frozen=True)

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Evidence:
    """Facts about one visitor and the vehicles on the page that reasons are checked against.

    Attributes
    ----------
    recommender : Recommender
        Fitted recommender.
    context : RequestContext
        As returned by `encode_request`.
    values, contributions : ndarray of float64, shape (n_vehicles, n_columns)
        The ranker's columns and their SHAP contributions to the score.
    item : ndarray of int64, shape (n_vehicles,)
        Item code of each vehicle.
    codes : mapping of str to ndarray of int64, shape (n_vehicles,)
        Codes by category.
    popular : mapping of str to float
        Threshold of the 10% most popular candidates, by popularity column.
    """

    recommender: Recommender
    context: RequestContext
    values: FloatArray
    contributions: FloatArray
    item: np.ndarray[tuple[int], np.dtype[np.int64]]
    codes: Mapping[str, np.ndarray[tuple[int], np.dtype[np.int64]]]
    popular: Mapping[str, float]


Check = Callable[[Evidence, int, Mapping[str, float]], CardReason | None]


def reasons(evidence: Evidence) -> list[tuple[CardReason, ...]]:
    """Return up to `MAX_REASONS` reasons of each vehicle, strongest first.

    Parameters
    ----------
    evidence : Evidence
        Built by `ml.recommendation.answer.respond` for the vehicles on the page.

    Returns
    -------
    list of tuple of CardReason
        One tuple per row of `evidence.values`; empty if no reason holds.
    """
    names = evidence.recommender.columns
    page_reasons = []
    for i in range(len(evidence.values)):
        values = dict(zip(names, evidence.values[i].tolist(), strict=True))
        contribution = dict(zip(names, evidence.contributions[i].tolist(), strict=True))
        true_reasons: list[tuple[float, CardReason]] = []
        for columns, check in CHECKS:
            weight = sum(contribution[c] for c in columns if c in contribution)
            if weight > 0 and (reason := check(evidence, i, values)) is not None:
                true_reasons.append((weight, reason))
        true_reasons.sort(key=lambda t: -t[0])
        page_reasons.append(tuple(reason for _, reason in true_reasons[:MAX_REASONS]))
    return page_reasons


def _same_as_viewed(category: str) -> Check:
    zh, en = NAMES[category]

    def check(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
        codes, viewed = evidence.recommender.items.codes.get(category), evidence.context.history_items
        if codes is None or not len(viewed) or category not in evidence.codes:
            return None
        code = int(evidence.codes[category][i])
        vocabularies: Vocabularies = evidence.recommender.vocabularies
        same = int((codes[viewed] == code).sum())
        if code >= len(vocabularies.categories[category]) or not same:
            return None
        name, n = Labels().value(category, vocabularies.categories[category].names[code]), len(viewed)
        return CardReason(
            code=f"SAME_{category.upper()}",
            zh=f"与您看过的{'车' if n == 1 else f' {n} 款中的 {same} 款'}{zh}相同（{name.zh}）",
            en=f"Same {en} ({name.en}) as {'the vehicle' if n == 1 else f'{same} of the {n} vehicles'} you viewed",
        )

    return check


def _stated_preference(category: str) -> Check:
    zh, en = NAMES[category]

    def check(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
        if values.get(f"{category}_stated") != 1.0:
            return None
        return CardReason(code=f"STATED_{category.upper()}", zh=f"符合您想要的{zh}", en=f"The {en} you asked for")

    return check


def _price(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
    n = len(evidence.context.history_items)
    if n == 0 or not values["price_distance"] <= CLOSE:
        return None
    return CardReason(
        code="PRICE_LIKE",
        zh=f"与您看过的{'车' if n == 1 else f' {n} 款'}价位相近",
        en=f"Similar in price to the {'vehicle' if n == 1 else f'{n} vehicles'} you viewed",
    )


def _budget(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
    over, under = values["over_budget"], values["under_budget"]
    if over == 0 and (under == 0 or np.isnan(under)):
        return CardReason(code="IN_BUDGET", zh="符合您的预算", en="Within your budget")
    return None


def _viewed_before(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
    if values["chosen_before"] > 0:
        return CardReason(code="LOOKED_AT", zh="您看过这款车", en="You viewed this kind of vehicle before")
    return None


def _popular(column: str, code: str, zh: str, en: str) -> Check:
    def check(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
        if column.startswith("store") and evidence.context.visitor.store[0] >= len(
            evidence.recommender.vocabularies.stores
        ):
            return None
        if values.get(column, -np.inf) >= evidence.popular.get(column, np.inf):
            return CardReason(code=code, zh=zh, en=en)
        return None

    return check


def _new(column: str, limit: float, code: str, zh: str, en: str) -> Check:
    def check(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
        return CardReason(code=code, zh=zh, en=en) if 0 <= values[column] <= limit else None

    return check


def _at_store(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
    return (
        CardReason(code="AT_STORE", zh="本店现车", en="In stock at this store") if values["same_store"] == 1.0 else None
    )


def _often_chosen_with(evidence: Evidence, i: int, values: Mapping[str, float]) -> CardReason | None:
    """Name the item of the history that contributes most to a collaborative retriever's score of the vehicle."""
    item, recommender, context = int(evidence.item[i]), evidence.recommender, evidence.context
    if item >= len(recommender.vocabularies.items) or not len(context.history_items):
        return None
    history = damped(context.visitor.history)
    for retriever in recommender.retrieval.collaborative.values():
        if not isinstance(retriever, ExplainableRetriever):
            continue
        parts = np.asarray(retriever.explain(history, item))
        best = int(parts.argmax())
        other = int(history.indices[best])
        if parts[best] > 0 and other != item:
            name = item_name(recommender, other)
            return CardReason(
                code="GOES_WITH",
                zh=f"看过 {name} 的顾客也常看这款车",
                en=f"Visitors who viewed {name} often choose this one",
            )
    return None


def item_name(recommender: Recommender, item: int) -> str:
    """Return the display name of an item: its model if known, else `item_id`.

    Parameters
    ----------
    recommender : Recommender
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender``.
    item : int
        Item code in `recommender.vocabularies.items`.
    """
    codes, models = recommender.items.codes.get("model"), recommender.vocabularies.categories.get("model")
    if codes is not None and models is not None and codes[item] < len(models):
        return models.names[int(codes[item])]
    return recommender.vocabularies.items.names[item]


TASTE_SCORES = ("item_item_score", "low_pass_score", "als_score")
CHECKS: Sequence[tuple[tuple[str, ...], Check]] = (
    (("price_vs_history", "price_distance", "price_spread", "log_price"), _price),
    (("over_budget", "under_budget"), _budget),
    (("chosen_before", "days_since_chosen"), _viewed_before),
    *(((f"{name}_share",), _same_as_viewed(name)) for name in ("brand", "model", "body_type", "energy_type")),
    *(((f"{name}_stated",), _stated_preference(name)) for name in ("body_type", "energy_type")),
    (TASTE_SCORES, _often_chosen_with),
    (
        ("store_popularity_score",),
        _popular("store_popularity_score", "POPULAR_HERE", "本店热门", "Popular at this store"),
    ),
    (("popularity_score",), _popular("popularity_score", "POPULAR", "近期热门", "Popular recently")),
    (("days_listed",), _new("days_listed", NEW_DAYS, "NEW_IN_STOCK", "新到店", "New in stock")),
    (("item_age_days",), _new("item_age_days", NEW_ITEM_DAYS, "NEW_KIND", "新上市", "New on the market")),
    (("same_store",), _at_store),
)
