"""Refusal of stores that neither the model nor its current stock and rules have."""

from __future__ import annotations

from collections.abc import Sequence

from features.errors import FeatureError
from ml.recommendation.showroom import Showroom
from ml.store_names import unknown_store


def check_stores(estimator: Showroom, store: str | None, filters: Sequence[str]) -> None:
    """Raise an error if a request has a store that the model does not have.

    Stores of the training visits, of the vehicles that were read last, sold ones among them, and of the merchandising
    rules are valid, so that a new store is valid as soon as the stock has its vehicles.

    Parameters
    ----------
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted, with its current stock: `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    store : str or None
        Store of the page.
    filters : sequence of str
        Stores of the filter `store_id`.

    Raises
    ------
    FeatureError
        A store is unknown; the message has the most similar stores.
    """
    if store is not None and not _has_store(estimator, store):
        raise FeatureError("store_id", unknown_store(store, _stores(estimator)))
    for name in filters:
        if not _has_store(estimator, name):
            raise FeatureError("filters.store_id", unknown_store(name, _stores(estimator)))


def _has_store(estimator: Showroom, store: str) -> bool:
    trained = estimator.recommender.vocabularies.stores
    return store in estimator.stock.stores or trained.code(store) < len(trained) or store in _rule_stores(estimator)


def _stores(estimator: Showroom) -> set[str]:
    return {*estimator.stock.stores, *estimator.recommender.vocabularies.stores.names, *_rule_stores(estimator)}


def _rule_stores(estimator: Showroom) -> set[str]:
    rules = estimator.merchandising.rules
    return {name for rule in rules for name in (*rule.stores, *rule.where.store_id)}
