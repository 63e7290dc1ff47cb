"""What the raw tables say, gathered once: choices, questions, what was wanted, what had been chosen before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import polars as pl

from features import recommendation as features
from features.as_of import AS_OF
from features.engines import collect, to_engine
from features.recommendation import GRADE, ITEM, PERSON
from ml.recommendation.catalogue import CATEGORIES, Vehicles, Vocabularies
from ml.recommendation.choices import Choices
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Questions
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors, read_visitors

Frames = Mapping[str, "nw.LazyFrame[Any]"]


@dataclass(frozen=True)
class TrainingTables:
    """Tables of `features.recommendation`, computed.

    Attributes
    ----------
    vehicles : DataFrame
        With `item_id`; where there is no such table, one row per item ever chosen.
    chosen, asked, wanted, history : DataFrame
        See there; `asked` is ordered by person and instant.
    customers : DataFrame or None
    extra : tuple of sequences of str
        Numeric and categorical columns of the vehicles beyond the contract.
    """

    vehicles: pl.DataFrame
    chosen: pl.DataFrame
    asked: pl.DataFrame
    wanted: pl.DataFrame
    history: pl.DataFrame
    customers: pl.DataFrame | None
    extra: tuple[Sequence[str], Sequence[str]] = ((), ())

    @classmethod
    def gather(
        cls,
        tables: Frames,
        params: RecommendationParams,
        *,
        asked: pl.DataFrame | None = None,
        since: float = 0.0,
        engine: str = "polars",
        extra: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> Self:
        """Compute all of it.

        Parameters
        ----------
        tables : mapping of str to LazyFrame
            `events`; `vehicles` and `customers` where there are any.
        params : RecommendationParams
        asked : DataFrame, optional
            Questions; by default every visit asks.
        since : float
            Share of the choices, by time, before which no question is asked: nothing is known by then.
        engine : {'polars', 'spark'}
            Where the tables are.
        extra
            As above.
        """
        parts: dict[str, Any] = {"parts": params.item, "edges": params.price_bands}
        # In one order, whatever the engine's: sums of the same numbers must come out the same.
        lazy = features.interactions(tables, grades=params.grades, **parts)
        chosen = collect(lazy).sort(PERSON, "event_at", ITEM, GRADE)
        if engine == "polars":
            lazy = nw.from_native(chosen.lazy())
        if asked is None:
            begin = chosen["event_at"].quantile(since, "nearest") if chosen.height else None
            asked = collect(features.questions(tables, lazy).filter(nw.col(AS_OF) >= int(begin or 0)))
        asked = asked.sort(PERSON, AS_OF)
        spine = to_engine({"asked": asked.lazy()}, engine)["asked"]
        found = features.vehicle_items(tables, **parts)
        vehicles = chosen.select(pl.col(ITEM).alias("vehicle_id"), ITEM).unique().sort(ITEM)
        if found is not None:
            vehicles = collect(found).sort("vehicle_id")
        return cls(
            vehicles=vehicles,
            chosen=chosen,
            asked=asked,
            wanted=collect(features.wanted(spine, lazy, horizon_days=params.horizon_days)),
            history=_in_order(collect(features.history(spine, lazy, lookback_days=params.lookback_days))),
            customers=collect(tables["customers"]) if "customers" in tables else None,
            extra=extra,
        )

    @property
    def offered(self) -> pl.DataFrame:
        """The vehicles that can be shown: new ones as their catalogue entry, used ones each by itself."""
        return single_or_catalogue(self.vehicles)

    def known(self, until: int) -> Vocabularies:
        """What can be known before an instant (us)."""
        vehicles = self.vehicles
        if "listed_at" in vehicles.columns:
            vehicles = vehicles.filter(pl.col("listed_at").is_null() | (pl.col("listed_at") < until))
        before = self.chosen.filter(pl.col("event_at") < until)
        stores = before["store_id"] if "store_id" in before.columns else pl.Series([], dtype=pl.String)
        return Vocabularies.learn(vehicles, before[ITEM], stores, categories=(*CATEGORIES, *self.extra[1]))

    def material(self, known: Vocabularies, params: RecommendationParams) -> TrainingData:
        """Everything as arrays, by what is known."""
        visitors = self.visitors(known, params)
        questions = Questions.read(self.asked, self.wanted, visitors, known)
        vehicles = Vehicles.encode(self.offered, known, numeric=self.extra[0])
        return TrainingData(known, vehicles, Choices.read(self.chosen, known), questions)

    def visitors(self, known: Vocabularies, params: RecommendationParams, *, within: int | None = None) -> Visitors:
        """Those who ask; with `within` (us) only what they chose so shortly before counts, as if they had just come."""
        history = self.history if within is None else self.history.filter(pl.col("age_us") <= within)
        return read_visitors(self.asked, history, self.customers, known, half_life=params.half_life_days)


def _in_order(history: pl.DataFrame) -> pl.DataFrame:
    return history.sort(PERSON, AS_OF, "age_us", ITEM, GRADE)


def single_or_catalogue(vehicles: pl.DataFrame) -> pl.DataFrame:
    """Of vehicles, those that can be shown: new ones as their catalogue entry, used ones each by itself."""
    if not {"kind", "condition"} <= set(vehicles.columns):
        return vehicles
    catalogue = (pl.col("kind") == "catalogue") & (pl.col("condition") != "used")
    single = (pl.col("kind") == "unit") & (pl.col("condition") == "used")
    return vehicles.filter(catalogue | single | pl.col("kind").is_null() | pl.col("condition").is_null())
