"""Interface between page composition and the estimator."""

from __future__ import annotations

from typing import Protocol

from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.financing import Financing
from ml.recommendation.merchandising import MerchandisingRules
from ml.recommendation.recommender import Recommender
from ml.recommendation.stock import Stock
from ml.recommendation.user_profiles import UserProfiles


class Showroom(Protocol):
    """Attributes of `RecommendationEstimator` that composing a page reads; see there."""

    recommender: Recommender
    profiles: UserProfiles
    stock: Stock
    merchandising: MerchandisingRules
    financing: Financing | None
    content_space: ContentNeighbours
    category_sizes: dict[str, int]
