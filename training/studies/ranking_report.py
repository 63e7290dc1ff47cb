"""How good lists are: beside each retriever alone, by what is known of who asks, by month and by price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregations import DAY
from features.errors import DataError
from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import coverage, mean_with_interval, novelty
from ml.problem import ListMetric
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.questions import Questions, offered
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors
from ml.report.columns import Interval, axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Curve, Section, Table, TimeSeries
from training.studies.measures import metric_row, metrics_section
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import LENGTH, EvaluatedLists, HoldoutSet, by_person
from training.studies.report_sections import (
    MONTH,
    gain_row,
    gains_section,
    group_column,
    importance_section,
    parts_section,
    score_column,
)

VISIT = 6 * 3_600_000_000  # us: what lies no longer back belongs to this visit
NEW_DAYS = 14.0
_QUERIES = column("rows", "查询数", "queries", "count")
_PRICE_COLUMNS = (
    column("price", "价格带中点", "middle of the price band", "amount", unit=Text(zh="元", en="yuan")),
    column("rows", "想要的车", "vehicles wanted", "count"),
    column("shown", "展示", "shown", "share"),
    column("wanted", "想要", "wanted", "share"),
)
_BREADTH_COLUMNS = (
    column("measure", "度量", "measure"),
    column("value", "推荐列表", "lists", "score"),
    column("popularity", "热门列表", "lists of popularity", "score"),
)
CHUNK = 1_000  # questions whose scores of every item are held at once


def evaluate_ranking(
    study: RankingData, estimator: RecommendationEstimator, *, holdout: HoldoutSet | None = None
) -> Report:
    """Answer the held-out questions and measure the lists.

    Raises
    ------
    DataError
        No question of the test part was answered by anything the model knows.
    """
    evaluated = EvaluatedLists.of(holdout or study.test(), estimator)
    if len(evaluated.rows) == 0:
        raise DataError("recommendation: nothing that the model knows was wanted in the test part; give more data")
    config, material, rows = study.config, evaluated.material, evaluated.rows
    questions = material.questions.take(rows)
    shown = evaluated.items()[rows]
    simple = _simple_lists(study, estimator, questions, material)
    primary, n = config.definition.primary_metric, config.bootstraps
    compute = study.problem.metrics[primary].compute

    def of_person(metric: ListMetric, lists: NDArray[np.int64]) -> FloatArray:
        return by_person(np.asarray(metric.compute(lists, questions.wanted)), questions.person)

    metrics = []
    for name, metric in study.problem.metrics.items():
        value = mean_with_interval(of_person(metric, shown), n=n)
        metrics.append(metric_row(name, value, float(of_person(metric, simple["popularity"]).mean())))
    of_query = np.asarray(compute(shown, questions.wanted))
    by_retriever = {name: of_person(study.problem.metrics[primary], lists) for name, lists in simple.items()}
    sections: list[Section] = [
        metrics_section(metrics),
        *_retriever_sections(primary, by_person(of_query, questions.person), by_retriever, bootstraps=n),
        _counts(evaluated, study),
        _metric_bars("path", primary, list(_paths(evaluated, estimator, primary, compute))),
        *_at(questions, of_query, primary),
        *([_month_section(questions, of_query, primary)] if study.timed else []),
        *_price_bands(evaluated, rows),
        _breadth(evaluated, shown, rows, simple["popularity"], estimator),
        importance_section(estimator.importance()),
    ]
    notes = (*study.notes, *estimator.notes, *_unknown(evaluated))
    return Report(task=config.task, protocol=_protocol(study, evaluated), sections=tuple(sections), notes=notes)


_TITLES = {
    "path": Text(zh="按对访客的了解", en="by what is known of the visitor"),
    "visit": Text(zh="访问开始与进行中", en="at the begin of a visit and midway"),
}


def _metric_bars(by: str, name: str, rows: list[dict[str, Any]]) -> Bars:
    title = Text(zh=f"{name}：{_TITLES[by].zh}", en=f"{name} {_TITLES[by].en}")
    columns = (group_column(by), _QUERIES, column(name, name, name, "score", interval=Interval()))
    return Bars(name=f"by_{by}", title=title, columns=columns, y=score_column(name), drawn=(name,), rows=tuple(rows))


def _retriever_sections(
    name: str, values: FloatArray, by_retriever: dict[str, FloatArray], *, bootstraps: int
) -> list[Section]:
    """The primary metric of each retriever alone, and the gain over the best of them; values of each person."""
    alone = {retriever: float(v.mean()) for retriever, v in by_retriever.items()}
    best = max(alone, key=lambda retriever: alone[retriever])
    gain = mean_with_interval(values - by_retriever[best], n=bootstraps)
    row = gain_row(name, best, alone[best], gain)
    columns = (column("retriever", "召回器", "retriever"), score_column(name))
    title = Text(zh=f"{name}：各召回器单独使用", en=f"{name} of each retriever alone")
    rows = tuple({"retriever": r, name: alone[r]} for r in sorted(alone, key=lambda r: -alone[r]))
    return [
        gains_section("gain_over_best_retriever", row, zh="相对最好召回器的提升", en="Gain over the best retriever"),
        Bars(name="retrievers", title=title, columns=columns, y=score_column(name), drawn=(name,), rows=rows),
    ]


def _simple_lists(
    study: RankingData, estimator: RecommendationEstimator, questions: Questions, material: TrainingData
) -> dict[str, NDArray[np.int64]]:
    """What each retriever alone would list of what is on offer: the baselines."""
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


def _protocol(study: RankingData, evaluated: EvaluatedLists) -> str:
    asked, answered = len(evaluated.material.questions), len(evaluated.rows)
    if not study.timed:
        return f"{study.notes[0]}; {answered:,} people asked, lists of {LENGTH} out of everything"
    day = str(np.datetime64(study.until, "us"))[:10]
    return (
        f"in time order: learnt before {day}, {asked:,} questions asked later, {answered:,} of them answered by a "
        f"choice within {study.params.horizon_days:g} days; means over people"
    )


def _counts(evaluated: EvaluatedLists, study: RankingData) -> Table:
    _, material = study.learnt
    learnt = int((material.choices.at < study.until).sum())
    people = len(np.unique(evaluated.material.questions.person[evaluated.rows]))
    parts = {"train": {"rows": learnt}, "test": {"rows": len(evaluated.rows), "people": people}}
    return parts_section(parts, column("people", "人数", "people", "count"))


def _breadth(
    evaluated: EvaluatedLists,
    shown: NDArray[np.int64],
    rows: Any,
    popular: NDArray[np.int64],
    estimator: RecommendationEstimator,
) -> Table:
    """How much of the catalogue is ever shown, how little known it is, how new, and the same for popularity."""
    n = len(evaluated.material.known.items)
    store = estimator.recommender.retrieval.popularity.overall_
    vehicles, asked = evaluated.material.vehicles, evaluated.material.questions.visitors.as_of[rows]
    bits = float(np.nanmean(novelty(shown, seen_by=store * 1e6, n_users=1_000_000)))
    table: list[dict[str, Any]] = [
        {"measure": "coverage", "value": coverage(shown, n_items=n), "popularity": coverage(popular, n_items=n)},
        {"measure": "novelty (bits)", "value": bits},
    ]
    listed = np.append(vehicles.listed_at, ALWAYS)[evaluated.lists[rows]]
    single = np.append(vehicles.single, False)[evaluated.lists[rows]]
    there = evaluated.lists[rows] >= 0
    age = (asked[:, None].astype(np.float64) - listed) / DAY
    if (single & (listed > ALWAYS))[there].any():
        share = float((single & (age <= NEW_DAYS) & (age >= 0))[there].mean())
        table.append({"measure": "share of new stock", "value": share})
    title = Text(zh="推荐广度", en="Breadth of the lists")
    return Table(name="breadth", title=title, columns=_BREADTH_COLUMNS, rows=tuple(table))


def _paths(
    evaluated: EvaluatedLists, estimator: RecommendationEstimator, name: str, metric: Any
) -> Iterator[dict[str, Any]]:
    """The same questions, had less been known of those who ask."""
    recommender, rows = estimator.recommender, evaluated.rows
    everything = evaluated.material.questions.visitors
    visit = evaluated.facts.visitors(evaluated.material.known, recommender.params, within=VISIT).without_profile()
    ways: dict[str, tuple[Visitors, Any]] = {
        "customer": (everything, rows),
        "session": (visit, rows[evaluated.material.questions.midway[rows]]),
        "profile": (everything.without_history(), rows),
        "cold": (everything.without_history().without_profile(), rows),
    }
    if not np.isfinite(everything.budget).any():
        ways.pop("profile")
    for way, (visitors, some) in ways.items():
        if len(some) == 0:
            continue
        if visitors is everything:  # these are the lists that the report is about
            lists = evaluated.lists[some]
        else:
            lists = recommender.lists(visitors.take(some), evaluated.material.vehicles, k=LENGTH)
        values = np.asarray(metric(evaluated.items(lists), evaluated.wanted[some]))
        yield {"value": way, "rows": len(some), **_mean(name, values, evaluated.material.questions.person[some])}


def _mean(name: str, values: FloatArray, person: NDArray[np.uint64]) -> dict[str, float]:
    mean = mean_with_interval(by_person(values, person), n=200)
    return {name: mean.value, "low": mean.low, "high": mean.high}


def _at(questions: Questions, values: FloatArray, name: str) -> list[Bars]:
    """At the begin of a visit, and once it has got going."""
    if not questions.midway.any():
        return []
    rows = [
        {"value": part, "rows": int(inside.sum()), **_mean(name, values[inside], questions.person[inside])}
        for part, inside in (("begin", ~questions.midway), ("midway", questions.midway))
        if inside.any()
    ]
    return [_metric_bars("visit", name, rows)]


def _month_section(questions: Questions, values: FloatArray, name: str) -> TimeSeries:
    month = questions.visitors.as_of.astype("datetime64[us]").astype("datetime64[M]").astype(str)
    rows = [
        {"month": str(m), "rows": int((month == m).sum()), name: float(np.nanmean(values[month == m]))}
        for m in np.unique(month)
    ]
    title = Text(zh=f"各月 {name}", en=f"{name} by month of the query")
    columns = (MONTH, _QUERIES, column(name, name, name, "score", tracked=True))
    return TimeSeries(
        name="by_month", title=title, columns=columns, y=score_column(name), drawn=(name,), rows=tuple(rows)
    )


def _price_bands(evaluated: EvaluatedLists, queries: Any) -> list[Curve]:
    """Of ten price bands with equally many wanted vehicles: the share shown and the share wanted."""
    price = evaluated.material.vehicles.log_price
    n = len(evaluated.material.known.items)
    item = evaluated.material.vehicles.item
    there = np.isfinite(price) & (item < n)
    if not there.any():
        return []
    count = np.bincount(item[there], minlength=n)
    mean = np.bincount(item[there], weights=price[there], minlength=n) / np.maximum(count, 1)
    wanted = evaluated.wanted[queries].tocoo()
    priced = count[wanted.col] > 0
    asked_for = mean[wanted.col[priced]]
    edges = np.unique(np.quantile(asked_for, np.linspace(0, 1, 11)))
    if len(edges) < 3:
        return []
    listed = evaluated.items()[queries].ravel()
    listed = listed[listed >= 0]
    offered = mean[listed[count[listed] > 0]]
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v) for v in (offered, asked_for)]
    middle = np.exp((edges[1:] + edges[:-1]) / 2)
    rows = tuple(
        {"price": float(p), "shown": float(a), "wanted": float(b), "rows": round(b * len(asked_for))}
        for p, a, b in zip(middle, *shares, strict=True)
    )
    title = Text(zh="价格带：展示占比与需求占比", en="Price bands: share of vehicles shown and wanted")
    y, drawn = axis("车辆占比", "share of vehicles", "share"), ("shown", "wanted")
    return [Curve(name="price_bands", title=title, columns=_PRICE_COLUMNS, y=y, drawn=drawn, rows=rows)]


def _unknown(evaluated: EvaluatedLists) -> list[str]:
    """What was wanted that no model could list, because it came after training."""
    known = set(evaluated.material.known.items.names)
    wanted = evaluated.facts.wanted["item_id"].to_list()
    share = sum(w not in known for w in wanted) / len(wanted) if wanted else 0.0
    return [f"{share:.1%} of what was wanted came on the market after training and is not counted"] if share else []
