"""What changes by the minute while a model serves: the stock, the house's rules, the loan catalogue."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from features.engines import collect, to_engine
from features.recommendation import vehicle_items
from features.sources import ExtraFeatures, SourcesConfig, load_sources, read_tables
from ml.home import file_state
from ml.loans.catalogue.files import load_lending
from ml.recommendation.catalogue import CATEGORIES
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.financing import Financing
from ml.recommendation.house_rules import HouseRules, load_house_rules
from ml.recommendation.stock import Stock
from ml.recommendation.training_tables import single_or_catalogue

RULES, PRODUCTS, LENDING = "recommendation_rules.yaml", "loans/products.yaml", "loans/rules.yaml"
SECONDS = 2.0  # between two looks at a database, which cannot say whether anything changed


class LiveUpdates:
    """Watch the files of a folder and the stock that its `sources.yaml` names; see `ml.task.Task`."""

    def __init__(self, configs: Path) -> None:
        self.configs = configs
        self._seen: dict[int, dict[str, Any]] = {}

    def __call__(self, estimator: RecommendationEstimator) -> bool:
        """Bring what changed into the estimator.

        Raises
        ------
        ChehangError
            Something cannot be read; the rest was brought up to date.
        """
        seen = self._seen.setdefault(id(estimator), {})
        if len(self._seen) > 2:
            self._seen = {id(estimator): seen}
        changed = self._rules(estimator, seen)
        return self._stock(estimator, seen) or changed

    def _rules(self, estimator: RecommendationEstimator, seen: dict[str, Any]) -> bool:
        files = [self.configs / n for n in (RULES, PRODUCTS, LENDING)]
        state = tuple(file_state(f) for f in files)
        if seen.get("rules") == state:
            return False
        house = load_house_rules(files[0]) if state[0] else HouseRules()
        lending = load_lending(files[1], files[2]) if state[1] and state[2] else None
        estimator.house = house
        estimator.financing = Financing(lending, house.card_payment) if lending else None
        seen["rules"] = state
        return True

    def _stock(self, estimator: RecommendationEstimator, seen: dict[str, Any]) -> bool:
        path = self.configs / "sources.yaml"
        if not path.exists():
            return False
        if seen.get("sources") != file_state(path):
            seen["config"], seen["sources"] = load_sources(path), file_state(path)
            seen.pop("stock", None)
        config: SourcesConfig = seen["config"]
        source = config.tables.get("vehicles")
        if source is None:
            return False
        if source.sql is None:
            file = Path(source.parquet or source.csv or "")
            state: Any = file_state(file) if file.is_file() else tuple(map(file_state, sorted(_files(file))))
        else:
            state = int(time.monotonic() / SECONDS)
        if not state or seen.get("stock") == state:
            return False
        estimator.stock = _read(estimator, config)
        seen["stock"] = state
        return True


def _read(estimator: RecommendationEstimator, config: SourcesConfig) -> Stock:
    recommender = estimator.recommender
    own = tuple(c for c in recommender.known.categories if c not in CATEGORIES)
    extra = {"vehicles": ExtraFeatures(numeric=tuple(estimator.numeric), categorical=own)}
    now = time.time_ns() // 1_000
    with tempfile.TemporaryDirectory() as aside:  # rows that break the contract were told of in training
        raw = read_tables(config, ["vehicles"], extra=extra, quarantine_folder=Path(aside))
        frames, params = to_engine(raw.frames, "polars"), recommender.params
        found = vehicle_items(frames, parts=params.item, edges=params.price_bands)
        assert found is not None
        return estimator.stock_of(single_or_catalogue(collect(found)), read_at=now)


def _files(pattern: Path) -> list[Path]:
    folder = pattern if pattern.is_dir() else pattern.parent
    return [f for f in folder.glob("*" if pattern.is_dir() else pattern.name) if f.is_file()]
