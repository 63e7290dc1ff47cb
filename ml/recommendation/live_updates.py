"""Refresh stock, merchandising rules and loan catalogue while a model serves."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

from features.engines import collect, to_engine
from features.errors import DataError
from features.recommendation import vehicle_items
from features.sources import ExtraFeatures, SourcesConfig, TableReport, TableSource, load_sources, read_tables
from features.sources.feedback_stores import (
    DEFAULT,
    StockRevision,
    last_work_entry,
    stock_revision,
    store_url,
    vehicles_off_offer,
    work_entries,
)
from ml.home import file_state, model_file
from ml.live_state import LiveStates
from ml.loans.catalogue.files import load_lending
from ml.recommendation.catalogue import CATEGORIES
from ml.recommendation.desk_rules import desk_rules
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.financing import Financing
from ml.recommendation.merchandising import MerchandisingRules, Rule, load_merchandising_rules
from ml.recommendation.offer import Offer, units_by_entry
from ml.recommendation.training_tables import select_listings
from ml.registry import ENTRIES

log = logging.getLogger("chehang.live_updates")
RULES, PRODUCTS, LENDING = "recommendation_rules.yaml", "loans/products.yaml", "loans/rules.yaml"
PUSHED = "pushed stock"
DESK = "rules of the desk"
SQL_POLL_SECONDS = 2.0  # a database does not tell whether its rows changed, so it is read again


class LiveUpdates:
    """Re-read changed files of a configuration folder and the `vehicles` source; the `refresh` of `ml.task.Task`.

    Parameters
    ----------
    configs : Path
        Folder with `recommendation_rules.yaml`, `loans/` and `sources.yaml`; missing files are skipped.
    data_set : str
        Of a named model. Its own rules, such as `recommendation_rules.north.yaml`, are read if they exist. Its stock is
        that of `sources.north.yaml` alone: without the file, the stock stays that of the training.
    rules : Path, optional
        File to read in place of `recommendation_rules.yaml`.
    sources : Path, optional
        File to read in place of `sources.yaml`.

    Notes
    -----
    The source `vehicles` owns the list of vehicles: a file or a database that is followed, or the store that
    `PUT /v1/stock` fills. A vehicle that a push marks as sold, reserved or deleted is left out in either case.
    """

    follows_pushed_stock = True

    def __init__(
        self, configs: Path, *, data_set: str = "", rules: Path | None = None, sources: Path | None = None
    ) -> None:
        self.configs, self.data_set, self.rules = configs, data_set, rules
        self.sources = sources or configs / (f"sources.{data_set}.yaml" if data_set else "sources.yaml")
        self._states = LiveStates()
        if data_set and not self.sources.is_file():
            message = "recommendation.%s: its stock is not updated while it serves, because %s does not exist"
            log.warning(message, data_set, self.sources)

    def __call__(self, estimator: RecommendationEstimator) -> bool:
        """Update `merchandising`, `financing` and `stock` of the estimator; return whether anything changed.

        Called by the server while it serves.

        Raises
        ------
        ChehangError
            A file or table cannot be read; its last valid content stays in use.
        """
        last = self._states.of(estimator)
        changed = self._rules(estimator, last)
        return self._stock(estimator, last) or changed

    def _rules(self, estimator: RecommendationEstimator, last: dict[str, Any]) -> bool:
        files = [model_file(self.configs, name, self.data_set) for name in (RULES, PRODUCTS, LENDING)]
        files[0] = self.rules or files[0]
        state = (tuple((f, file_state(f)) for f in files), self._desk_rules(last))
        if last.get("rules") == state:
            return False
        has_rules, has_products, has_lending = (content is not None for _, content in state[0])
        merchandising = load_merchandising_rules(files[0]) if has_rules else MerchandisingRules()
        merchandising = merchandising.model_copy(update={"rules": (*merchandising.rules, *state[1])})
        lending = load_lending(files[1], files[2]) if has_products and has_lending else None
        estimator.merchandising = merchandising
        estimator.financing = Financing(lending, merchandising.card_payment) if lending else None
        last["rules"] = state
        return True

    def _desk_rules(self, last: dict[str, Any]) -> tuple[Rule, ...]:
        """Return the rules that people added at the desk of this service; a store without the table has none."""
        if self.data_set or self.rules is not None:
            return ()
        url = store_url(DEFAULT)
        try:
            number = last_work_entry(url, where=DESK)
            if number and number != last.get("work_entry"):
                last["desk_rules"] = tuple(r.rule for r in desk_rules(work_entries(url, "rule", where=DESK)))
                last["work_entry"] = number
        except DataError as e:  # the rules that were read last stay in force, and the stock is updated all the same
            if last.get("desk_error") != str(e):
                log.warning("recommendation: %s", e)
                last["desk_error"] = str(e)
        rules: tuple[Rule, ...] = last.get("desk_rules", ())
        return rules

    def _stock(self, estimator: RecommendationEstimator, last: dict[str, Any]) -> bool:
        config = self._config(last)
        source = config.tables.get("vehicles") if config is not None else None
        push = self._push(source)
        revision = stock_revision(push, where=PUSHED) if push and source is not None and source.store else None
        if config is not None and source is not None:
            state = _state(source, revision)
            if state and last.get("stock") != state:
                last["offer"], report = _read(estimator, config)
                self._log(report, last)
                last["stock"] = state
        return self._assign(estimator, last, push, revision)

    def _config(self, last: dict[str, Any]) -> SourcesConfig | None:
        """Return the sources; None without a file."""
        if not self.sources.exists():
            return None
        if last.get("sources") != file_state(self.sources):
            last["config"], last["sources"] = load_sources(self.sources), file_state(self.sources)
            last.pop("stock", None)
        config: SourcesConfig = last["config"]
        return config

    def _push(self, source: TableSource | None) -> str | None:
        """Return the URL of the store with the pushed stock: that of the source, or that of the service."""
        if source is not None and source.store is not None:
            return source.store.get_secret_value()
        return None if self.data_set else store_url(DEFAULT)

    def _log(self, report: TableReport, last: dict[str, Any]) -> None:
        text = _quarantined(report)
        if text != last.get("quarantined"):
            name = f"recommendation.{self.data_set}" if self.data_set else "recommendation"
            log.warning("%s: %s", name, text or "no row of vehicles breaks the contract any more")
            last["quarantined"] = text

    def _assign(
        self, estimator: RecommendationEstimator, last: dict[str, Any], push: str | None, revision: StockRevision | None
    ) -> bool:
        """Assign the stock that was read last, without the vehicles that a push took off offer."""
        failure = None
        try:
            revision = revision or (stock_revision(push, where=PUSHED) if push else None)
            if push and revision is not None and revision.states != last.get("states", 0):
                last["off_offer"], last["states"] = vehicles_off_offer(push, where=PUSHED), revision.states
        except DataError as e:  # the stock that was read is assigned all the same
            failure = e
        offer: Offer = last.setdefault("offer", Offer(estimator.stock, {}))
        off_offer, made_to_order = last.get("off_offer", frozenset()), estimator.merchandising.made_to_order
        changed = bool((offer, off_offer, made_to_order) != last.get("assigned"))
        if changed:
            estimator.stock = offer.present(off_offer, made_to_order=made_to_order)
            last["assigned"] = (offer, off_offer, made_to_order)
        if failure is not None:
            raise failure
        return changed


def _state(source: TableSource, revision: StockRevision | None) -> Any:
    """Return a value that changes with the vehicles of a source; empty for one that has no vehicles yet."""
    if source.store is not None:
        return revision and revision.listings
    if source.sql is not None:
        return int(time.monotonic() / SQL_POLL_SECONDS)
    file = Path(source.parquet or source.csv or source.excel or "")
    return file_state(file) if file.is_file() else tuple(map(file_state, sorted(_files(file))))


def _quarantined(report: TableReport) -> str | None:
    """Return the numbers of rows that break the contract and are not in stock; None without such rows."""
    if not report.rows_quarantined:
        return None
    rules = [f"{rule} ({n:,})" for rule, n in report.rules.items()]
    numbers = f"{report.rows_quarantined:,} of {report.rows_read:,} rows of vehicles"
    return f"{numbers} break the contract and are not in stock: {', '.join(rules)}"


def _read(estimator: RecommendationEstimator, config: SourcesConfig) -> tuple[Offer, TableReport]:
    recommender = estimator.recommender
    own_categories = tuple(c for c in recommender.vocabularies.categories if c not in CATEGORIES)
    extra = {"vehicles": ExtraFeatures(numeric=tuple(estimator.numeric), categorical=own_categories)}
    now = time.time_ns() // 1_000
    with tempfile.TemporaryDirectory() as quarantine:
        raw = read_tables(
            config,
            ["vehicles"],
            extra=extra,
            quarantine_folder=Path(quarantine),
            targets=ENTRIES["recommendation"].targets,
        )
        frames, params = to_engine(raw.frames, "polars"), recommender.params
        vehicles = vehicle_items(frames, parts=params.item, edges=params.price_bands)
        assert vehicles is not None
        table = collect(vehicles)
    stores = table["store_id"].drop_nulls().unique().to_list() if "store_id" in table.columns else []
    stock = estimator.stock_of(select_listings(table), read_at=now, stores=stores)
    return Offer(stock, units_by_entry(table, at=now)), raw.reports["vehicles"]


def _files(pattern: Path) -> list[Path]:
    folder = pattern if pattern.is_dir() else pattern.parent
    return [f for f in folder.glob("*" if pattern.is_dir() else pattern.name) if f.is_file()]
