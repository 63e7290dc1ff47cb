"""How good lists are: beside each retriever alone, by what is known of who asks, by month and by price."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.as_of import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.top_k import top_k
from ml.metrics import Interval
from ml.metrics.ranked_lists import coverage, mean_with_interval, novelty
from ml.recommendation.catalogue import ALWAYS
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.questions import Questions, offered
from ml.recommendation.recommender import Material
from ml.recommendation.visitors import Visitors
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import LENGTH, Held, Judged, by_person
from training.studies.row_report import Report

VISIT = 6 * 3_600_000_000  # us: what lies no longer back belongs to this visit
NEW_DAYS = 14.0
CHUNK = 1_000  # questions whose scores of every item are held at once


def evaluate_ranking(study: RankingData, estimator: RecommendationEstimator, *, held: Held | None = None) -> Report:
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
    for name, metric in study.problem.metrics.items():
        values = by_person(np.asarray(metric.compute(shown, questions.wanted)), questions.person)
        found = mean_with_interval(values, n=config.bootstraps)
        naive = by_person(np.asarray(metric.compute(simple["popularity"], questions.wanted)), questions.person)
        metrics[name] = {"value": found.value, "low": found.low, "high": found.high, "naive": float(naive.mean())}
    primary = study.problem.metrics[config.definition.primary_metric].compute
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
    study: RankingData, estimator: RecommendationEstimator, questions: Questions, material: Material
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


def _protocol(study: RankingData, judged: Judged) -> str:
    asked, answered = len(judged.material.questions), len(judged.rows)
    if not study.timed:
        return f"{study.notes[0]}; {answered:,} people asked, lists of {LENGTH} out of everything"
    day = str(np.datetime64(study.until, "us"))[:10]
    return (
        f"in time order: learnt before {day}, {asked:,} questions asked later, {answered:,} of them answered by a "
        f"choice within {study.params.horizon_days:g} days; means over people"
    )


def _counts(judged: Judged, study: RankingData) -> dict[str, dict[str, int]]:
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
        if visitors is everything:  # these are the lists that the report is about
            lists = judged.lists[some]
        else:
            lists = recommender.lists(visitors.take(some), judged.material.vehicles, k=LENGTH)
        values = np.asarray(metric(judged.items(lists), judged.wanted[some]))
        found[name] = {"rows": len(some), **_mean(values, judged.material.questions.person[some])}
    return found


def _mean(values: FloatArray, person: NDArray[np.uint64]) -> dict[str, float]:
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
