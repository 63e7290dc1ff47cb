"""A task that ranks: what is learnt from, questions held out in time, and how good the lists are that answer them.

Time decides: everything up to an instant is learnt from, every question asked after it tests. Where the data has no
time, its own split column (or a hash of each row) takes its place: lists are learnt from the train rows, the weights
of a blend are chosen on the calibrate rows, and the test rows are asked about with the train rows as history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from features.as_of import AS_OF, DAY
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.recommendation import PERSON
from features.sources import ExtraFeatures, RawTables, load_sources, read_tables
from ml.domain.arrays import FloatArray
from ml.home import home
from ml.metrics.ranked_lists import ndcg_at_k
from ml.problem import RankingProblem
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Questions
from ml.recommendation.recommender import Material
from ml.recommendation.training_tables import Facts
from training.config import Part, TaskConfig
from training.studies.ranking_holdout import LENGTH, Held
from training.studies.ranking_report import evaluate_ranking
from training.studies.row_data import FLATTERING, Say
from training.studies.row_report import Report

MOST_TESTED = 10_000  # questions of the test part that are asked; more would only narrow the intervals
# Any instant will do where the data has none: train rows just before, questions at it.
NO_TIME = 1_577_836_800_000_000
LEARN_FROM = 0.3  # share of the choices, by time, that pass before anything is asked


@dataclass(frozen=True)
class Rankings:
    """Raw tables of a ranking task, and where in time they are cut.

    Attributes
    ----------
    tables : mapping of str to LazyFrame
        Events, vehicles and customers, as far as there are any.
    until : int
        us: learnt from before, tested from here on.
    notes : tuple of str
        For whoever reads the report.
    """

    config: TaskConfig
    raw: RawTables
    tables: Mapping[str, pl.LazyFrame]
    until: int
    notes: tuple[str, ...]
    fingerprint: str
    engine: str = "polars"

    @property
    def problem(self) -> RankingProblem:
        """Problem of the task."""
        problem = self.config.definition.problem
        assert isinstance(problem, RankingProblem)
        return problem

    @property
    def params(self) -> RecommendationParams:
        """Of the configuration."""
        found = self.config.params
        assert isinstance(found, RecommendationParams)
        return found

    @property
    def timed(self) -> bool:
        """Whether the data has time."""
        return not self.config.timeless

    @property
    def extra(self) -> tuple[Sequence[str], Sequence[str]]:
        """The dealership's own columns of its vehicles."""
        return self.config.extra_features.numeric, self.config.extra_features.categorical

    def frames(self, part: str = "calibrate") -> Mapping[str, nw.LazyFrame[Any]]:
        """Tables on the engine; without time, `part` are the rows that are asked about."""
        tables = dict(self.tables)
        if not self.timed:
            inside = pl.col("part").is_in(["train", part])
            at = pl.when(pl.col("part") == "train").then(NO_TIME - 1).otherwise(NO_TIME).cast(pl.Int64)
            tables["events"] = tables["events"].filter(inside).with_columns(event_at=at).drop("part")
        return to_engine(tables, self.engine)

    def facts(self, *, part: str = "calibrate") -> Facts:
        """Everything that follows from the tables."""
        frames = self.frames(part)
        asked = None if self.timed else _everybody(collect(frames["events"]))
        facts = Facts.gather(frames, self.params, asked=asked, since=LEARN_FROM, engine=self.engine, extra=self.extra)
        if facts.chosen.height == 0:
            raise DataError(
                "recommendation: nothing was chosen: no event names a vehicle, or params.grades names none of the "
                "event types; check events and the mapping of event_type"
            )
        return facts

    @cached_property
    def learnt(self) -> tuple[Facts, Material]:
        """What is learnt from."""
        facts = self.facts()
        return facts, facts.material(facts.known(self.until), self.params)

    def fit(self, *, until: int | None = None, progress: Say | None = None) -> RecommendationEstimator:
        """Learn from everything before the cut, or before another instant."""
        facts, material = self.learnt
        say = progress or (lambda text: None)
        return RecommendationEstimator.fit(
            facts, material, self.params, until=until or self.until, timed=self.timed, say=say
        )

    def test(self) -> Held:
        """The questions of the test part, with what a model needs to answer them."""
        frames = self.frames("test")
        if self.timed:
            asked = self.learnt[0].asked.filter(pl.col(AS_OF) >= self.until)
            asked = asked.sample(MOST_TESTED, seed=0) if asked.height > MOST_TESTED else asked
        else:
            asked = _everybody(collect(frames["events"]))
        if asked.height == 0:
            raise DataError(
                "recommendation: nobody asks anything in the test part; give more data or other split shares"
            )
        return Held.keep({n: collect(f) for n, f in frames.items()}, asked, self.extra)

    def rounds(self) -> Any:
        """For tuning: the primary metric after learning from the first part of what is learnt from."""
        if not self.timed:
            estimator = self.fit()
            _, material = self.learnt
            lists = estimator.recommender.lists(material.questions.visitors, material.vehicles, k=LENGTH)
            yield float(np.nanmean(_ndcg(estimator, material, material.questions, lists)))
            return
        _, material = self.learnt
        at = material.choices.at
        cut = int(np.quantile(at[at < self.until], 0.75))
        estimator = self.fit(until=cut)
        end = self.until - int(self.params.horizon_days * DAY)  # what answers a question must lie before the cut too
        asked = material.questions.between(cut, end).sample(5_000, seed=0)
        if len(asked) == 0:
            raise DataError("recommendation: too short a history to tune on; give more, or a shorter horizon_days")
        lists = estimator.recommender.lists(asked.visitors, material.vehicles, k=LENGTH)
        yield float(np.nanmean(_ndcg(estimator, material, asked, lists)))

    def with_config(self, config: TaskConfig) -> Rankings:
        """The same data under other parameters."""
        return replace(self, config=config)

    def evaluate(self, estimator: RecommendationEstimator) -> Report:
        """Measure the lists that answer the test part."""
        return evaluate_ranking(self, estimator, held=self.held)

    @cached_property
    def held(self) -> Held:
        """The test part, taken once."""
        return self.test()

    def keep_test(self, folder: Path, estimator: Any) -> None:
        """Keep what a later candidate is compared on."""
        self.held.write(folder)

    def features(self, estimator: RecommendationEstimator) -> list[str]:
        """What the ranker reads."""
        return list(estimator.recommender.columns)

    @property
    def last_training_instant(self) -> int | None:
        """us; None without time."""
        return self.until - 1 if self.timed else None

    def example(self, estimator: RecommendationEstimator) -> dict[str, Any]:
        """A request that the model answers: nobody's own."""
        stock = estimator.stock
        session = [{"vehicle_id": str(stock.vehicles.ids[0])}] if len(stock) else []
        stores = estimator.recommender.known.stores.names
        asked: dict[str, Any] = {"n": LENGTH, "session": session}
        asked |= {"store_id": stores[0]} if stores else {}
        if np.isfinite(estimator.people.budget).any():
            asked["profile"] = {"budget_high": 200_000.0}
        return asked

    def describe(self) -> dict[str, Any]:
        """What a training would see, for `chehang check`."""
        _, material = self.learnt
        at, asked = material.choices.at, material.questions.visitors.as_of
        return {
            "examples": {
                "train": {"choices": int((at < self.until).sum()), "questions": int((asked < self.until).sum())},
                "test": {"questions": int((asked >= self.until).sum())},
                "known": {"items": len(material.known.items), "stores": len(material.known.stores)},
            },
            "numeric": list(self.extra[0]),
            "categorical": list(material.known.categories),
        }


