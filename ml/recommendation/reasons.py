"""Why a vehicle stands on the page: statements that are true of it, in the order of what the ranker made of them.

A reason needs two things: the ranker's own contribution of the columns behind it is above zero, and the statement
holds when checked against what was looked at and said. Nothing is said that cannot be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.interactions import ExplainableRetriever
from ml.recommendation.catalogue import Vocabularies
from ml.recommendation.choices import damped
from ml.recommendation.recommender import Recommender
from ml.recommendation.request_context import RequestContext

MOST = 3
CLOSE = 0.15  # logarithm of a price ratio
NEW_DAYS, NEW_ITEM_DAYS = 14.0, 60.0

NAMES: Mapping[str, tuple[str, str]] = {
    "body_type": ("车型", "body type"),
    "energy_type": ("能源类型", "drive"),
    "brand": ("品牌", "brand"),
    "model": ("车系", "model"),
    "condition": ("新旧", "condition"),
}


class CardReason(BaseModel):
    """One reason in both languages."""

    model_config = ConfigDict(frozen=True)

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Evidence:
    """What reasons are checked against.

    Attributes
    ----------
    values, contributions : ndarray of float64, shape (n_vehicles, n_columns)
        What the ranker read of each vehicle, and what it made of it.
    item : ndarray of int64
        Of each vehicle.
    popular : mapping of str to float
        Score from which on something is among the most wanted tenth, by column.
    """

    recommender: Recommender
    asked: RequestContext
    values: FloatArray
    contributions: FloatArray
    item: np.ndarray[tuple[int], np.dtype[np.int64]]
    codes: Mapping[str, np.ndarray[tuple[int], np.dtype[np.int64]]]
    popular: Mapping[str, float]


Check = Callable[[Evidence, int, Mapping[str, float]], CardReason | None]


def reasons(evidence: Evidence) -> list[tuple[CardReason, ...]]:
    """The strongest true statements of each vehicle."""
    names = evidence.recommender.columns
    found = []
    for i in range(len(evidence.values)):
        seen = dict(zip(names, evidence.values[i].tolist(), strict=True))
        worth = dict(zip(names, evidence.contributions[i].tolist(), strict=True))
        told: list[tuple[float, CardReason]] = []
        for columns, check in CHECKS:
            weight = sum(worth[c] for c in columns if c in worth)
            if weight > 0 and (reason := check(evidence, i, seen)) is not None:
                told.append((weight, reason))
        told.sort(key=lambda t: -t[0])
        found.append(tuple(reason for _, reason in told[:MOST]))
    return found


def _like_looked_at(category: str) -> Check:
    zh, en = NAMES[category]

    def check(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
        codes, looked = evidence.recommender.items.codes.get(category), evidence.asked.looked_at
        if codes is None or not len(looked) or category not in evidence.codes:
            return None
        mine = int(evidence.codes[category][i])
        known: Vocabularies = evidence.recommender.known
        same = int((codes[looked] == mine).sum())
        if mine >= len(known.categories[category]) or not same:
            return None
        name = known.categories[category].names[mine]
        return CardReason(
            code=f"SAME_{category.upper()}",
            zh=f"与您看过的 {len(looked)} 款中的 {same} 款{zh}相同（{name}）",
            en=f"Same {en} ({name}) as {same} of the {len(looked)} kinds you looked at",
        )

    return check


def _as_stated(category: str) -> Check:
    zh, en = NAMES[category]

    def check(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
        if seen.get(f"{category}_stated") != 1.0:
            return None
        return CardReason(code=f"STATED_{category.upper()}", zh=f"符合您想要的{zh}", en=f"The {en} you asked for")

    return check


def _price(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
    n = len(evidence.asked.looked_at)
    if n == 0 or not seen["price_distance"] <= CLOSE:
        return None
    return CardReason(code="PRICE_LIKE", zh=f"与您看过的 {n} 款价位相近", en=f"Close in price to the {n} you looked at")


def _budget(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
    over, under = seen["over_budget"], seen["under_budget"]
    if over == 0 and (under == 0 or np.isnan(under)):
        return CardReason(code="IN_BUDGET", zh="在您的预算之内", en="Within your budget")
    return None


def _seen_before(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
    if seen["chosen_before"] > 0:
        return CardReason(code="LOOKED_AT", zh="您看过这一款", en="You looked at this kind before")
    return None


def _popular(column: str, code: str, zh: str, en: str) -> Check:
    def check(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
        if column.startswith("store") and evidence.asked.visitor.store[0] >= len(evidence.recommender.known.stores):
            return None
        if seen.get(column, -np.inf) >= evidence.popular.get(column, np.inf):
            return CardReason(code=code, zh=zh, en=en)
        return None

    return check


def _new(column: str, limit: float, code: str, zh: str, en: str) -> Check:
    def check(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
        return CardReason(code=code, zh=zh, en=en) if 0 <= seen[column] <= limit else None

    return check


def _at_store(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
    return CardReason(code="AT_STORE", zh="就在本店", en="At this store") if seen["same_store"] == 1.0 else None


def _goes_with(evidence: Evidence, i: int, seen: Mapping[str, float]) -> CardReason | None:
    """The choice that a retriever says the vehicle goes with: the largest part of its score."""
    item, recommender, asked = int(evidence.item[i]), evidence.recommender, evidence.asked
    if item >= len(recommender.known.items) or not len(asked.looked_at):
        return None
    history = damped(asked.visitor.history)
    for retriever in recommender.retrieval.by_taste.values():
        if not isinstance(retriever, ExplainableRetriever):
            continue
        parts = np.asarray(retriever.explain(history, item))
        best = int(parts.argmax())
        other = int(history.indices[best])
        if parts[best] > 0 and other != item:
            name = item_name(recommender, other)
            return CardReason(
                code="GOES_WITH",
                zh=f"看过 {name} 的人也常看这一款",
                en=f"Often chosen by those who looked at {name}, as you did",
            )
    return None


def item_name(recommender: Recommender, item: int) -> str:
    """What an item is called: its model where it has one, else the item itself.

    A price band or a condition alone would not tell one from another.
    """
    codes, models = recommender.items.codes.get("model"), recommender.known.categories.get("model")
    if codes is not None and models is not None and codes[item] < len(models):
        return models.names[int(codes[item])]
    return recommender.known.items.names[item]


TASTE_SCORES = ("item_item_score", "low_pass_score", "als_score")
CHECKS: Sequence[tuple[tuple[str, ...], Check]] = (
    (("price_from_usual", "price_distance", "price_spread", "log_price"), _price),
    (("over_budget", "under_budget"), _budget),
    (("chosen_before", "days_since_chosen"), _seen_before),
    *(((f"{name}_share",), _like_looked_at(name)) for name in ("brand", "model", "body_type", "energy_type")),
    *(((f"{name}_stated",), _as_stated(name)) for name in ("body_type", "energy_type")),
    (TASTE_SCORES, _goes_with),
    (
        ("store_popularity_score",),
        _popular("store_popularity_score", "POPULAR_HERE", "在本店很受欢迎", "Much wanted at this store"),
    ),
    (("popularity_score",), _popular("popularity_score", "POPULAR", "近期很受欢迎", "Much wanted these weeks")),
    (("days_listed",), _new("days_listed", NEW_DAYS, "NEW_IN_STOCK", "新到店", "New in stock")),
    (("item_days",), _new("item_days", NEW_ITEM_DAYS, "NEW_KIND", "新上市", "New on the market")),
    (("same_store",), _at_store),
)
