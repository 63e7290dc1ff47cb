"""The gate in front of the champion alias: judges a version, and stores the result with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import ChehangError, DataError
from features.periods import start_of
from ml import champions
from ml.champions import GateCheck, GateResult, Move, Version
from ml.demand_forecast.panel import Panel
from ml.metrics import Interval, bootstrap
from ml.metrics.ranked_lists import mean_with_interval
from ml.model import Model
from ml.problem import PanelProblem, RankingProblem, RowMetric, RowProblem, SurveillanceProblem
from training.studies.panel import read_holdout
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts
from training.studies.ranking_holdout import Held, Judged, beats, by_person
from training.studies.row_report import NAIVE, TEST_ROWS, compare
from training.tracking import git_commit

BATCH_ROWS = 200


def judge(candidate: Version, champion: Version | None) -> GateResult:
    """Compare a candidate with the champion on the candidate's own test rows, and store the result with the candidate.

    Parameters
    ----------
    candidate : Version
        To be promoted.
    champion : Version or None
        The promoted one; without one the candidate must beat the naive answer.

    Returns
    -------
    GateResult
        Conditions: the primary metric gains more than its interval; each guard of the configuration holds; the model
        answers its example, and one row at a time like a batch.
    """
    result = GateResult(
        champion=champion.number if champion else None,
        checks=tuple(_checks(champions.load(candidate), candidate, champion)),
        judged_at=datetime.now(UTC),
        code_version=git_commit(),
    )
    champions.record_gate(candidate, result)
    return result


def _checks(model: Model, candidate: Version, champion: Version | None) -> Sequence[GateCheck]:
    problem = model.task.problem
    if isinstance(problem, RankingProblem):
        return _of_lists(model, candidate, champion)
    if isinstance(problem, PanelProblem):
        return _of_series(model, candidate, champion)
    rows = _test_rows(candidate)
    y, groups = rows["label"].to_numpy(), rows["group"].to_numpy()
    answers = model.estimator.predict(rows)
    primary = model.task.primary_metric
    assert isinstance(problem, RowProblem | SurveillanceProblem)
    metric = problem.metrics[primary]
    checks = [_gain(model, metric, primary, rows, y=y, answers=answers, groups=groups, champion=champion)]
    checks += [
        _guard(problem.metrics, name, limits, y, answers) for name, limits in model.card["config"]["gate"].items()
    ]
    return [*checks, _answers(model, rows, answers)]


def _test_rows(version: Version) -> pl.DataFrame:
    with champions.attachments(version) as folder:
        return pl.read_parquet(Path(folder) / TEST_ROWS)


def _gain(
    model: Model,
    metric: RowMetric,
    name: str,
    rows: pl.DataFrame,
    *,
    y: NDArray[np.float64],
    answers: pl.DataFrame,
    groups: Any,
    champion: Version | None,
) -> GateCheck:
    n = int(model.card["config"]["bootstraps"])
    if champion is None and NAIVE in rows.columns:  # kept with the rows: compared row by row, which tells more
        gain = compare(metric, y, metric.of(answers), rows[NAIVE].to_numpy(), groups=groups, n=n)
        detail = f"gain over it: {_shown(gain)} on {len(y):,} test rows; there is no champion yet"
        return GateCheck(f"{name} beats the naive answer", gain.low > 0, detail)
    if champion is None:
        naive = model.card["evaluation"]["metrics"][name]["naive"]
        found = bootstrap(metric.compute, y, metric.of(answers), groups=groups, n=n, seed=0)
        passed = found.low > naive if metric.better == "higher" else found.high < naive
        return GateCheck(
            f"{name} beats the naive answer", passed, f"{_shown(found)} against {naive:.4f}; there is no champion yet"
        )
    try:
        other = champions.load(champion).estimator.predict(rows)
    except DataError as e:
        return GateCheck(
            f"{name} beats the champion", False, f"version {champion.number} cannot answer these rows: {e}"
        )
    gain = compare(metric, y, metric.of(answers), metric.of(other), groups=groups, n=n)
    detail = f"gain over version {champion.number}: {_shown(gain)} on {len(y):,} test rows{_seen(champion, rows)}"
    return GateCheck(f"{name} beats the champion", gain.low > 0, detail)


def _of_lists(model: Model, candidate: Version, champion: Version | None) -> tuple[GateCheck, ...]:
    """The conditions of a task that ranks, on the questions held out with the candidate."""
    primary, config = model.task.primary_metric, model.card["config"]
    problem = model.task.problem
    assert isinstance(problem, RankingProblem)
    metric, n = problem.metrics[primary], int(config["bootstraps"])
    with champions.attachments(candidate) as folder:
        held = Held.read(Path(folder))
    judged = Judged.of(held, model.estimator)
    rows, person = judged.rows, judged.material.questions.person

    def value(name: str) -> Interval:
        found = np.asarray(problem.metrics[name].compute(judged.items()[rows], judged.wanted[rows]))
        return mean_with_interval(by_person(found, person[rows]), n=n)

    if champion is None:
        naive, found = model.card["evaluation"]["metrics"][primary]["naive"], value(primary)
        detail = f"{_shown(found)} against {naive:.4f}; there is no champion yet"
        checks = [GateCheck(f"{primary} beats popularity", found.low > naive, detail)]
    else:
        gain = beats(held, model.estimator, champions.load(champion).estimator, metric=metric.compute, n=n)
        detail = f"gain over version {champion.number}: {_shown(gain)} on {len(rows):,} questions"
        checks = [GateCheck(f"{primary} beats the champion", gain.low > 0, detail + _seen(champion, held.asked))]
    checks += [_kept(name, limits, value(name).value) for name, limits in config["gate"].items()]
    name = "the model answers, one request at a time like a batch"
    try:
        ask = model.task.request(model.estimator.signature)
        example = ask.model_validate_json(json.dumps({**model.card["example"], "at": "2030-01-01T00:00:00+00:00"}))
        one, two = (model.task.respond(model.estimator, [example] * k, explain=True)[-1] for k in (1, 2))
        checks.append(GateCheck(name, one == two, "they agree" if one == two else "they differ"))
    except (ChehangError, ValueError) as e:
        checks.append(GateCheck(name, False, str(e).replace("\n", "; ")))
    return tuple(checks)


def _of_series(model: Model, candidate: Version, champion: Version | None) -> tuple[GateCheck, ...]:
    """The conditions of a task that forecasts, on the origins held out with the candidate."""
    primary, config = model.task.primary_metric, model.card["config"]
    problem = model.task.problem
    assert isinstance(problem, PanelProblem)
    metric = problem.metrics[primary]
    with champions.attachments(candidate) as folder:
        panel, origins, rows = read_holdout(Path(folder))
    y, groups = rows["label"].to_numpy(), rows["series"].to_numpy()
    if champion is None:
        naive, n = model.card["evaluation"]["metrics"][primary]["naive"], int(config["bootstraps"])
        found = bootstrap(metric.compute, y, metric.of(rows), groups=groups, n=n, seed=0)
        detail = f"{_shown(found)} against {naive:.4f}; there is no champion yet"
        checks = [GateCheck(f"{primary} beats the naive answer", found.high < naive, detail)]
    else:
        checks = [_over_champion(metric, primary, rows, champion, panel=panel, origins=origins, config=config)]
    checks += [
        _kept(name, limits, float(problem.metrics[name].compute(y, problem.metrics[name].of(rows))))
        for name, limits in config["gate"].items()
    ]
    name = "the model answers, anew like ahead"
    try:
        ask = model.task.request(model.estimator.signature)
        example = ask.model_validate_json(json.dumps(model.card["example"]))
        ahead, anew = (model.task.respond(model.estimator, [example], explain=e)[0] for e in (False, True))
        same = all(
            np.allclose([a.mean, *a.quantiles], [b.mean, *b.quantiles], rtol=1e-4, atol=1e-4)
            for a, b in zip(ahead.periods, anew.periods, strict=True)
        )
        checks.append(GateCheck(name, same, "they agree" if same else "they differ"))
    except (ChehangError, ValueError) as e:
        checks.append(GateCheck(name, False, str(e).replace("\n", "; ")))
    return tuple(checks)


def _over_champion(
    metric: RowMetric, name: str, rows: pl.DataFrame, champion: Version, *, panel: Panel, origins: range, config: Any
) -> GateCheck:
    """What a candidate gains over the champion from the same origins; the champion may have learnt from them."""
    other = champions.load(champion).estimator
    title = f"{name} beats the champion"
    own = (other.panel.keys, other.panel.frequency, other.params.horizon)
    asked = (panel.keys, panel.frequency, int(config["params"]["horizon"]))
    if own != asked:
        return GateCheck(title, False, f"version {champion.number} forecasts {own}, not {asked}: promote with --force")
    try:
        theirs = holdout_forecasts(OriginForecasts(panel, other.forecaster), origins)
    except DataError as e:
        return GateCheck(title, False, f"version {champion.number} cannot forecast these series: {e}")
    gain = compare(
        metric, rows["label"].to_numpy(), metric.of(rows), metric.of(theirs), groups=rows["series"].to_numpy(),
        n=int(config["bootstraps"]),
    )  # fmt: skip
    last = int(champion.tags.get("last_training_instant") or 0)
    begin = start_of([panel.first + origins[0]], panel.frequency, timezone=other.params.timezone)[0]
    seen = " (the champion has learnt from some of them, which flatters it)" if last >= begin else ""
    return GateCheck(
        title, gain.low > 0, f"gain over version {champion.number}: {_shown(gain)} on {len(rows):,} outcomes{seen}"
    )


def _shown(found: Interval) -> str:
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


def _seen(champion: Version, rows: pl.DataFrame) -> str:
    """Say when the champion was trained on some of the rows it is now tested on: that flatters it."""
    last = champion.tags.get("last_training_instant")
    if not last or "as_of" not in rows.columns:
        return ""
    share = float((rows["as_of"].to_numpy() <= int(last)).mean())
    return f" (the champion has learnt from {share:.0%} of them, which flatters it)" if share else ""


def _guard(
    metrics: Mapping[str, RowMetric],
    name: str,
    limits: dict[str, float | None],
    y: NDArray[np.float64],
    answers: pl.DataFrame,
) -> GateCheck:
    if name not in metrics:
        return GateCheck(f"guard {name}", False, f"no such metric; gate may name {', '.join(metrics)}")
    metric = metrics[name]
    return _kept(name, limits, float(metric.compute(y, metric.of(answers))))


def _kept(name: str, limits: dict[str, float | None], value: float) -> GateCheck:
    low, high = limits.get("at_least"), limits.get("at_most")
    passed = (low is None or value >= low) and (high is None or value <= high)
    asked = ", ".join(
        t for t in (f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else "") if t
    )
    return GateCheck(f"guard {name}", passed, f"{value:.4f}, must be {asked}")


def _answers(model: Model, rows: pl.DataFrame, answers: pl.DataFrame) -> GateCheck:
    name = "the model answers, one row at a time like a batch"
    try:
        ask = model.task.request(model.estimator.signature)
        model.task.respond(model.estimator, [ask.model_validate_json(json.dumps(model.card["example"]))], explain=True)
        single = pl.concat([model.estimator.predict(rows[i]) for i in range(min(BATCH_ROWS, rows.height))])
    except (ChehangError, ValueError) as e:
        return GateCheck(name, False, str(e).replace("\n", "; "))
    same = single.equals(answers[: len(single)])
    return GateCheck(name, same, f"{len(single)} rows {'agree' if same else 'differ'}")


def promote(
    task: str, number: int | None = None, *, who: str, force: bool = False, reason: str | None = None
) -> tuple[Move, GateResult]:
    """Judge a version, store the result with it, and move the champion alias to it if the result allows that.

    Parameters
    ----------
    task : str
        Name of the task.
    number : int, optional
        Version; the latest if not given.
    who : str
        The person who moves it.
    force, reason : bool, str
        Promote in spite of the gate; the reason is recorded.

    Raises
    ------
    NotPromoted, ModelNotFound, ConfigError
        As for `ml.champions.promote`.
    """
    version, champion = champions.candidate(task, number, force=force, reason=reason)
    result = judge(version, champion)
    return champions.promote(task, version.number, who=who, force=force, reason=reason), result
