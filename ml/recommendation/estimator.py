"""What training makes and the service loads: the recommender, whom it knows, and the stock it last saw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import polars as pl

from features.recommendation import ITEM
from ml.artefacts.json_files import content_of
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.answer import respond
from ml.recommendation.financing import Financing
from ml.recommendation.house_rules import HouseRules
from ml.recommendation.params import RecommendationParams
from ml.recommendation.recommender import Recommender, Say, TrainingData
from ml.recommendation.request import RecommendationRequest
from ml.recommendation.stock import SHOWN, Stock, described
from ml.recommendation.training_tables import TrainingTables
from ml.recommendation.user_profiles import UserProfiles
from ml.signature import Signature

STATE, STOCK = "recommendation.json", "stock.json"
LIST_LENGTH = 10
COLUMNS = ("vehicle_id", ITEM, "listed_at", "price", *SHOWN)


class RecommendationEstimator:
    """Rank the vehicles in stock for a visitor; only `stock`, `house` and `financing` change while it is in service.

    Attributes
    ----------
    recommender : Recommender
    people : UserProfiles
    stock : Stock
        As of the end of training, until something newer is read.
    house : HouseRules
    financing : Financing or None
        Without it no card carries a payment.
    space : ContentNeighbours
        Holds the items; how near a vehicle just listed is to what was looked at.
    """

    def __init__(
        self, recommender: Recommender, people: UserProfiles, offered: pl.DataFrame, *, numeric: Sequence[str] = ()
    ) -> None:
        self.recommender = recommender
        self.people = people
        self.numeric = tuple(numeric)
        self.offered = offered
        self.sizes = {n: len(v) for n, v in recommender.known.categories.items()}
        self.house = HouseRules()
        self.financing: Financing | None = None
        self.signature = Signature(fields=())
        items = recommender.items
        self.space = ContentNeighbours().fit(*described(items.log_price, items.codes, recommender.known))
        self.stock = self.stock_of(offered, read_at=people.until)

    @classmethod
    def fit(
        cls,
        facts: TrainingTables,
        material: TrainingData,
        params: RecommendationParams,
        *,
        until: int,
        timed: bool,
        say: Say,
    ) -> Self:
        """Learn from everything before an instant (us).

        Raises
        ------
        DataError, ConfigError
            As for `Recommender.fit`.
        """
        learn = Recommender.fit if timed else Recommender.fit_blend
        recommender = learn(material, params, until=until, say=say)
        people = UserProfiles.learn(facts, material.known, params, until=until)
        return cls(recommender, people, _on_sale(facts.offered, until, facts.extra), numeric=facts.extra[0])

    @property
    def notes(self) -> Sequence[str]:
        """What fitting has to say."""
        weights = self.recommender.weights
        if not weights:
            return ()
        told = ", ".join(f"{n} {w:.2f}" for n, w in weights.items() if w > 0)
        return (f"the data has no time, so nothing was ranked by what came next: a blend of {told}",)

    def stock_of(self, offered: pl.DataFrame, *, read_at: int) -> Stock:
        """Vehicles with `item_id` as this model reads them."""
        return Stock.of(offered, self.recommender.known, self.space, numeric=self.numeric, read_at=read_at)

    def importance(self) -> dict[str, float]:
        """Share of each column in what the ranker gained."""
        trees = self.recommender.trees
        if trees is None:
            return dict(self.recommender.weights)
        gain = trees.booster_.feature_importance("gain")
        return dict(zip(self.recommender.columns, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """The ten best vehicles in stock for each row of `customer_id`, `visitor_id` or `store_id`.

        Returns
        -------
        DataFrame
            `path`, and `vehicles` (list of `vehicle_id`, best first).
        """
        names = [n for n in ("customer_id", "visitor_id", "store_id") if n in X.columns]
        asked = [RecommendationRequest(n=LIST_LENGTH, **row) for row in X.select(names).to_dicts()]
        pages = respond(self, asked)
        vehicles = [[card.vehicle_id for card in page.items] for page in pages]
        schema: dict[str, Any] = {"path": pl.String, "vehicles": pl.List(pl.String)}
        return pl.DataFrame({"path": [p.path for p in pages], "vehicles": vehicles}, schema=schema)

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned as native files."""
        schema = {n: str(t) for n, t in self.offered.schema.items()}
        state = json.dumps({"numeric": self.numeric, "stock": schema}).encode()
        files = {STATE: state, STOCK: self.offered.write_json().encode()}
        return files | self.recommender.to_files() | self.people.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        state: dict[str, Any] = json.loads(content_of(files, STATE))
        schema = {n: getattr(pl, kind) for n, kind in state["stock"].items()}
        offered = pl.DataFrame(json.loads(content_of(files, STOCK)), schema=schema)
        return cls(Recommender.from_files(files), UserProfiles.from_files(files), offered, numeric=state["numeric"])


def _on_sale(offered: pl.DataFrame, until: int, extra: tuple[Sequence[str], Sequence[str]]) -> pl.DataFrame:
    """What was on sale at an instant: nothing that an outcome was known of later."""
    fits = pl.lit(True)
    if "listed_at" in offered.columns:
        fits &= pl.col("listed_at").is_null() | (pl.col("listed_at") < until)
    if "sold_at" in offered.columns:
        fits &= pl.col("sold_at").is_null() | (pl.col("sold_at") >= until)
    kept = offered.filter(fits)
    return kept.select([n for n in (*COLUMNS, *extra[0], *extra[1]) if n in offered.columns])
