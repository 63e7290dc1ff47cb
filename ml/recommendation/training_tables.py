"""Training tables: interactions, queries, relevant items and history, computed once from the source tables."""

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
from ml.recommendation.queries import Queries
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors, encode_visitors

Frames = Mapping[str, "nw.LazyFrame[Any]"]


@dataclass(frozen=True)
class TrainingTables:
    """Results of `features.recommendation` as polars tables, sorted so that every engine gives the same rows.

    Attributes
    ----------
    vehicles : DataFrame
        As returned by `vehicle_items`; without a `vehicles` table, one row per item of `choices`.
    choices : DataFrame
        As returned by `interactions`, sorted by person and time.
    queries : DataFrame
        As returned by `visit_queries`, sorted by person and time.
    relevant : DataFrame
        As returned by `relevant_items`.
    history : DataFrame
        As returned by `history`.
    customers : DataFrame or None
        Source table `customers`.
    extra : tuple of (sequence of str, sequence of str)
        Numeric and categorical columns of `vehicles` beyond the table contract.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import to_engine
    >>> from ml.recommendation.params import RecommendationParams
    >>> from ml.recommendation.training_tables import TrainingTables
    >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
    >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
    >>> params = RecommendationParams()
    >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
    >>> tables.choices["item_id"].to_list(), tables.queries["as_of"].to_list()
    (['A|8-10', 'B|15-18'], [1, 2])
    >>> inputs = tables.encode(tables.vocabularies(3), params)
    >>> len(inputs.vehicles), len(inputs.choices), len(inputs.queries)
    (2, 2, 2)
    """

    vehicles: pl.DataFrame
    choices: pl.DataFrame
    queries: pl.DataFrame
    relevant: pl.DataFrame
    history: pl.DataFrame
    customers: pl.DataFrame | None
    extra: tuple[Sequence[str], Sequence[str]] = ((), ())

    @classmethod
    def gather(
        cls,
        tables: Frames,
        params: RecommendationParams,
        *,
        queries: pl.DataFrame | None = None,
        warm_up_share: float = 0.0,
        engine: str = "polars",
        extra: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> Self:
        """Compute the tables from the source tables.

        Parameters
        ----------
        tables : mapping of str to narwhals.LazyFrame
            Source tables, as returned by `features.engines.to_engine`: `events`; `vehicles` and `customers` if
            available.
        params : ml.recommendation.params.RecommendationParams
            Grades, item columns, price bands, horizon and look-back:
            ``training.config.load_config("recommendation").params``, or ``RecommendationParams()`` with the defaults.
        queries : DataFrame, optional
            Columns `person_id`, `as_of` (microseconds since 1970 UTC) and `midway` (bool). By default the queries of
            all visits.
        warm_up_share : float
            Share of the choices, in time order, that pass before the first query, so that queries have a history.
            Ignored if `queries` is passed.
        engine : {'polars', 'spark'}
            Engine of `tables`.
        extra : tuple of (sequence of str, sequence of str)
            Numeric and categorical columns of `vehicles` beyond the table contract.

        Raises
        ------
        DataError
            `events` is missing, or lacks `vehicle_id`, or has neither `customer_id` nor `visitor_id`.
        ConfigError
            `params.item` contains `vehicle_id` or `vin`, which identify single vehicles.
        """
        parts: dict[str, Any] = {"parts": params.item, "edges": params.price_bands}
        # Sorted, because floating-point sums depend on the order of the rows, which engines do not keep.
        lazy = features.interactions(tables, grades=params.grades, **parts)
        choices = collect(lazy).sort(PERSON, "event_at", ITEM, GRADE)
        if engine == "polars":
            lazy = nw.from_native(choices.lazy())
        if queries is None:
            begin = choices["event_at"].quantile(warm_up_share, "nearest") if choices.height else None
            queries = collect(features.visit_queries(tables, lazy).filter(nw.col(AS_OF) >= int(begin or 0)))
        queries = queries.sort(PERSON, AS_OF)
        spine = to_engine({"queries": queries.lazy()}, engine)["queries"]
        items = features.vehicle_items(tables, **parts)
        vehicles = choices.select(pl.col(ITEM).alias("vehicle_id"), ITEM).unique().sort(ITEM)
        if items is not None:
            vehicles = collect(items).sort("vehicle_id")
        return cls(
            vehicles=vehicles,
            choices=choices,
            queries=queries,
            relevant=collect(features.relevant_items(spine, lazy, horizon_days=params.horizon_days)),
            history=_sorted(collect(features.history(spine, lazy, lookback_days=params.lookback_days))),
            customers=collect(tables["customers"]) if "customers" in tables else None,
            extra=extra,
        )

    @property
    def listings(self) -> pl.DataFrame:
        """Rows of `vehicles` that a page may show, as returned by `select_listings`."""
        return select_listings(self.vehicles)

    def vocabularies(self, cutoff: int) -> Vocabularies:
        """Return the vocabularies of the items, categories and stores that occur before the cut-off.

        Parameters
        ----------
        cutoff : int
            Training cut-off (microseconds since 1970 UTC).

        Returns
        -------
        ml.recommendation.catalogue.Vocabularies
            `items`, `categories` by column, and `stores`.
        """
        vehicles = self.vehicles
        if "listed_at" in vehicles.columns:
            vehicles = vehicles.filter(pl.col("listed_at").is_null() | (pl.col("listed_at") < cutoff))
        before = self.choices.filter(pl.col("event_at") < cutoff)
        stores = before["store_id"] if "store_id" in before.columns else pl.Series([], dtype=pl.String)
        return Vocabularies.from_tables(vehicles, before[ITEM], stores, categories=(*CATEGORIES, *self.extra[1]))

    def encode(self, vocabularies: Vocabularies, params: RecommendationParams) -> TrainingData:
        """Encode the tables as arrays.

        Parameters
        ----------
        vocabularies : Vocabularies
            As returned by the method `vocabularies`, or those of a fitted recommender:
            ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender.vocabularies``.
        params : RecommendationParams
            An `ml.recommendation.params.RecommendationParams`; its `half_life_days` weights the histories.

        Returns
        -------
        ml.recommendation.recommender.TrainingData
            `vocabularies`, `vehicles` (`listings`, encoded), `choices` and `queries`.
        """
        visitors = self.visitors(vocabularies, params)
        queries = Queries.encode(self.queries, self.relevant, visitors, vocabularies)
        vehicles = Vehicles.encode(self.listings, vocabularies, numeric=self.extra[0])
        return TrainingData(vocabularies, vehicles, Choices.encode(self.choices, vocabularies), queries)

    def visitors(
        self, vocabularies: Vocabularies, params: RecommendationParams, *, within: int | None = None
    ) -> Visitors:
        """Encode the visitor of each query.

        Parameters
        ----------
        vocabularies : Vocabularies
            As returned by the method `vocabularies`, or those of a fitted recommender:
            ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender.vocabularies``.
        params : RecommendationParams
            An `ml.recommendation.params.RecommendationParams`; its `half_life_days` weights the histories.
        within : int, optional
            Maximum age at the query of the interactions in the history, in microseconds.

        Returns
        -------
        ml.recommendation.visitors.Visitors
            One row per row of `queries`.
        """
        history = self.history if within is None else self.history.filter(pl.col("age_us") <= within)
        return encode_visitors(
            self.queries, history, self.customers, vocabularies, half_life_days=params.half_life_days
        )


def _sorted(history: pl.DataFrame) -> pl.DataFrame:
    return history.sort(PERSON, AS_OF, "age_us", ITEM, GRADE)


def select_listings(vehicles: pl.DataFrame) -> pl.DataFrame:
    """Return the vehicles that a page may show: catalogue entries of new vehicles, single units of used ones.

    Parameters
    ----------
    vehicles : DataFrame
        Table `vehicles`. Rows whose `kind` or `condition` is null pass; without both columns, all rows pass.

    Returns
    -------
    DataFrame
        Rows of `vehicles`, with all columns.

    Examples
    --------
    >>> import polars as pl
    >>> cars = {"vehicle_id": ["n", "u"], "kind": ["unit", "unit"], "condition": ["new", "used"]}
    >>> select_listings(pl.DataFrame(cars))["vehicle_id"].to_list()
    ['u']
    """
    if not {"kind", "condition"} <= set(vehicles.columns):
        return vehicles
    catalogue = (pl.col("kind") == "catalogue") & (pl.col("condition") != "used")
    single = (pl.col("kind") == "unit") & (pl.col("condition") == "used")
    return vehicles.filter(catalogue | single | pl.col("kind").is_null() | pl.col("condition").is_null())
