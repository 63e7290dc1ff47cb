"""Results of `chehang monitor` in the home folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml.home import file_state, home
from serving.work.models.answers import DriftAnswer, MonitoringAnswer, MonthAnswer, RunAnswer, SeriesAnswer

STORE_SEGMENT = "store_id="  # series of one store, which persons of other stores do not see
Run = Mapping[str, Any]


def monitoring_runs(name: str) -> list[Run]:
    """Return the runs of a model, the last first: `at`, `version`, `month`, `status`, `alarms`; empty without any.

    Parameters
    ----------
    name : str
        Name of the model, which exists.
    """
    runs = _content(_folder(name) / "runs.json")
    rows = [run for run in runs if {"at", "version", "month", "status", "alarms"} <= set(run)] if runs else []
    return sorted(rows, key=lambda run: (run["month"], run["at"]), reverse=True)


def monitoring_result(name: str, month: str) -> Mapping[str, Any] | None:
    """Return the content of `monitor.json` of a month such as '2026-01'; None if it is missing or damaged.

    Parameters
    ----------
    name : str
        Name of the model, which exists.
    month : str
        Month that was judged.
    """
    result: Mapping[str, Any] | None = _content(_folder(name) / month / "monitor.json")
    return result


def last_result(name: str, version: int) -> tuple[Run, Mapping[str, Any]] | None:
    """Return the last run of a version and its result; None if the version has not been monitored.

    Parameters
    ----------
    name : str
        Name of the model, which exists.
    version : int
        Number of the version.
    """
    for run in monitoring_runs(name):
        if run["version"] == version:
            result = monitoring_result(name, run["month"])
            if result is not None and result["version"] == version:
                return run, result
    return None


def drift_answer(run: Run, result: Mapping[str, Any]) -> DriftAnswer:
    """Return a result in a few figures.

    Parameters
    ----------
    run : mapping
        Of `monitoring_runs`.
    result : mapping
        Of `monitoring_result`.
    """
    alarms = result["alarms"]
    first = alarms[0] if alarms else {}
    calibration = next((s for s in result["series"] if s["name"] == "calibration" and s["months"]), None)
    return DriftAnswer(
        month=result["period"]["month"],
        at=run["at"],
        alarms=len(alarms),
        tested=result["series_tested"],
        since=min((a["since"] for a in alarms if a["since"]), default=None),
        first_alarm=first.get("title"),
        first_detail=first.get("detail"),
        calibration=None if calibration is None else calibration["months"][-1]["value"],
        calibration_low=None if calibration is None else calibration["low"],
        calibration_high=None if calibration is None else calibration["high"],
        advice=result["advice"],
    )


def monitoring_answer(
    name: str, title: Any, result: Mapping[str, Any], stores: frozenset[str] | None
) -> MonitoringAnswer:
    """Return a result with all series that a person may see.

    Parameters
    ----------
    name : str
        Name of the model.
    title : Text
        Title of the model.
    result : mapping
        Of `monitoring_result`.
    stores : frozenset of str or None
        Stores of the person; None for all.
    """
    period = result["period"]
    first = {alarm["name"]: alarm.get("first_reported") for alarm in result["alarms"]}
    series = [_series(s, first.get(s["name"])) for s in result["series"] if _is_visible(s["name"], stores)]
    return MonitoringAnswer(
        name=name,
        title=title,
        version=result["version"],
        month=period["month"],
        status=result["status"],
        reference_first=period["reference_first"],
        reference_last=period["reference_last"],
        reference_rows=period["reference_rows"],
        rows=period["rows"],
        false_alarms_a_month=result["false_alarms_a_month"],
        tested=result["series_tested"],
        advice=result["advice"],
        source_alarm=result["source_alarm"],
        not_computed=result["not_computed"],
        notes=result["notes"],
        series=_ordered(series),
        runs=[run_answer(run) for run in monitoring_runs(name)],
    )


def run_answer(run: Run) -> RunAnswer:
    """Return a run in the form of the interface.

    >>> run = {"month": "2026-01", "version": 3, "status": "drift", "alarms": {"score": ""}, "at": "2026-02-03"}
    >>> run_answer(run).alarms
    1
    """
    names = ("month", "version", "status", "at")
    return RunAnswer(alarms=len(run["alarms"]), **{name: run[name] for name in names})


def _series(content: Mapping[str, Any], first_reported: str | None) -> SeriesAnswer:
    months = [MonthAnswer(**{n: m[n] for n in ("month", "rows", "value", "is_alarm")}) for m in content["months"]]
    last = content["months"][-1] if content["months"] else None
    is_tested = last is not None and last["p_value"] is not None
    axis = content["axis"]
    names = (
        "name", "group", "before", "low", "high", "detail", "reason", "psi", "psi_expected", "is_alarm", "since",
    )  # fmt: skip
    return SeriesAnswer(
        title=axis["title"],
        unit=axis["unit"],
        format=axis["format"],
        after=None if last is None else last["value"],
        effect=last["effect"] if last is not None and is_tested else None,
        p_value=last["p_value"] if last is not None else None,
        first_reported=first_reported,
        months=months,
        **{name: content[name] for name in names},
    )


def _ordered(series: Sequence[SeriesAnswer]) -> list[SeriesAnswer]:
    """Return alarms first, those of outcomes before those of inputs, the largest effect first."""
    return sorted(series, key=lambda s: (not s.is_alarm, s.group == "drift", -abs(s.effect or 0.0)))


def _is_visible(name: str, stores: frozenset[str] | None) -> bool:
    _, marker, store = name.partition(STORE_SEGMENT)
    return stores is None or not marker or store in stores


def _folder(name: str) -> Path:
    return home() / "monitoring" / name


def _content(path: Path) -> Any:
    return _parsed(path, file_state(path))


@lru_cache(maxsize=64)
def _parsed(path: Path, state: tuple[int, int, int] | None) -> Any:
    if state is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
