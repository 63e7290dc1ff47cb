"""What the endpoints say about models, versions and monitoring runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.report.sections import Metric
from serving.asgi import Problem
from serving.work.models.answers import MonitoringChoice
from serving.work.models.monitoring import last_result, monitoring_runs
from serving.work.models.reading import list_models, metric_answer, read_model, read_monitoring, read_version
from serving.work.models.registered import MODELS, report_of
from tests.ml.champions.registry import TASK, store_gate_result
from tests.serving.work.models.conftest import write_monitoring

PATH = {"name": TASK}
Requests = Callable[..., Any]


def test_a_list_has_every_task_and_those_without_champion_first(home: Path, request_of: Requests) -> None:
    """Tasks that were never trained are named with the command that trains them."""
    answer = list_models(request_of())
    assert [item.state for item in answer.items] == ["no_champion"] * 5 + ["not_monitored"]
    assert answer.items[0].commands["train"] == f"chehang train {answer.items[0].name}"
    assert [(m.name, m.version, m.previous, m.who) for m in answer.moves] == [
        (TASK, 2, 1, "li.wei"),
        (TASK, 1, None, "li.wei"),
    ]


def test_a_model_has_its_champion_challenger_and_the_version_to_return_to(home: Path, request_of: Requests) -> None:
    """The gate of version 3 compared it with the present champion, that of version 1 with none."""
    answer = read_model(request_of(path=PATH))
    assert answer.champion is not None and answer.champion.version == 2
    assert answer.champion.metric is not None and answer.champion.metric.value == 0.72
    assert answer.challenger is not None and (answer.challenger.version, answer.earlier) == (3, 1)
    assert [(v.version, v.gate) for v in answer.versions] == [(3, "passed"), (2, "champion"), (1, "outdated")]
    assert answer.promotion is not None and answer.promotion.reason == "version 2 is better"


def test_a_write_of_another_process_shows_at_once(home: Path, request_of: Requests) -> None:
    """The gate is evaluated again: nothing that was read before is shown."""
    assert read_model(request_of(path=PATH)).versions[0].gate == "passed"
    store_gate_result(3, 2, passed=False)
    row = read_model(request_of(path=PATH)).versions[0]
    assert (row.gate, row.checks[0].passed, row.checks[0].detail) == ("failed", False, "gain: +0.1 [0.05, 0.15]")


def test_drift_of_the_champion_is_named_with_its_month(home: Path, request_of: Requests) -> None:
    """A run of another version says nothing about the champion."""
    write_monitoring(home, number=1, month="2025-05")
    assert read_model(request_of(path=PATH)).state == "not_monitored"
    write_monitoring(home, number=2)
    answer = read_model(request_of(path=PATH))
    assert answer.state == "drifted" and answer.drift is not None
    assert (answer.drift.month, answer.drift.alarms, answer.drift.since) == ("2025-06", 1, "2025-06")
    assert (answer.drift.calibration, answer.drift.calibration_low) == (0.42, 0.25)
    write_monitoring(home, number=2, status="performance", month="2025-07")
    assert read_model(request_of(path=PATH)).state == "worse"


def test_series_of_a_run_have_alarms_first_and_only_the_stores_of_the_person(home: Path, request_of: Requests) -> None:
    """A person of one store does not see the calibration of another."""
    write_monitoring(home, number=2)
    answer = read_monitoring(request_of(path=PATH, parameters=MonitoringChoice()))
    assert answer.series[0].name == "feature.income" and len(answer.series) == 5
    assert answer.series[0].first_reported == "2025-07-03T09:00:00+00:00"
    of_one = read_monitoring(request_of(frozenset({"S2"}), path=PATH, parameters=MonitoringChoice(month="2025-06")))
    assert [s.name for s in of_one.series if "store_id" in s.name] == ["calibration.store_id=S2"]
    assert [(run.month, run.version, run.alarms) for run in answer.runs] == [("2025-06", 2, 1)]


def test_a_model_without_runs_says_what_to_run(home: Path, request_of: Requests) -> None:
    """The message has the command."""
    for month in (None, "2020-01"):
        with pytest.raises(Problem) as error:
            read_monitoring(request_of(path=PATH, parameters=MonitoringChoice(month=month)))
        assert error.value.status == 404 and f"chehang monitor {TASK}" in error.value.message


def test_damaged_files_count_as_no_run(home: Path) -> None:
    """Half a file is no answer, and no error either."""
    write_monitoring(home, number=2)
    (home / "monitoring" / TASK / "2025-06" / "monitor.json").write_text("{", encoding="utf-8")
    assert last_result(TASK, 2) is None
    (home / "monitoring" / TASK / "runs.json").write_text("[", encoding="utf-8")
    assert monitoring_runs(TASK) == []


def test_a_version_has_its_report_without_rows_of_other_stores(home: Path, request_of: Requests) -> None:
    """The card is empty, because these versions have no model files."""
    answer = read_version(request_of(frozenset({"S1"}), path={**PATH, "version": "2"}))
    assert answer.is_champion and answer.row.version == 2
    assert answer.report["sections"][1]["rows"] == [{"value": "S1", "rate": 0.1}]
    assert answer.card.protocol == "in time order" and answer.card.features == []


@pytest.mark.parametrize("version", ["4", "0", "x", "²"])
def test_an_unknown_version_is_refused_with_the_versions_that_exist(
    version: str, home: Path, request_of: Requests
) -> None:
    """Whatever stands in the path."""
    with pytest.raises(Problem) as error:
        read_version(request_of(path={**PATH, "version": version}))
    assert error.value.status == 404 and "1, 2, 3" in error.value.message


def test_an_unknown_model_is_refused(home: Path) -> None:
    """No folder outside the models is read."""
    with pytest.raises(Problem) as error:
        MODELS.model("../../etc")
    assert error.value.code == "no_model"


def test_a_report_that_cannot_be_read_is_none_and_is_tried_again(home: Path) -> None:
    """A disk that was not mounted does not hide the report for ever."""
    version = MODELS.model(TASK).version(3)
    path = next((home / "artifacts").rglob(f"{version.run_id}/artifacts/report/report.json"))
    content = path.read_text(encoding="utf-8")
    path.write_text("3", encoding="utf-8")
    assert report_of(version) is None
    path.write_text(content, encoding="utf-8")
    assert report_of(version) is not None


def test_a_metric_of_another_project_has_its_name_as_title() -> None:
    """Its direction is unknown."""
    answer = metric_answer(Metric(name="my_loss", value=1.0))
    assert (answer.title.en, answer.direction) == ("my loss", None)
