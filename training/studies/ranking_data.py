"""Data of a ranking study: source tables, training part and held-out queries.

The split is by time: everything before a cut-off trains, every query from the cut-off on tests. Data without time use
their own split column, or a hash of each row, instead: retrievers are fitted on the train rows, blend weights are
chosen on the calibrate rows, and the test rows are the relevant items of one query per person, whose history is the
train rows.
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
from training.studies.row_counts import interaction_notes
from training.studies.task_tables import read_task_tables

MAX_TEST_QUERIES = 10_000  # a larger sample only narrows the intervals
# Stand-in instant for data without time: train rows lie just before it, queries at it.
TIMELESS_INSTANT = 1_577_836_800_000_000
WARM_UP_SHARE = 0.3  # share of the choices, in time order, before the first query, so that queries have a history


@dataclass(frozen=True)
class RankingData:
    """Source tables of a ranking task and their split; returned by `RankingData.read`.

    Make one with ``RankingData.read(load_config("recommendation"))``, after ``from training.config import load_config``
    and ``from training.studies.ranking_data import RankingData``.

    Attributes
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("recommendation")``.
    raw : RawTables
        Source tables with their validation results: `frames` and `reports`, by table.
    tables : mapping of str to LazyFrame
        `events`, and `vehicles` and `customers` if available; without time, `events` has the column `part`.
    cutoff : int
        Training cut-off (int, microseconds since 1970 UTC): earlier events train, queries from here on test.
    notes : tuple of str
        Notes on the split for the report.
    fingerprint : str
        Fingerprint of the source tables.
    engine : {'polars', 'spark'}
        Engine that computes the features.
    """

    config: TaskConfig
    raw: RawTables
    tables: Mapping[str, pl.LazyFrame]
    cutoff: int
    notes: tuple[str, ...]
    fingerprint: str
    engine: str = "polars"

    @classmethod
    def read(cls, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> Self:
        """Read and validate the source tables, and determine the split.

        Parameters
        ----------
        config : TaskConfig
            ``training.config.load_config("recommendation")``; the tables that its sources name must exist.
        engine : {'polars', 'spark'}
            Engine that computes the features.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        RankingData
            `tables` by name, and `cutoff` (int, microseconds since 1970 UTC).

        Raises
        ------
        DataError
            A table is invalid, or a part of the split has no row.
        ConfigError
            The time column is not in the data, or the sources lack a table.

        Examples
        --------
        Needs the tables of the sources.

        >>> from training.config import load_config
        >>> data = RankingData.read(load_config("recommendation"))  # doctest: +SKIP
        >>> data.tables["events"].collect()  # doctest: +SKIP
        """
        split = (config.split.column,) if config.split.column else ()
        extra = {"vehicles": config.extra_features, "events": ExtraFeatures(categorical=split)}
        raw = read_task_tables(config, extra=extra, progress=progress)
        tables = dict(raw.frames)
        present = tables["events"].collect_schema().names()
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        notes_on_rows = (
            *interaction_notes(tables["events"], cast("RecommendationParams", config.params).grades),
            *raw.key_notes,
        )
        if config.timeless:
            tables["events"], notes = _assign_parts(tables["events"], present, config)
            return cls(config, raw, tables, TIMELESS_INSTANT, (*notes, *notes_on_rows), fingerprint, engine)
        if config.time not in present:
            raise ConfigError(
                f"time: events has no column '{config.time}'; map it in the sources file, or set time: none"
            )
        at = tables["events"].select(pl.col(config.time)).collect()[config.time]
        cutoff = int(at.quantile(config.split.train + config.split.calibrate, "nearest") or 0)
        return cls(config, raw, tables, cutoff, notes_on_rows, fingerprint, engine)

    @property
    def problem(self) -> RankingProblem:
        """Problem of the task; `metrics` has its metrics by name."""
        return cast("RankingProblem", self.config.definition.problem)

    @property
    def params(self) -> RecommendationParams:
        """Parameters of the task, such as `horizon_days` and `candidates`."""
        return cast("RecommendationParams", self.config.params)

    @property
    def timezone(self) -> str:
        """IANA name of the time zone in which instants are shown: that of the table `events`."""
        return self.raw.reports["events"].timezone

    @property
    def timed(self) -> bool:
        """True if the data has time, False with ``time: none`` in the configuration."""
        return not self.config.timeless

    @property
    def extra(self) -> tuple[Sequence[str], Sequence[str]]:
        """Names of the extra columns of `vehicles`: the numeric ones, the categorical ones."""
        return self.config.extra_features.numeric, self.config.extra_features.categorical

    def frames(self, part: str = "calibrate") -> Mapping[str, nw.LazyFrame[Any]]:
        """Return the source tables by name, as narwhals frames on the engine.

        Parameters
        ----------
        part : {'calibrate', 'test'}
            Without time, `events` has the rows of train and of this part. Not read if the data has time.

        Returns
        -------
        mapping of str to narwhals.LazyFrame
            `events`, and `vehicles` and `customers` if available; `features.engines.collect` makes a polars DataFrame.
        """
        tables = dict(self.tables)
        if not self.timed:
            inside = pl.col("part").is_in(["train", part])
            at = pl.when(pl.col("part") == "train").then(TIMELESS_INSTANT - 1).otherwise(TIMELESS_INSTANT)
            tables["events"] = tables["events"].filter(inside).with_columns(event_at=at.cast(pl.Int64)).drop("part")
        return to_engine(tables, self.engine)

    def training_tables(self) -> TrainingTables:
        """Compute interactions, queries, relevant items and history.

        Returns
        -------
        ml.recommendation.training_tables.TrainingTables
            Tables of all events; without time, of the parts train and calibrate: the DataFrames `vehicles`, `choices`
            (interactions), `queries` (`person_id`, `as_of`: int64, microseconds since 1970 UTC), `relevant`, `history`
            and `customers`.

        Raises
        ------
        DataError
            No event is an interaction with a vehicle.
        """
        frames = self.frames()
        queries = None if self.timed else _one_query_per_person(collect(frames["events"]))
        tables = TrainingTables.gather(
            frames, self.params, queries=queries, warm_up_share=WARM_UP_SHARE, engine=self.engine, extra=self.extra
        )
        if tables.choices.height == 0:
            raise DataError(
                "recommendation: events has no interaction: either vehicle_id is null in every row or params.grades "
                "names none of the event types; check the mapping of vehicle_id and event_type"
            )
        return tables

    @cached_property
    def training_part(self) -> tuple[TrainingTables, TrainingData]:
        """Training tables (DataFrames `choices`, `queries`, ...), and the same as arrays, with item codes.

        The item codes are those of the vocabularies before the cut-off.
        """
        tables = self.training_tables()
        return tables, tables.encode(tables.vocabularies(self.cutoff), self.params)

    def build_holdout(self) -> HoldoutSet:
        """Return the held-out queries and the tables that a model needs to answer them.

        Returns
        -------
        training.studies.ranking_holdout.HoldoutSet
            At most 10,000 queries, a random sample of all: `queries` (DataFrame) and `tables` (DataFrames by name).

        Raises
        ------
        DataError
            The test part has no query.
        """
        frames = self.frames("test")
        if self.timed:
            queries = self.training_part[0].queries.filter(pl.col(AS_OF) >= self.cutoff)
            queries = queries.sample(MAX_TEST_QUERIES, seed=0) if queries.height > MAX_TEST_QUERIES else queries
        else:
            queries = _one_query_per_person(collect(frames["events"]))
        if queries.height == 0:
            raise DataError(
                "recommendation: the test part has no query; provide more data or raise the share split.test"
            )
        return HoldoutSet.build({n: collect(f) for n, f in frames.items()}, queries, self.extra)

    @cached_property
    def holdout(self) -> HoldoutSet:
        """The held-out queries: `queries` (`person_id`, `as_of`, `midway`, ...) and `tables` (DataFrames by name)."""
        return self.build_holdout()

    @property
    def last_training_instant(self) -> int | None:
        """Instant of the last training event at the latest (microseconds since 1970 UTC); None without time."""
        return self.cutoff - 1 if self.timed else None


def _one_query_per_person(events: pl.DataFrame) -> pl.DataFrame:
    """Return one query at `TIMELESS_INSTANT` for each person with a row at that instant."""
    who = next(n for n in ("customer_id", "visitor_id") if n in events.columns)
    people = events.filter(pl.col("event_at") == TIMELESS_INSTANT).select(pl.col(who).alias(PERSON))
    at = pl.lit(TIMELESS_INSTANT, dtype=pl.Int64).alias(AS_OF)
    return people.drop_nulls().unique().sort(PERSON).with_columns(at, pl.lit(False).alias("midway"))


def _assign_parts(
    events: pl.LazyFrame, names: Sequence[str], config: TaskConfig
) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Add the column `part`, from the data's split column or from a hash of each row; return it with notes."""
    who = next((n for n in ("customer_id", "visitor_id") if n in names), None)
    if who is None or "vehicle_id" not in names:
        raise DataError(
            "events: needs the columns vehicle_id and customer_id or visitor_id; map them in the sources file"
        )
    if config.split.column:
        values = {v: str(part) for part, v in config.split.values.items()}
        part = pl.col(config.split.column).replace_strict(values, default=None, return_dtype=pl.String)
        rows = events.with_columns(part=part).drop(config.split.column).filter(pl.col("part").is_not_null())
        present = set(rows.select("part").unique().collect()["part"])
        if missing := {*config.split.values} - present:
            name: Part = next(n for n in ("train", "calibrate", "test") if n in missing)
            raise DataError(
                f"events.{config.split.column}: no row of part '{name}', that is, none with the value "
                f"'{config.split.values[name]}'; correct split.values"
            )
        return rows, ("the data has no time: the split is that of the data",)
    share = pl.struct(who, "vehicle_id").hash(seed=config.split.seed).cast(pl.Float64) / 2.0**64
    low, high = config.split.train, config.split.train + config.split.calibrate
    part = pl.when(share < low).then(pl.lit("train")).when(share < high).then(pl.lit("calibrate"))
    return events.with_columns(part=part.otherwise(pl.lit("test"))), (RANDOM_SPLIT_NOTE,)