def _everybody(events: pl.DataFrame) -> pl.DataFrame:
    """One question of everybody who has rows to be asked about, at the instant that stands for it."""
    who = next(n for n in ("customer_id", "visitor_id") if n in events.columns)
    people = events.filter(pl.col("event_at") == NO_TIME).select(pl.col(who).alias(PERSON)).drop_nulls().unique()
    return people.sort(PERSON).with_columns(pl.lit(NO_TIME, dtype=pl.Int64).alias(AS_OF), pl.lit(False).alias("midway"))


def _ndcg(estimator: RecommendationEstimator, material: Material, asked: Questions, lists: Any) -> FloatArray:
    item = np.append(material.vehicles.item, -1)[lists]
    return np.asarray(ndcg_at_k(np.where(item < asked.wanted.shape[1], item, -1), asked.wanted))


def load_rankings(config: TaskConfig, *, engine: str = "polars", progress: Say | None = None) -> Rankings:
    """Read, check, and find where to cut.

    Raises
    ------
    DataError, ConfigError
        Something is missing.
    """
    task = config.definition
    if config.split.column and not config.timeless:
        raise ConfigError("split.column: the data has time, which splits it; remove it, or set time: none")
    sources = load_sources(config.sources)
    names = [n for n in task.tables if n == task.tables[0] or n in sources.tables]
    split = (config.split.column,) if config.split.column else ()
    raw = read_tables(
        sources,
        names,
        extra={"vehicles": config.extra_features, "events": ExtraFeatures(categorical=split)},
        quarantine_folder=home() / "quarantine" / task.name,
        timeless=("events",) if config.timeless else (),
        progress=progress,
    )
    tables = dict(raw.frames)
    present = tables["events"].collect_schema().names()
    fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
    if config.timeless:
        tables["events"], notes = _parted(tables["events"], present, config)
        return Rankings(config, raw, tables, NO_TIME, notes, fingerprint, engine)
    if config.time not in present:
        raise ConfigError(
            f"time: column '{config.time}' is not in the data of events; map it in the sources, or set time: none"
        )
    at = tables["events"].select(pl.col(config.time)).collect()[config.time]
    until = int(at.quantile(config.split.train + config.split.calibrate, "nearest") or 0)
    return Rankings(config, raw, tables, until, (), fingerprint, engine)


def _parted(events: pl.LazyFrame, names: Sequence[str], config: TaskConfig) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Events with `part`: by their own column, or by a hash of each row."""
    who = next((n for n in ("customer_id", "visitor_id") if n in names), None)
    if who is None or "vehicle_id" not in names:
        raise DataError("events: needs vehicle_id and customer_id or visitor_id; map them in the sources")
    if config.split.column:
        values = {v: str(part) for part, v in config.split.values.items()}
        part = pl.col(config.split.column).replace_strict(values, default=None, return_dtype=pl.String)
        found = events.with_columns(part=part).drop(config.split.column).filter(pl.col("part").is_not_null())
        there = set(found.select("part").unique().collect()["part"])
        if missing := {*config.split.values} - there:
            name: Part = next(n for n in ("train", "calibrate", "test") if n in missing)
            raise DataError(
                f"events.{config.split.column}: no row is of part '{name}', which is written "
                f"'{config.split.values[name]}' there; correct split.values"
            )
        return found, ("the data has no time: the split is the data's own",)
    share = pl.struct(who, "vehicle_id").hash(seed=config.split.seed).cast(pl.Float64) / 2.0**64
    low, high = config.split.train, config.split.train + config.split.calibrate
    part = pl.when(share < low).then(pl.lit("train")).when(share < high).then(pl.lit("calibrate"))
    return events.with_columns(part=part.otherwise(pl.lit("test"))), (FLATTERING,)
