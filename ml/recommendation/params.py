"""What `configs/recommendation.yaml` may set under `params`."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from features.recommendation import GRADES, ITEM_PARTS, PRICE_BANDS
from features.yaml_config import Section
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.low_pass import LowPass
from ml.params import nested, params_model

ItemItemParams = params_model(ItemItem)
ALSParams = params_model(ALS)
LowPassParams = params_model(LowPass)
RankerParams = params_model(RankingTrees, without=("monotone",))


class RecommendationParams(Section):
    """Parameters of `recommendation`.

    Attributes
    ----------
    grades : mapping of event type to number
        Strength of each kind of event; kinds that are not named say nothing about a choice.
    item : tuple of str
        Attributes that make up an item.
    price_bands : tuple of float
        Edges of the price bands, in 10,000 yuan.
    horizon_days : float
        A question is answered by what is chosen within so many days.
    lookback_days : int
        History older than this does not count.
    half_life_days : float
        Days after which a choice counts half when a visitor's tastes are read.
    taste_half_life_days, popularity_half_life_days : float
        The same for what retrievers learn of tastes, and of what is popular.
    item_item, low_pass, als : model or None
        Parameters of these retrievers; null leaves one out.
    ranker : model
        Parameters of `RankingTrees`.
    candidates : int
        Vehicles handed to the ranker at most: the best of each retriever.
    questions : int
        Questions the ranker learns from at most.
    repeat : bool
        Whether what was chosen before may be shown again: a car looked at twice is wanted, a film seen is not.
    """

    grades: dict[str, float] = Field(default_factory=lambda: dict(GRADES), min_length=1)
    item: tuple[str, ...] = Field(ITEM_PARTS, min_length=1)
    price_bands: tuple[float, ...] = Field(PRICE_BANDS, min_length=1)
    horizon_days: float = Field(7.0, gt=0, le=365, allow_inf_nan=False)
    lookback_days: int = Field(365, ge=1, le=3_650)
    half_life_days: float = Field(30.0, gt=0, le=3_650, allow_inf_nan=False)
    taste_half_life_days: float = Field(180.0, gt=0, le=36_500, allow_inf_nan=False)
    popularity_half_life_days: float = Field(30.0, gt=0, le=3_650, allow_inf_nan=False)
    item_item: nested(ItemItemParams, optional=True) = ItemItemParams()  # type: ignore[valid-type]
    low_pass: nested(LowPassParams, optional=True) = LowPassParams()  # type: ignore[valid-type]
    als: nested(ALSParams, optional=True) = ALSParams(factors=32, regularization=5.0)  # type: ignore[valid-type]
    ranker: nested(RankerParams) = RankerParams()  # type: ignore[valid-type]
    candidates: int = Field(200, ge=10, le=5_000)
    questions: int = Field(30_000, ge=100, le=10_000_000)
    repeat: bool = True

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        wrong = [name for name, grade in self.grades.items() if not 0 < grade <= 30]
        if wrong:
            raise ValueError(f"grades.{wrong[0]} must be above 0 and at most 30, got {self.grades[wrong[0]]:g}")
        edges = (0.0, *self.price_bands)
        if any(not low < high for low, high in pairwise(edges)):
            raise ValueError(f"price_bands must rise from above 0, got {list(self.price_bands)}")
        return self
