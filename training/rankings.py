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
from numpy.typing import NDArray
from scipy import sparse

from features.as_of import AS_OF, DAY
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.recommendation import PERSON
from features.sources import ExtraFeatures, RawTables, load_sources, read_tables
from ml.estimators.retrievers.top_k import top_k
from ml.metrics import Interval
from ml.metrics.ranked_lists import coverage, mean_with_interval, ndcg_at_k, novelty
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.facts import Facts
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Questions, offered
from ml.recommendation.recommender import Material
from ml.recommendation.visitors import Visitors
from training.config import Part, TaskConfig
from training.evaluation import Report
from training.examples import FLATTERING, Say
from training.home import home

LENGTH = 10
MOST_TESTED = 10_000  # questions of the test part that are asked; more would only narrow the intervals
VISIT = 6 * 3_600_000_000  # us: what lies no longer back belongs to this visit
NEW_DAYS = 14.0
# Any instant will do where the data has none: train rows just before, questions at it.
NO_TIME = 1_577_836_800_000_000
CHUNK = 1_000  # questions whose scores of every item are held at once
LEARN_FROM = 0.3  # share of the choices, by time, that pass before anything is asked
Array = NDArray[np.float64]


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

    def keep_test(self, folder: Path) -> None:
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


def _ndcg(estimator: RecommendationEstimator, material: Material, asked: Questions, lists: Any) -> Array:
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


@dataclass(frozen=True)
class Held:
    """Questions held out, with raw tables from which any model can build what it reads; nobody is named in them.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Events of those who ask, under other names, all vehicles, and what the customers said.
    asked : DataFrame
        The questions.
    """

    tables: Mapping[str, pl.DataFrame]
    asked: pl.DataFrame
    extra: tuple[Sequence[str], Sequence[str]]

    @classmethod
    def keep(
        cls, tables: Mapping[str, pl.DataFrame], asked: pl.DataFrame, extra: tuple[Sequence[str], Sequence[str]]
    ) -> Held:
        """Keep what the questions need."""
        events = tables["events"]
        names = asked[PERSON].unique().sort()
        alias = pl.DataFrame({PERSON: names, "alias": [f"p{i}" for i in range(len(names))]})
        who = [n for n in ("customer_id", "visitor_id") if n in events.columns]
        if len(who) == 2:
            known = events.drop_nulls(who).group_by("visitor_id").agg(pl.col("customer_id").min().alias("known_as"))
            events = events.join(known, on="visitor_id", how="left", maintain_order="left")
            person = pl.coalesce("customer_id", "known_as", "visitor_id")
        else:
            person = pl.col(who[0])
        kept = ("event_id", "event_at", "event_type", "vehicle_id", "session_id", "store_id")
        events = events.with_columns(person.alias(PERSON)).join(alias, on=PERSON, how="inner")
        events = events.select(pl.col("alias").alias("customer_id"), *(n for n in kept if n in events.columns))
        found = {"events": events}
        if "vehicles" in tables:
            found["vehicles"] = tables["vehicles"].drop("vin", "cost", strict=False)
        if "customers" in tables:
            said = ("created_at", "budget_low", "budget_high", "preferred_energy_type", "preferred_body_type")
            rows = tables["customers"].join(alias, left_on="customer_id", right_on=PERSON, how="inner")
            found["customers"] = rows.select(
                pl.col("alias").alias("customer_id"), *(n for n in said if n in rows.columns)
            )
        asked = asked.join(alias, on=PERSON, how="inner").drop(PERSON).rename({"alias": PERSON})
        return cls(found, asked.sort(PERSON, AS_OF), extra)

    def write(self, folder: Path) -> None:
        """Write as Parquet files."""
        for name, frame in (*self.tables.items(), ("asked", self.asked)):
            frame.write_parquet(folder / f"test_{name}.parquet")
        pl.DataFrame(
            {"extra": [list(self.extra[0]), list(self.extra[1])]}, schema={"extra": pl.List(pl.String)}
        ).write_parquet(folder / "test_extra.parquet")

    @classmethod
    def read(cls, folder: Path) -> Held:
        """Restore what `write` wrote."""
        found = {p.stem.removeprefix("test_"): pl.read_parquet(p) for p in sorted(folder.glob("test_*.parquet"))}
        numeric, categorical = found.pop("extra")["extra"].to_list()
        return cls({n: f for n, f in found.items() if n != "asked"}, found["asked"], (numeric, categorical))

    def facts(self, params: RecommendationParams) -> Facts:
        """As a model with these parameters reads it."""
        frames = to_engine({n: f.lazy() for n, f in self.tables.items()}, "polars")
        return Facts.gather(frames, params, asked=self.asked, extra=self.extra)


