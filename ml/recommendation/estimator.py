"""Estimator of `recommendation`: fitted recommender, user profiles and current stock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import polars as pl

from features.recommendation import ITEM
from ml.artefacts.json_files import content_of
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.answer import recommend
from ml.recommendation.catalogue import is_on_offer
from ml.recommendation.financing import Financing
from ml.recommendation.merchandising import MerchandisingRules
from ml.recommendation.params import RecommendationParams
from ml.recommendation.recommender import Recommender, TrainingData
from ml.recommendation.request import RecommendationRequest
from ml.recommendation.retrieval import Progress
from ml.recommendation.stock import SHOWN, Stock, content_columns
from ml.recommendation.training_tables import TrainingTables
from ml.recommendation.user_profiles import UserProfiles
from ml.signature import Signature

STATE, STOCK = "recommendation.json", "stock.json"
LIST_LENGTH = 10
COLUMNS = ("vehicle_id", ITEM, "listed_at", "price", *SHOWN)


class RecommendationEstimator:
    """Rank the vehicles in stock for a visitor. While it serves, only `stock`, `merchandising` and `financing` change.

    Returned by `RecommendationEstimator.fit`; a registered version has it as `.estimator` of
    ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.

    Attributes
    ----------
    recommender : Recommender
        Fitted retrievers and ranker.
    profiles : UserProfiles
        Histories and stated preferences as of the training cut-off.
    stock : Stock
        Vehicles on offer: those of the training cut-off until `LiveUpdates` reads newer ones.
    merchandising : MerchandisingRules
        Page rules; the defaults until `LiveUpdates` reads `recommendation_rules.yaml`.
    financing : Financing or None
        Prices the loan on each card; None shows no payments.
    content_space : ContentNeighbours
        Vector space of prices and categories, fitted on the items; compares new vehicles with viewed ones.
    category_sizes : dict of str to int
        Vocabulary size of each category.
    """

    def __init__(
        self,
        recommender: Recommender,
        profiles: UserProfiles,
        listings: pl.DataFrame,
        *,
        numeric: Sequence[str] = (),
    ) -> None:
        self.recommender = recommender
        self.profiles = profiles
        self.numeric = tuple(numeric)
        self.listings = listings
        self.category_sizes = {n: len(v) for n, v in recommender.vocabularies.categories.items()}
        self.merchandising = MerchandisingRules()
        self.financing: Financing | None = None
        self.signature = Signature(fields=())
        items = recommender.items
        self.content_space = ContentNeighbours().fit(
            *content_columns(items.log_price, items.codes, recommender.vocabularies)
        )
        self.stock = self.stock_of(listings, read_at=profiles.cutoff)

    @classmethod
    def fit(
        cls,
        tables: TrainingTables,
        training_data: TrainingData,
        params: RecommendationParams,
        *,
        cutoff: int,
        timed: bool,
        progress: Progress,
    ) -> Self:
        """Fit on the data before a cut-off.

        Parameters
        ----------
        tables : ml.recommendation.training_tables.TrainingTables
            As returned by `ml.recommendation.training_tables.TrainingTables.gather`.
        training_data : TrainingData
            ``tables.encode(tables.vocabularies(cutoff), params)``.
        params : RecommendationParams
            `ml.recommendation.params.RecommendationParams`, the section `params` of `configs/recommendation.yaml`.
        cutoff : int
            Training cut-off (microseconds since 1970 UTC).
        timed : bool
            Whether the data has time; without time, a blend of the retrievers takes the place of the ranker.
        progress : callable
            Called with one line of text per step.

        Raises
        ------
        DataError
            No choices, or, with time, choices at one instant only, or no query with a relevant item among its
            candidates.
        ConfigError
            A parameter is out of range.
        """
        fit = Recommender.fit if timed else Recommender.fit_blend
        recommender = fit(training_data, params, cutoff=cutoff, progress=progress)
        profiles = UserProfiles.from_tables(tables, training_data.vocabularies, params, cutoff=cutoff)
        listings = _listed_at(tables.listings, cutoff, tables.extra)
        return cls(recommender, profiles, listings, numeric=tables.extra[0])

    @property
    def notes(self) -> Sequence[str]:
        """Notes on the fit for the report."""
        weights = self.recommender.weights
        if not weights:
            return ()
        blend = ", ".join(f"{n} {w:.2f}" for n, w in weights.items() if w > 0)
        return (f"the data has no time, so there is no ranker: lists are a blend of the retrievers, weights {blend}",)

    def stock_of(self, listings: pl.DataFrame, *, read_at: int, stores: Iterable[str] = ()) -> Stock:
        """Encode listings as the stock of an instant, to be assigned to the attribute `stock`.

        Parameters
        ----------
        listings : DataFrame
            As returned by `ml.recommendation.training_tables.select_listings`, with `item_id`; prices in fen.
        read_at : int
            Instant at which the listings were read (microseconds since 1970 UTC).
        stores : iterable of str
            Further stores that a request may name; those of the listings always are.
        """
        return Stock.of(
            listings,
            self.recommender.vocabularies,
            self.content_space,
            numeric=self.numeric,
            read_at=read_at,
            stores=stores,
        )

    def importance(self) -> dict[str, float]:
        """Return the share (0 to 1) of each column in the ranker's gain; without a ranker, the blend weights."""
        trees = self.recommender.trees
        if trees is None:
            return dict(self.recommender.weights)
        gain = trees.booster_.feature_importance("gain")
        return dict(zip(self.recommender.columns, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """List the ten best vehicles in stock for each row.

        Parameters
        ----------
        X : DataFrame
            Any of `customer_id`, `visitor_id` and `store_id`, as strings; other columns are ignored.

        Returns
        -------
        DataFrame
            One row per row of X: `path` ('customer': known from the training data, or 'cold') and `vehicles` (list of
            `vehicle_id`, best first).
        """
        names = [n for n in ("customer_id", "visitor_id", "store_id") if n in X.columns]
        requests = [RecommendationRequest(n=LIST_LENGTH, **row) for row in X.select(names).to_dicts()]
        pages = [recommend(self, request) for request in requests]
        vehicles = [[card.vehicle_id for card in page.items] for page in pages]
        schema: dict[str, Any] = {"path": pl.String, "vehicles": pl.List(pl.String)}
        return pl.DataFrame({"path": [p.path for p in pages], "vehicles": vehicles}, schema=schema)

    def to_files(self) -> dict[str, bytes]:
        """Return the fitted estimator as JSON, npz and LightGBM text files, by file name."""
        schema = {n: str(t) for n, t in self.listings.schema.items()}
        state = json.dumps({"numeric": self.numeric, "stock": schema}).encode()
        files = {STATE: state, STOCK: self.listings.write_json().encode()}
        return files | self.recommender.to_files() | self.profiles.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore an estimator from the files returned by `to_files`."""
        state: dict[str, Any] = json.loads(content_of(files, STATE))
        schema = {n: getattr(pl, kind) for n, kind in state["stock"].items()}
        listings = pl.DataFrame(json.loads(content_of(files, STOCK)), schema=schema)
        return cls(Recommender.from_files(files), UserProfiles.from_files(files), listings, numeric=state["numeric"])


def _listed_at(listings: pl.DataFrame, cutoff: int, extra: tuple[Sequence[str], Sequence[str]]) -> pl.DataFrame:
    """Return the listings on offer at the cut-off, without columns that become known later, such as `sold_at`."""
    on_offer = is_on_offer(listings.columns, cutoff - 1)
    if "listed_at" in listings.columns:
        on_offer &= pl.col("listed_at").is_null() | (pl.col("listed_at") < cutoff)
    rows = listings.filter(on_offer)
    return rows.select([n for n in (*COLUMNS, *extra[0], *extra[1]) if n in listings.columns])
