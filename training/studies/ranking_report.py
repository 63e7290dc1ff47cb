"""Report on ranked lists: metrics, each retriever alone, and breakdowns by visitor data, visit, month and price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregations import DAY
from features.errors import DataError
from features.periods import month_labels
from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.top_k import top_k
from ml.instants import local_day
from ml.metrics.ranked_lists import coverage, mean_with_interval, novelty
from ml.problem import ListMetric
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.queries import Queries, candidate_pairs
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors
from ml.report.columns import Axis, Interval, axis, column
from ml.report.metric_titles import metric_axis
from ml.report.report import Report
from ml.report.sections import Bars, Curve, Section, Table, TimeSeries
from training.studies.measures import metric_row, metrics_section
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import LIST_LENGTH, EvaluatedLists, HoldoutSet, by_person
from training.studies.report_sections import (
    BLEND_WEIGHT,
    GAIN_SHARE,
    MONTH,
    gain_row,
    gains_section,
    group_column,
    importance_section,
    parts_section,
    score_column,
)
from training.studies.report_words import BASELINES, LISTS, day_text

VISIT = 6 * 3_600_000_000  # microseconds; interactions up to this age belong to the current visit
NEW_DAYS = 14.0
_QUERIES = column("rows", "查询数", "queries", "count")
_PRICE_COLUMNS = (
    column("price", "价格带中点", "middle of the price band", "amount", unit=Text(zh="元", en="yuan")),
    column("rows", "被选车辆数", "vehicles chosen", "count"),
    column("shown", "展示占比", "share of vehicles shown", "share"),
    column("chosen", "被选占比", "share of vehicles chosen", "share"),
)
_BREADTH_COLUMNS = (
    column("measure", "度量", "measure", words=LISTS),
    column("value", "推荐列表", "lists of the version", "score"),
    column("popularity", "热门列表", "lists of popular vehicles", "score"),
)
CHUNK = 1_000  # queries scored at once; bounds memory


def evaluate_ranking(
    study: RankingData, estimator: RecommendationEstimator, *, holdout: HoldoutSet | None = None
) -> Report:
    """Evaluate the lists of a version for the held-out queries.

    Parameters
    ----------
    study : RankingData
        ``training.studies.ranking.RankingStudyData.read(training.config.load_config("recommendation"))``.
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted: ``study.fit().evaluated``, with `study` of ``training.studies.ranking.RankingStudyData.read(config)``,
        or ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator``.
    holdout : HoldoutSet, optional
        Held-out queries, as returned by `training.studies.ranking_holdout.HoldoutSet.read`; by default those of the
        study.

    Returns
    -------
    Report
        `metrics` by name (`value`, 95% interval `low` and `high` over people, `baseline` of lists of the most popular
        items), `sections` (each retriever alone, months, price bands and others) and `notes`.

    Raises
    ------
    DataError
        No held-out query has a relevant item in the model's vocabulary.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.ranking import RankingStudyData
    >>> study = RankingStudyData.read(load_config("recommendation"))  # doctest: +SKIP
    >>> report = evaluate_ranking(study, study.fit().evaluated)  # doctest: +SKIP
    """
    evaluated = EvaluatedLists.of(holdout or study.build_holdout(), estimator)
    if len(evaluated.rows) == 0:
        raise DataError(
            f"recommendation: none of the {len(evaluated.inputs.queries):,} held-out queries has a relevant item "
            "in the model's vocabulary; provide more data or a longer test part (split.test)"
        )
    config, inputs, rows = study.config, evaluated.inputs, evaluated.rows
    queries = inputs.queries.take(rows)
    shown = evaluated.items()[rows]
    simple = _simple_lists(study, estimator, queries, inputs)
    primary, n = config.definition.primary_metric, config.bootstraps
    compute = study.problem.metrics[primary].compute

    def of_person(metric: ListMetric, lists: NDArray[np.int64]) -> FloatArray:
        return by_person(np.asarray(metric.compute(lists, queries.relevant)), queries.person)

    metrics = []
    for name, metric in study.problem.metrics.items():
        value = mean_with_interval(of_person(metric, shown), n=n)
        metrics.append(metric_row(name, value, float(of_person(metric, simple["popularity"]).mean())))
    of_query = np.asarray(compute(shown, queries.relevant))
    by_retriever = {name: of_person(study.problem.metrics[primary], lists) for name, lists in simple.items()}
    sections: list[Section] = [
        metrics_section(metrics),
        *_retriever_sections(primary, by_person(of_query, queries.person), by_retriever, bootstraps=n),
        _counts(evaluated, study),
        _metric_bars("path", primary, list(_paths(evaluated, estimator, primary, compute))),
        *_at(queries, of_query, primary),
        *([_month_section(queries, of_query, primary, study.timezone)] if study.timed else []),
        *_price_bands(evaluated, rows),
        _breadth(evaluated, shown, rows, simple["popularity"], estimator),
        importance_section(estimator.importance(), x=_importance_axis(estimator), labels=config.labels),
    ]
    notes = (*study.notes, *estimator.notes, *_unknown(evaluated))
    return Report(task=config.task, protocol=_protocol(study, evaluated), sections=tuple(sections), notes=notes)


_TITLES = {
    "path": Text(zh="按访客信息来源", en="by the data used about the visitor"),
    "visit": Text(zh="访问开始与访问中", en="at the start and in the middle of a visit"),
}


def _importance_axis(estimator: RecommendationEstimator) -> Axis:
    return GAIN_SHARE if estimator.recommender.trees is not None else BLEND_WEIGHT


def _metric_bars(by: str, name: str, rows: list[dict[str, Any]]) -> Bars:
    metric = metric_axis(name)
    title = Text(zh=f"{metric.title.zh}：{_TITLES[by].zh}", en=f"{metric.title.en.capitalize()} {_TITLES[by].en}")
    columns = (group_column(by), _QUERIES, score_column(name).model_copy(update={"intervals": (Interval(),)}))
    return Bars(name=f"by_{by}", title=title, columns=columns, y=metric, drawn=(name,), rows=tuple(rows))


def _retriever_sections(
    name: str, values: FloatArray, by_retriever: dict[str, FloatArray], *, bootstraps: int
) -> list[Section]:
    """Return the gain over the best retriever and the primary metric of each one alone, from values per person."""
    alone = {retriever: float(v.mean()) for retriever, v in by_retriever.items()}
    best = max(alone, key=lambda retriever: alone[retriever])
    gain = mean_with_interval(values - by_retriever[best], n=bootstraps)
    row = gain_row(name, best, alone[best], gain)
    metric = metric_axis(name)
    columns = (column("retriever", "召回器", "retriever", words=BASELINES), score_column(name))
    title = Text(zh=f"{metric.title.zh}：各召回器单独使用", en=f"{metric.title.en.capitalize()}: each retriever alone")
    rows = tuple({"retriever": r, name: alone[r]} for r in sorted(alone, key=lambda r: -alone[r]))
    return [
        gains_section("gain_over_best_retriever", row, zh="相对最好召回器的提升", en="Gain over the best retriever"),
        Bars(name="retrievers", title=title, columns=columns, y=metric, drawn=(name,), rows=rows),
    ]


def _simple_lists(
    study: RankingData, estimator: RecommendationEstimator, queries: Queries, inputs: TrainingData
) -> dict[str, NDArray[np.int64]]:
    """Return the list of each retriever alone, by name: item codes of vehicles on offer, -1 after the end."""
    retrieval, n = estimator.recommender.retrieval, len(inputs.vocabularies.items)
    lists: dict[str, list[NDArray[np.int64]]] = {}
    for begin in range(0, len(queries), CHUNK):
        visitors = queries.visitors.take(np.arange(begin, min(begin + CHUNK, len(queries))))
        pairs = candidate_pairs(visitors, inputs.vehicles)
        item = inputs.vehicles.item[pairs.vehicle]
        on_offer = np.zeros((len(visitors), n), dtype=bool)
        on_offer[pairs.visitor[item < n], item[item < n]] = True
        if not study.params.repeat:
            on_offer &= visitors.history.toarray() == 0
        for name, table in retrieval.scores(visitors).items():
            lists.setdefault(name, []).append(top_k(np.where(on_offer, table[:, :-1], -np.inf), k=LIST_LENGTH))
    return {name: np.concatenate(parts) for name, parts in lists.items()}


def _protocol(study: RankingData, evaluated: EvaluatedLists) -> str:
    n_queries, answered = len(evaluated.inputs.queries), len(evaluated.rows)
    if not study.timed:
        return f"{study.notes[0]}; one query for each of {answered:,} people, lists of {LIST_LENGTH} out of all items"
    day = day_text(local_day(study.cutoff, study.timezone)).en
    return (
        f"in time order: training before {day}, {n_queries:,} held-out queries from then on, {answered:,} of them "
        f"followed by a choice within {study.params.horizon_days:g} days; metrics are means over people"
    )


def _counts(evaluated: EvaluatedLists, study: RankingData) -> Table:
    _, inputs = study.training_part
    n_choices = int((inputs.choices.at < study.cutoff).sum())
    people = len(np.unique(evaluated.inputs.queries.person[evaluated.rows]))
    parts = {"train": {"rows": n_choices}, "test": {"rows": len(evaluated.rows), "people": people}}
    return parts_section(parts, column("people", "人数", "people", "count"))


def _breadth(
    evaluated: EvaluatedLists,
    shown: NDArray[np.int64],
    rows: Any,
    popular: NDArray[np.int64],
    estimator: RecommendationEstimator,
) -> Table:
    """Return coverage, novelty and share of new stock of the lists, and coverage of the popularity lists."""
    n = len(evaluated.inputs.vocabularies.items)
    popularity = estimator.recommender.retrieval.popularity.overall_
    vehicles, as_of = evaluated.inputs.vehicles, evaluated.inputs.queries.visitors.as_of[rows]
    bits = float(np.nanmean(novelty(shown, seen_by=popularity * 1e6, n_users=1_000_000)))
    table: list[dict[str, Any]] = [
        {"measure": "coverage", "value": coverage(shown, n_items=n), "popularity": coverage(popular, n_items=n)},
        {"measure": "novelty (bits)", "value": bits},
    ]
    listed = np.append(vehicles.listed_at, ALWAYS)[evaluated.lists[rows]]
    single = np.append(vehicles.is_unit, False)[evaluated.lists[rows]]
    listed_places = evaluated.lists[rows] >= 0
    age = (as_of[:, None].astype(np.float64) - listed) / DAY
    if (single & (listed > ALWAYS))[listed_places].any():
        share = float((single & (age <= NEW_DAYS) & (age >= 0))[listed_places].mean())
        table.append({"measure": "share of new stock", "value": share})
    title = Text(zh="推荐广度", en="Breadth of the lists")
    return Table(name="breadth", title=title, columns=_BREADTH_COLUMNS, rows=tuple(table))


def _paths(
    evaluated: EvaluatedLists, estimator: RecommendationEstimator, name: str, metric: Any
) -> Iterator[dict[str, Any]]:
    """Yield the metric on the same queries with less data about the visitor, by path (see `RecommendationAnswer`)."""
    recommender, rows = estimator.recommender, evaluated.rows
    everything = evaluated.inputs.queries.visitors
    visit = evaluated.tables.visitors(evaluated.inputs.vocabularies, recommender.params, within=VISIT).without_profile()
    by_path: dict[str, tuple[Visitors, Any]] = {
        "customer": (everything, rows),
        "session": (visit, rows[evaluated.inputs.queries.midway[rows]]),
        "profile": (everything.without_history(), rows),
        "cold": (everything.without_history().without_profile(), rows),
    }
    if not np.isfinite(everything.budget).any():
        by_path.pop("profile")
    for path, (visitors, some) in by_path.items():
        if len(some) == 0:
            continue
        if visitors is everything:  # computed already
            lists = evaluated.lists[some]
        else:
            lists = recommender.lists(visitors.take(some), evaluated.inputs.vehicles, k=LIST_LENGTH)
        values = np.asarray(metric(evaluated.items(lists), evaluated.relevant[some]))
        yield {"value": path, "rows": len(some), **_mean(name, values, evaluated.inputs.queries.person[some])}


def _mean(name: str, values: FloatArray, person: NDArray[np.uint64]) -> dict[str, float]:
    mean = mean_with_interval(by_person(values, person), n=200)
    return {name: mean.value, "low": mean.low, "high": mean.high}


def _at(queries: Queries, values: FloatArray, name: str) -> list[Bars]:
    """Return the metric at the start of a visit and at its second choice."""
    if not queries.midway.any():
        return []
    rows = [
        {"value": part, "rows": int(inside.sum()), **_mean(name, values[inside], queries.person[inside])}
        for part, inside in (("start", ~queries.midway), ("midway", queries.midway))
        if inside.any()
    ]
    return [_metric_bars("visit", name, rows)]


def _month_section(queries: Queries, values: FloatArray, name: str, timezone: str) -> TimeSeries:
    month = month_labels(queries.visitors.as_of, timezone=timezone)
    rows = [
        {"month": str(m), "rows": int((month == m).sum()), name: float(np.nanmean(values[month == m]))}
        for m in np.unique(month)
    ]
    metric = metric_axis(name)
    title = Text(zh=f"各月{metric.title.zh}", en=f"{metric.title.en.capitalize()} by month of the query")
    columns = (MONTH, _QUERIES, score_column(name).model_copy(update={"tracked": True}))
    return TimeSeries(name="by_month", title=title, columns=columns, y=metric, drawn=(name,), rows=tuple(rows))


def _price_bands(evaluated: EvaluatedLists, queries: Any) -> list[Curve]:
    """Return the shares of listed and of chosen items in ten price bands with equally many chosen items."""
    price = evaluated.inputs.vehicles.log_price
    n = len(evaluated.inputs.vocabularies.items)
    item = evaluated.inputs.vehicles.item
    has_price = np.isfinite(price) & (item < n)
    if not has_price.any():
        return []
    count = np.bincount(item[has_price], minlength=n)
    mean = np.bincount(item[has_price], weights=price[has_price], minlength=n) / np.maximum(count, 1)
    relevant = evaluated.relevant[queries].tocoo()
    priced = count[relevant.col] > 0
    chosen = mean[relevant.col[priced]]
    edges = np.unique(np.quantile(chosen, np.linspace(0, 1, 11)))
    if len(edges) < 3:
        return []
    listed = evaluated.items()[queries].ravel()
    listed = listed[listed >= 0]
    shown = mean[listed[count[listed] > 0]]
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v) for v in (shown, chosen)]
    middle = np.exp((edges[1:] + edges[:-1]) / 2)
    rows = tuple(
        {"price": float(p), "shown": float(a), "chosen": float(b), "rows": round(b * len(chosen))}
        for p, a, b in zip(middle, *shares, strict=True)
    )
    title = Text(zh="价格带：展示占比与被选占比", en="Price bands: share of vehicles shown and chosen")
    y, drawn = axis("车辆占比", "share of vehicles", "share"), ("shown", "chosen")
    return [Curve(name="price_bands", title=title, columns=_PRICE_COLUMNS, y=y, drawn=drawn, rows=rows)]


def _unknown(evaluated: EvaluatedLists) -> list[str]:
    """Return a note on the share of relevant items outside the vocabulary, which no list can contain."""
    names = set(evaluated.inputs.vocabularies.items.names)
    items = evaluated.tables.relevant["item_id"].to_list()
    share = sum(item not in names for item in items) / len(items) if items else 0.0
    return [f"{share:.1%} of the relevant items do not occur in training; they are not counted"] if share else []
