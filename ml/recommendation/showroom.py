"""What a page of recommendations is made of, as the functions that compose it see it."""

from __future__ import annotations

from typing import Protocol

from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.financing import Financing
from ml.recommendation.house_rules import HouseRules
from ml.recommendation.recommender import Recommender
from ml.recommendation.stock import Stock
from ml.recommendation.user_profiles import UserProfiles


class Showroom(Protocol):
    """What a page is made of: a recommender, the profiles it knows, and the stock, rules and products of the moment."""

    recommender: Recommender
    people: UserProfiles
    stock: Stock
    house: HouseRules
    financing: Financing | None
    space: ContentNeighbours
    sizes: dict[str, int]
