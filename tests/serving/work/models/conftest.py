"""A model store with three versions, one of them champion, and requests of a data scientist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml.bilingual import Text
from ml.champions import promote, report_folder, version
from ml.report.columns import axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Metric, Metrics
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.feedback.store import FeedbackStore
from serving.work.entries import WorkEntries
from serving.work.models import registered
from serving.work.routing import WorkRequest
from tests.ml.champions.registry import TASK, make_store, store_gate_result

NOW = 1_751_251_800_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home in which version 1 was promoted, then version 2; version 3 may follow."""
    return prepare_home(tmp_path / "home", monkeypatch)


def prepare_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the home, and let this process use it until the end of the test."""
    home.mkdir()
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("ml.champions.moves.load", lambda version: None)
    make_store(home)
    for number, champion in ((1, None), (2, 1), (3, 2)):
        store_gate_result(number, champion)
    for number in (1, 2):
        promote(TASK, number, who="li.wei", reason=f"version {number} is better")
    for number in (1, 2, 3):
        _write_report(number)
    registered._report.cache_clear()
    registered._card.cache_clear()
    return home


def _write_report(number: int) -> None:
    folder = report_folder(version(TASK, number))
    assert folder is not None
    metric = Metric(name="roc_auc", value=0.7 + number / 100, low=0.68, high=0.78, baseline=0.5)
    columns = (column("value", "门店", "store"), column("rate", "成交率", "rate", "share"))
    stores = Bars(
        name="by_store_id",
        title=Text(zh="按门店", en="By store"),
        columns=columns,
        y=axis("成交率", "rate", "share"),
        drawn=("rate",),
        rows=({"value": "S1", "rate": 0.1}, {"value": "S2", "rate": 0.2}),
    )
    metrics = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    report = Report(task=TASK, protocol="in time order", sections=(metrics, stores))
    (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")


def write_monitoring(home: Path, *, number: int, status: str = "drift", month: str = "2025-06") -> None:
    """Write a run of the monitor with a drifted feature, an untested one, and the calibration of two stores."""
    series = [
        _series("feature.income", alarm=status == "drift"),
        _series("feature.age", group="drift", tested=False),
        *(_series(f"calibration.store_id={s}", group="performance") for s in ("S1", "S2")),
        _series("calibration", group="performance", alarm=status == "performance"),
    ]
    alarms = [
        {
            **{name: s[name] for name in ("name", "group", "since", "detail")},
            "title": s["axis"]["title"],
            "first_reported": "2025-07-03T09:00:00+00:00",
        }
        for s in series
        if s["is_alarm"]
    ]
    content = {
        "task": TASK,
        "version": number,
        "status": status,
        "exit_code": 3,
        "period": {
            "month": month,
            "reference_first": "2024-01",
            "reference_last": "2024-12",
            "reference_rows": 900,
            "rows": 70,
            "as_of": "2025-07-03T09:00:00+00:00",
        },
        "levels": {"drift": 0.01},
        "false_alarms_a_month": 0.1,
        "series_tested": 4,
        "alarms": alarms,
        "source_alarm": None,
        "advice": [{"zh": "先检查数据源。", "en": "Check the source first."}],
        "not_computed": [],
        "notes": [],
        "series": series,
    }
    folder = home / "monitoring" / TASK / month
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "monitor.json").write_text(json.dumps(content), encoding="utf-8")
    run = {
        "at": "2025-07-03T09:00:00+00:00",
        "version": number,
        "month": month,
        "status": status,
        "alarms": {alarm["name"]: "2025-07-03T09:00:00+00:00" for alarm in alarms},
    }
    path = folder.parent / "runs.json"
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(json.dumps([*runs, run]), encoding="utf-8")


def _series(name: str, *, group: str = "drift", alarm: bool = False, tested: bool = True) -> dict[str, Any]:
    months = [
        {"month": month, "rows": 70, "value": value, "p_value": 0.001 if tested else None, "effect": 0.4, "is_alarm": a}
        for month, value, a in (("2025-05", 0.31, False), ("2025-06", 0.42, alarm))
    ]
    return {
        "name": name,
        "group": group,
        "axis": {"title": {"zh": "收入", "en": f"title of {name}"}, "unit": None, "format": "number"},
        "before": 0.3,
        "months": months,
        "floor": 0.1,
        "low": 0.25,
        "high": 0.35,
        "detail": {"zh": "均值 0.30 → 0.42", "en": "mean 0.30 → 0.42"},
        "psi": 0.2,
        "psi_expected": 0.02,
        "reason": None if tested else {"zh": "行数太少", "en": "too few rows"},
        "is_tested": tested,
        "is_alarm": alarm,
        "since": "2025-06" if alarm else None,
    }


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., WorkRequest]:
    """Return a function that makes a request: ``request_of(path={...}, body=...)``."""
    entries = WorkEntries(FeedbackStore(f"sqlite:///{tmp_path}/feedback.db"), None)
    context: Any = SimpleNamespace(entries=entries, clock=SimpleNamespace(now=lambda: NOW))

    def make(stores: frozenset[str] | None = None, **fields: Any) -> WorkRequest:
        caller = Caller("k_1", "Lin Yue", "data_scientist", ROLES["data_scientist"], stores)
        return WorkRequest(context, caller=caller, **fields)

    return make
