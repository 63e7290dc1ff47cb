"""Parameters of `recommendation`: the keys under `params` in `configs/recommendation.yaml`."""

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
        Grade of each event type, above 0 and at most 30. Event types without a grade are not interactions.
    item : tuple of str
        Columns of `vehicles` whose values together form an item.
    price_bands : tuple of float
        Edges of the price bands in 10,000 yuan, ascending.
    horizon_days : float
        Items chosen within this many days after a query are its relevant items.
    lookback_days : int
        Interactions older than this many days are not part of a visitor's history.
    half_life_days : float
        Half-life of an interaction's weight in a visitor's history, in days.
    taste_half_life_days, popularity_half_life_days : float
        Half-life of an interaction's weight when collaborative retrievers and popularity are fitted, in days.
    item_item, low_pass, als : model or None
        Parameters of the collaborative retrievers `ItemItem`, `LowPass` and `ALS`; null disables one.
    ranker : model
        Parameters of `RankingTrees`.
    candidates : int
        Maximum number of candidates per visitor that the ranker scores.
    max_queries : int
        Maximum number of queries that the ranker is fitted on; more are sampled.
    repeat : bool
        Whether to recommend items that the visitor has already chosen: true for vehicles, false for films.
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
    max_queries: int = Field(30_000, ge=100, le=10_000_000)
    repeat: bool = True

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        wrong = [name for name, grade in self.grades.items() if not 0 < grade <= 30]
        if wrong:
            raise ValueError(f"grades.{wrong[0]} must be above 0 and at most 30, got {self.grades[wrong[0]]:g}")
        edges = (0.0, *self.price_bands)
        if any(not low < high for low, high in pairwise(edges)):
            raise ValueError(f"price_bands must be positive and ascending, got {list(self.price_bands)}")
        return self
