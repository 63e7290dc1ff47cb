"""Endpoints that read models, versions and monitoring runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ml import champions
from ml.bilingual import Text
from ml.report.metric_titles import direction_text, metric_axis, task_title
from ml.report.report import Report
from ml.report.sections import Importance, Metric, Rows, Section
from serving.asgi import Problem
from serving.work.clock import DAY
from serving.work.models.answers import (
    CardAnswer,
    CheckAnswer,
    FeatureAnswer,
    GateState,
    MetricAnswer,
    ModelDetail,
    ModelList,
    ModelState,
    ModelSummary,
    MonitoringAnswer,
    MoveAnswer,
    TableAnswer,
    VersionAnswer,
    VersionRow,
)
from serving.work.models.monitoring import drift_answer, last_result, monitoring_answer, monitoring_result
from serving.work.models.registered import MODELS, RegisteredModel, card_of, report_of
from serving.work.routing import WorkRequest

STATES: dict[str, ModelState] = {"performance": "worse", "drift": "drifted", "quiet": "quiet"}
ORDER: tuple[ModelState, ...] = ("no_champion", "worse", "drifted", "not_monitored", "not_tested", "quiet")
MAX_MOVES = 50
LAST_INSTANT = "last_training_instant"
STORE_COLUMN = "store_id"


def list_models(request: WorkRequest) -> ModelList:
    """Answer `GET /v1/models`: every model, those first about which something must be done."""
    models = [MODELS.model(name) for name in MODELS.names()]
    items = sorted((_summary(model, request) for model in models), key=_urgency)
    moves = sorted((move_answer(m.name, move) for m in models for move in m.moves), key=lambda move: move.at)
    return ModelList(items=items, moves=moves[: -MAX_MOVES - 1 : -1])


def read_model(request: WorkRequest) -> ModelDetail:
    """Answer `GET /v1/models/{name}`: a model with its versions and moves."""
    model = MODELS.model(request.path["name"])
    summary = _summary(model, request)
    return ModelDetail(
        **{name: getattr(summary, name) for name in ModelSummary.model_fields},
        versions=[version_row(model, v) for v in reversed(model.versions)],
        moves=[move_answer(model.name, move) for move in reversed(model.moves)],
        last_sequence=request.context.entries.last_sequence(model.name),
    )


def read_version(request: WorkRequest) -> VersionAnswer:
    """Answer `GET /v1/models/{name}/versions/{version}`: the report and the card of a version."""
    model = MODELS.model(request.path["name"])
    text = request.path["version"]
    version = model.version(int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0)
    report = report_of(version)
    if report is None:
        raise Problem(404, "no_report", f"the report of {model.name} version {version.number} cannot be read")
    report = _of_stores(report, request.stores)
    return VersionAnswer(
        name=model.name,
        title=task_title(model.name),
        is_champion=version.number == model.champion,
        row=version_row(model, version),
        metrics=[metric_answer(metric) for metric in report.metrics.values()],
        report=report.as_dict(),
        card=_card(card_of(version), report),
    )


def read_monitoring(request: WorkRequest) -> MonitoringAnswer:
    """Answer `GET /v1/models/{name}/monitoring`: a run, by default the last one of the champion."""
    model = MODELS.model(request.path["name"])
    month = request.parameters.month
    if month is not None:
        result = monitoring_result(model.name, month)
    else:
        last = None if model.champion is None else last_result(model.name, model.champion)
        result = None if last is None else last[1]
    if result is None:
        when = "" if month is None else f" for {month}"
        text = f"{model.name} has not been monitored{when}; run: {_commands(model.name)['monitor']}"
        raise Problem(404, "not_monitored", text)
    return monitoring_answer(model.name, task_title(model.name), result, request.stores)


def move_answer(name: str, move: champions.Move) -> MoveAnswer:
    """Return a move in the form of the interface.

    Parameters
    ----------
    name : str
        Name of the model.
    move : Move
        As returned by `ml.champions.history`.
    """
    return MoveAnswer(
        name=name,
        title=task_title(name),
        version=move.version,
        previous=move.previous,
        action="rollback" if move.action == "rollback" else "promote",
        who=move.who,
        at=move.when.astimezone(UTC).isoformat(timespec="seconds"),
        reason=move.why,
        forced=move.forced,
    )


def version_row(model: RegisteredModel, version: champions.Version) -> VersionRow:
    """Return a version in the form of the interface.

    Parameters
    ----------
    model : RegisteredModel
        The version's model.
    version : Version
        One of its versions.
    """
    gate = version.gate
    return VersionRow(
        version=version.number,
        registered_at=version.created.isoformat(timespec="seconds"),
        data_until=_instant(version.tags.get(LAST_INSTANT)),
        metric=_metric(version),
        gate=_gate_state(model, version),
        checks=[CheckAnswer(name=c.name, passed=c.passed, detail=c.detail) for c in (gate.checks if gate else ())],
        evaluated_at=None if gate is None else gate.evaluated_at.isoformat(timespec="seconds"),
    )


def _summary(model: RegisteredModel, request: WorkRequest) -> ModelSummary:
    champion, challenger = model.champion_version, model.challenger
    last = None if champion is None else last_result(model.name, champion.number)
    promotion = model.moves[-1] if model.moves and champion and model.moves[-1].version == champion.number else None
    instant = None if champion is None else champion.tags.get(LAST_INSTANT)
    state: ModelState = "no_champion" if champion is None else "not_monitored"
    if last is not None:
        state = STATES.get(last[1]["status"], "not_tested")
    return ModelSummary(
        name=model.name,
        title=task_title(model.name),
        state=state,
        champion=None if champion is None else version_row(model, champion),
        promotion=None if promotion is None else move_answer(model.name, promotion),
        data_until=_instant(instant),
        data_age_days=None if instant is None else max(0, (request.context.clock.now() - int(instant)) // DAY),
        challenger=None if challenger is None else version_row(model, challenger),
        earlier=model.earlier,
        drift=None if last is None else drift_answer(*last),
        commands=_commands(model.name),
    )


def _urgency(item: ModelSummary) -> tuple[int, int]:
    return ORDER.index(item.state), 0 if item.drift is None else -item.drift.alarms


def _commands(name: str) -> dict[str, str]:
    return {verb: f"chehang {verb} {name}" for verb in ("train", "monitor", "promote")}


def _gate_state(model: RegisteredModel, version: champions.Version) -> GateState:
    if version.number == model.champion:
        return "champion"
    if version.gate is None:
        return "not_evaluated"
    if version.gate.champion != model.champion:
        return "outdated"
    return "passed" if version.gate.passed else "failed"


def _metric(version: champions.Version) -> MetricAnswer | None:
    report = report_of(version)
    metric = None if report is None else next(iter(report.metrics.values()), None)
    return None if metric is None else metric_answer(metric)


def metric_answer(metric: Metric) -> MetricAnswer:
    """Return a metric of a report in the form of the interface.

    >>> metric_answer(Metric(name="brier", value=0.1)).direction.en
    'lower is better'
    """
    axis = metric_axis(metric.name)
    return MetricAnswer(
        title=axis.title,
        unit=axis.unit,
        format=axis.format,
        direction=direction_text(metric.name, metric.value),
        **{name: getattr(metric, name) for name in ("name", "value", "low", "high", "baseline")},
    )


def _instant(microseconds: str | None) -> str | None:
    if microseconds is None or not microseconds.lstrip("-").isdigit():
        return None
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC).isoformat(timespec="seconds")


def _of_stores(report: Report, stores: frozenset[str] | None) -> Report:
    """Return a report without the rows of stores that the person may not see."""
    if stores is None:
        return report
    sections: list[Section] = []
    for section in report.sections:
        if isinstance(section, Rows):
            by_store = section.name.endswith(STORE_COLUMN)
            names = [c.name for i, c in enumerate(section.columns) if c.name == STORE_COLUMN or (by_store and i == 0)]
            rows = tuple(row for row in section.rows if all(row[name] in stores for name in names))
            sections.append(section.model_copy(update={"rows": rows}))
        else:
            sections.append(section)
    return report.model_copy(update={"sections": tuple(sections)})


def _card(card: dict[str, Any], report: Report) -> CardAnswer:
    words = {n: t for s in report.sections if isinstance(s, Importance) for n, t in s.words.items()}
    names: Sequence[str] = card.get("features") or ()
    features = [FeatureAnswer(name=n, title=words.get(n) or Text(zh=n, en=n)) for n in names]
    tables = card.get("data", {}).get("tables", {})
    return CardAnswer(
        question=card.get("question"),
        trained_at=card.get("trained_at"),
        git_commit=card.get("git_commit"),
        protocol=report.protocol,
        features=features,
        protected=list(card.get("protected") or ()),
        limits=list(card.get("limits") or ()),
        tables=[
            TableAnswer(name=n, rows=t["rows"], quarantined=t["quarantined"], fingerprint=t["fingerprint"])
            for n, t in tables.items()
        ],
        environment=dict(card.get("environment") or {}),
        config=dict(card.get("config") or {}),
    )
