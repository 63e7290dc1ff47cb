"""What `configs/recommendation.yaml` may set under `params`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

from pydantic import BaseModel, Field, SerializeAsAny, field_validator, model_validator

from features.recommendation import GRADES, ITEM_PARTS, PRICE_BANDS
from features.yaml_config import Section
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.low_pass import LowPass
from ml.params import params_model

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
    item_item: SerializeAsAny[BaseModel] | None = ItemItemParams()
    low_pass: SerializeAsAny[BaseModel] | None = LowPassParams()
    als: SerializeAsAny[BaseModel] | None = ALSParams(factors=32, regularization=5.0)
    ranker: SerializeAsAny[BaseModel] = RankerParams()
    candidates: int = Field(200, ge=10, le=5_000)
    questions: int = Field(30_000, ge=100, le=10_000_000)
    repeat: bool = True

    @field_validator("item_item", mode="before")
    @classmethod
    def _typed_item_item(cls, value: Any) -> Any:
        """The model is made at run time, so pydantic cannot see it in the annotation."""
        return ItemItemParams.model_validate(value) if isinstance(value, dict) else value

    @field_validator("low_pass", mode="before")
    @classmethod
    def _typed_low_pass(cls, value: Any) -> Any:
        return LowPassParams.model_validate(value) if isinstance(value, dict) else value

    @field_validator("als", mode="before")
    @classmethod
    def _typed_als(cls, value: Any) -> Any:
        return ALSParams.model_validate(value) if isinstance(value, dict) else value

    @field_validator("ranker", mode="before")
    @classmethod
    def _typed_ranker(cls, value: Any) -> Any:
        return RankerParams.model_validate(value or {}) if isinstance(value, dict | None) else value

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        wrong = [name for name, grade in self.grades.items() if not 0 < grade <= 30]
        if wrong:
            raise ValueError(f"grades.{wrong[0]} must be above 0 and at most 30, got {self.grades[wrong[0]]:g}")
        edges = (0.0, *self.price_bands)
        if any(not low < high for low, high in pairwise(edges)):
            raise ValueError(f"price_bands must rise from above 0, got {list(self.price_bands)}")
        return self