@dataclass(frozen=True)
class Judged:
    """Answers of one model to held-out questions that were answered by somebody.

    Attributes
    ----------
    facts, material
        As the model reads them.
    rows : ndarray of int64
        Questions of which something was wanted that the model could know.
    lists : ndarray of int64, shape (n_questions, 10)
        Vehicles, as rows of the material's.
    """

    held: Held
    facts: Facts
    material: Material
    lists: NDArray[np.int64]

    @classmethod
    def of(cls, held: Held, estimator: RecommendationEstimator) -> Judged:
        """Let a model answer."""
        recommender = estimator.recommender
        facts = held.facts(recommender.params)
        material = facts.material(recommender.known, recommender.params)
        return cls(held, facts, material, recommender.lists(material.questions.visitors, material.vehicles, k=LENGTH))

    def items(self, lists: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """The items that the listed vehicles stand for; -1 for none."""
        item = np.append(self.material.vehicles.item, -1)[self.lists if lists is None else lists]
        return _once(np.where(item < len(self.material.known.items), item, -1))

    def translated(self, other: Judged) -> NDArray[np.int64]:
        """The items, as this model knows them, that stand for the vehicles another model listed."""
        place = {name: i for i, name in enumerate(self.material.vehicles.ids)}
        rows = np.array([place.get(name, -1) for name in other.material.vehicles.ids] + [-1], dtype=np.int64)
        return self.items(rows[other.lists])

    @property
    def wanted(self) -> sparse.csr_matrix:
        """What was wanted."""
        return self.material.questions.wanted

    @property
    def rows(self) -> NDArray[np.intp]:
        """Questions of which something was wanted."""
        return np.flatnonzero(np.diff(self.wanted.indptr) > 0)


def _once(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lists in which what stands a second time is empty: a model that knows finer items may list one of ours twice.

    >>> _once(np.array([[3, 1, 3, -1]])).tolist()
    [[3, 1, -1, -1]]
    """
    order = np.argsort(items, axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    again = np.zeros(items.shape, dtype=bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    found = items.copy()
    np.put_along_axis(found, order, np.where(again, -1, ordered), axis=1)
    return found


def by_person(values: Array, person: NDArray[np.uint64]) -> Array:
    """Mean of each person's questions: people, not visits, are what intervals are drawn over."""
    there = np.isfinite(values)
    _, code = np.unique(person[there], return_inverse=True)
    return np.bincount(code, weights=values[there]) / np.bincount(code)


def evaluate_ranking(study: Rankings, estimator: RecommendationEstimator, *, held: Held | None = None) -> Report:
    """Answer the held-out questions and measure the lists.

    Raises
    ------
    DataError
        No question of the test part was answered by anything the model knows.
    """
    judged = Judged.of(held or study.test(), estimator)
    if len(judged.rows) == 0:
        raise DataError("recommendation: nothing that the model knows was wanted in the test part; give more data")
    config, material, rows = study.config, judged.material, judged.rows
    questions = material.questions.take(rows)
    shown = judged.items()[rows]
    simple = _simple_lists(study, estimator, questions, material)
    metrics: dict[str, dict[str, float | None]] = {}
    for name, metric in config.definition.metrics.items():
        values = by_person(np.asarray(metric.compute(shown, questions.wanted)), questions.person)
        found = mean_with_interval(values, n=config.bootstraps)
        naive = by_person(np.asarray(metric.compute(simple["popularity"], questions.wanted)), questions.person)
        metrics[name] = {"value": found.value, "low": found.low, "high": found.high, "naive": float(naive.mean())}
    primary = config.definition.metrics[config.definition.primary_metric].compute
    by_retriever = {
        name: by_person(np.asarray(primary(lists, questions.wanted)), questions.person)
        for name, lists in simple.items()
    }
    alone = {f"{name} alone": float(values.mean()) for name, values in by_retriever.items()}
    best = max(by_retriever, key=lambda name: by_retriever[name].mean())
    own = by_person(np.asarray(primary(shown, questions.wanted)), questions.person)
    gain = mean_with_interval(own - by_retriever[best], n=config.bootstraps)
    gained = {"of": best, "value": gain.value, "low": gain.low, "high": gain.high}
    return Report(
        task=config.task,
        protocol=_protocol(study, judged),
        rows=_counts(judged, study),
        metrics=metrics,
        baselines={"gain over the best retriever": gained}
        | alone
        | _breadth(judged, shown, rows, simple["popularity"], estimator),
        segments={"path": _paths(judged, estimator, primary), **_at(questions, shown, primary)},
        by_month=_months(questions, shown, primary) if study.timed else {},
        calibration=_price_bands(judged, rows),
        decisions={},
        fairness={},
        importance=estimator.importance(),
        notes=[*study.notes, *estimator.notes, *_unknown(judged)],
    )


def _simple_lists(
    study: Rankings, estimator: RecommendationEstimator, questions: Questions, material: Material
) -> dict[str, NDArray[np.int64]]:
    """What each retriever alone would list of what is on offer: the naive answers."""
    retrieval, n = estimator.recommender.retrieval, len(material.known.items)
    found: dict[str, list[NDArray[np.int64]]] = {}
    for begin in range(0, len(questions), CHUNK):
        visitors = questions.visitors.take(np.arange(begin, min(begin + CHUNK, len(questions))))
        pairs = offered(visitors, material.vehicles)
        item = material.vehicles.item[pairs.vehicle]
        there = np.zeros((len(visitors), n), dtype=bool)
        there[pairs.visitor[item < n], item[item < n]] = True
        if not study.params.repeat:
            there &= visitors.history.toarray() == 0
        for name, table in retrieval.scores(visitors).items():
            found.setdefault(name, []).append(top_k(np.where(there, table[:, :-1], -np.inf), k=LENGTH))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _protocol(study: Rankings, judged: Judged) -> str:
    asked, answered = len(judged.material.questions), len(judged.rows)
    if not study.timed:
        return f"{study.notes[0]}; {answered:,} people asked, lists of {LENGTH} out of everything"
    day = str(np.datetime64(study.until, "us"))[:10]
    return (
        f"in time order: learnt before {day}, {asked:,} questions asked later, {answered:,} of them answered by a "
        f"choice within {study.params.horizon_days:g} days; means over people"
    )


def _counts(judged: Judged, study: Rankings) -> dict[str, dict[str, int]]:
    _, material = study.learnt
    learnt = int((material.choices.at < study.until).sum())
    people = len(np.unique(judged.material.questions.person[judged.rows]))
    return {"train": {"rows": learnt}, "test": {"rows": len(judged.rows), "people": people}}


def _breadth(
    judged: Judged, shown: NDArray[np.int64], rows: Any, popular: NDArray[np.int64], estimator: RecommendationEstimator
) -> dict[str, float]:
    """How much of the catalogue is ever shown, how little known it is, how new, and the same for popularity."""
    n = len(judged.material.known.items)
    store = estimator.recommender.retrieval.popularity.overall_
    vehicles, asked = judged.material.vehicles, judged.material.questions.visitors.as_of[rows]
    found = {
        "coverage": coverage(shown, n_items=n),
        "coverage of popularity": coverage(popular, n_items=n),
        "novelty (bits)": float(np.nanmean(novelty(shown, seen_by=store * 1e6, n_users=1_000_000))),
    }
    listed = np.append(vehicles.listed_at, ALWAYS)[judged.lists[rows]]
    single = np.append(vehicles.single, False)[judged.lists[rows]]
    there = judged.lists[rows] >= 0
    age = (asked[:, None].astype(np.float64) - listed) / DAY
    if (single & (listed > ALWAYS))[there].any():
        found["share of new stock"] = float((single & (age <= NEW_DAYS) & (age >= 0))[there].mean())
    return found


def _paths(judged: Judged, estimator: RecommendationEstimator, metric: Any) -> dict[str, dict[str, float]]:
    """The same questions, had less been known of those who ask."""
    recommender, rows = estimator.recommender, judged.rows
    everything = judged.material.questions.visitors
    visit = judged.facts.visitors(judged.material.known, recommender.params, within=VISIT).without_profile()
    ways: dict[str, tuple[Visitors, Any]] = {
        "customer": (everything, rows),
        "session": (visit, rows[judged.material.questions.midway[rows]]),
        "profile": (everything.without_history(), rows),
        "cold": (everything.without_history().without_profile(), rows),
    }
    if not np.isfinite(everything.budget).any():
        ways.pop("profile")
    found = {}
    for name, (visitors, some) in ways.items():
        if len(some) == 0:
            continue
        lists = recommender.lists(visitors.take(some), judged.material.vehicles, k=LENGTH)
        values = np.asarray(metric(judged.items(lists), judged.wanted[some]))
        found[name] = {"rows": len(some), **_mean(values, judged.material.questions.person[some])}
    return found


def _mean(values: Array, person: NDArray[np.uint64]) -> dict[str, float]:
    found: Interval = mean_with_interval(by_person(values, person), n=200)
    return {"ndcg_at_10": found.value, "low": found.low, "high": found.high}


def _at(questions: Questions, shown: NDArray[np.int64], metric: Any) -> dict[str, dict[str, dict[str, float]]]:
    """At the begin of a visit, and once it has got going."""
    if not questions.midway.any():
        return {}
    values = np.asarray(metric(shown, questions.wanted))
    found = {}
    for name, inside in (("begin", ~questions.midway), ("midway", questions.midway)):
        if inside.any():
            found[name] = {"rows": int(inside.sum()), **_mean(values[inside], questions.person[inside])}
    return {"visit": found}


def _months(questions: Questions, shown: NDArray[np.int64], metric: Any) -> dict[str, dict[str, float]]:
    values = np.asarray(metric(shown, questions.wanted))
    month = questions.visitors.as_of.astype("datetime64[us]").astype("datetime64[M]").astype(str)
    return {
        str(m): {"rows": int((month == m).sum()), "ndcg_at_10": float(np.nanmean(values[month == m]))}
        for m in np.unique(month)
    }


def _price_bands(judged: Judged, rows: Any) -> list[dict[str, float]]:
    """Of ten price bands with equally many wanted vehicles: the share shown and the share wanted."""
    price = judged.material.vehicles.log_price
    n = len(judged.material.known.items)
    item = judged.material.vehicles.item
    there = np.isfinite(price) & (item < n)
    if not there.any():
        return []
    count = np.bincount(item[there], minlength=n)
    mean = np.bincount(item[there], weights=price[there], minlength=n) / np.maximum(count, 1)
    wanted = judged.wanted[rows].tocoo()
    priced = count[wanted.col] > 0
    asked_for = mean[wanted.col[priced]]
    edges = np.unique(np.quantile(asked_for, np.linspace(0, 1, 11)))
    if len(edges) < 3:
        return []
    listed = judged.items()[rows].ravel()
    listed = listed[listed >= 0]
    offered = mean[listed[count[listed] > 0]]
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v) for v in (offered, asked_for)]
    middle = np.exp((edges[1:] + edges[:-1]) / 2)
    return [
        {"price": float(p), "predicted": float(a), "observed": float(b), "rows": round(b * len(asked_for))}
        for p, a, b in zip(middle, *shares, strict=True)
    ]


def _unknown(judged: Judged) -> list[str]:
    """What was wanted that no model could list, because it came after training."""
    known = set(judged.material.known.items.names)
    wanted = judged.facts.wanted["item_id"].to_list()
    share = sum(w not in known for w in wanted) / len(wanted) if wanted else 0.0
    return [f"{share:.1%} of what was wanted came on the market after training and is not counted"] if share else []


def beats(
    held: Held, candidate: RecommendationEstimator, champion: RecommendationEstimator, *, metric: Any, n: int
) -> Interval:
    """Gain of a candidate over a champion on the same questions, in terms of what the candidate knows."""
    mine, other = Judged.of(held, candidate), Judged.of(held, champion)
    rows, person = mine.rows, mine.material.questions.person
    own = np.asarray(metric(mine.items()[rows], mine.wanted[rows]))
    theirs = np.asarray(metric(mine.translated(other)[rows], mine.wanted[rows]))
    return mean_with_interval(by_person(own - theirs, person[rows]), n=n)
