"""A task that ranks: what is learnt from, questions held out in time, and how good the lists are that answer them.

Time decides: everything up to an instant is learnt from, every question asked after it tests. Where the data has no
time, its own split column (or a hash of each row) takes its place: lists are learnt from the train rows, the weights
of a blend are chosen on the calibrate rows, and the test rows are asked about with the train rows as history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast

import narwhals as nw
import polars as pl

from features.as_of import AS_OF
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.recommendation import PERSON
from features.sources import ExtraFeatures, RawTables
from ml.problem import RankingProblem
from ml.recommendation.params import RecommendationParams
from ml.recommendation.recommender import TrainingData
from ml.recommendation.training_tables import TrainingTables
from training.config import Part, TaskConfig
from training.progress import Progress
from training.split import RANDOM_SPLIT_NOTE
from training.studies.ranking_holdout import HoldoutSet
from training.studies.task_tables import read_task_tables

MOST_TESTED = 10_000  # questions of the test part that are asked; more would only narrow the intervals
# Any instant will do where the data has none: train rows just before, questions at it.
NO_TIME = 1_577_836_800_000_000
LEARN_FROM = 0.3  # share of the choices, by time, that pass before anything is asked


@dataclass(frozen=True)
class RankingData:
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

    @classmethod
    def read(cls, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> Self:
        """Read and check the tables, and find the instant (or the split column) that separates training and test.

        Raises
        ------
        DataError, ConfigError
            Something is missing.
        """
        split = (config.split.column,) if config.split.column else ()
        extra = {"vehicles": config.extra_features, "events": ExtraFeatures(categorical=split)}
        raw = read_task_tables(config, extra=extra, progress=progress)
        tables = dict(raw.frames)
        present = tables["events"].collect_schema().names()
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        if config.timeless:
            tables["events"], notes = _parted(tables["events"], present, config)
            return cls(config, raw, tables, NO_TIME, notes, fingerprint, engine)
        if config.time not in present:
            raise ConfigError(
                f"time: column '{config.time}' is not in the data of events; map it in the sources, or set time: none"
            )
        at = tables["events"].select(pl.col(config.time)).collect()[config.time]
        until = int(at.quantile(config.split.train + config.split.calibrate, "nearest") or 0)
        return cls(config, raw, tables, until, (), fingerprint, engine)

    @property
    def problem(self) -> RankingProblem:
        """Problem of the task."""
        return cast("RankingProblem", self.config.definition.problem)

    @property
    def params(self) -> RecommendationParams:
        """Of the configuration."""
        return cast("RecommendationParams", self.config.params)

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

    def facts(self) -> TrainingTables:
        """Everything that follows from the tables."""
        frames = self.frames()
        asked = None if self.timed else _everybody(collect(frames["events"]))
        facts = TrainingTables.gather(
            frames, self.params, asked=asked, since=LEARN_FROM, engine=self.engine, extra=self.extra
        )
        if facts.chosen.height == 0:
            raise DataError(
                "recommendation: nothing was chosen: no event names a vehicle, or params.grades names none of the "
                "event types; check events and the mapping of event_type"
            )
        return facts

    @cached_property
    def learnt(self) -> tuple[TrainingTables, TrainingData]:
        """What is learnt from."""
        facts = self.facts()
        return facts, facts.material(facts.known(self.until), self.params)

    def test(self) -> HoldoutSet:
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
        return HoldoutSet.keep({n: collect(f) for n, f in frames.items()}, asked, self.extra)

    @cached_property
    def holdout(self) -> HoldoutSet:
        """The test part, taken once."""
        return self.test()

    @property
    def last_training_instant(self) -> int | None:
        """us; None without time."""
        return self.until - 1 if self.timed else None


def _everybody(events: pl.DataFrame) -> pl.DataFrame:
    """One question of everybody who has rows to be asked about, at the instant that stands for it."""
    who = next(n for n in ("customer_id", "visitor_id") if n in events.columns)
    people = events.filter(pl.col("event_at") == NO_TIME).select(pl.col(who).alias(PERSON)).drop_nulls().unique()
    return people.sort(PERSON).with_columns(pl.lit(NO_TIME, dtype=pl.Int64).alias(AS_OF), pl.lit(False).alias("midway"))


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
    return events.with_columns(part=part.otherwise(pl.lit("test"))), (RANDOM_SPLIT_NOTE,)
