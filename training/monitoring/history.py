"""Runs of the monitor that are kept in the home folder, so that alarms have a first report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import ConfigError
from ml.home import home, locked, write_atomically

FILE = "runs.json"


def run_folder(task: str) -> Path:
    """Return the folder of a model's monitoring: `monitoring/<task>` in the home folder.

    >>> run_folder("credit_risk").name
    'credit_risk'
    """
    return home() / "monitoring" / task


def read_runs(task: str) -> list[dict[str, Any]]:
    """Return the runs of a model in the order of their months: `at`, `version`, `month`, `status`, `alarms` (names).

    Raises
    ------
    ConfigError
        The file was changed by hand and is no longer JSON.
    """
    path = run_folder(task) / FILE
    if not path.is_file():
        return []
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        return [dict(run) for run in runs]
    except (ValueError, TypeError) as e:
        raise ConfigError(f"{path}: is damaged ({e}); delete it to start the history again") from None


def record_run(task: str, *, version: int, month: str, status: str, alarms: dict[str, str]) -> dict[str, str]:
    """Add a run to the history, in place of an earlier one of the same version and month.

    Parameters
    ----------
    task : str
        Name of the model.
    version : int
        Version that is watched.
    month : str
        Month that was judged, such as '2026-01'.
    status : str
        'quiet', 'drift' or 'performance'.
    alarms : dict of str to str
        First month of each alarm (`MonitoredSeries.since`), by series.

    Returns
    -------
    dict of str to str
        Time of the first run that reported each alarm, by series: an earlier run counts while its month is not before
        the first month of the alarm.

    Raises
    ------
    ConfigError
        The folder cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with locked(f"monitoring-{task}"):
        runs = read_runs(task)
        first: dict[str, str] = {}
        for name, since in alarms.items():
            earlier = [
                run["alarms"].get(name, run["at"])
                for run in runs
                if run["version"] == version and name in run["alarms"] and since <= run["month"] <= month
            ]
            first[name] = min([*earlier, now])
        runs = [run for run in runs if (run["version"], run["month"]) != (version, month)]
        runs.append({"at": now, "version": version, "month": month, "status": status, "alarms": first})
        runs.sort(key=lambda run: (run["month"], run["version"]))
        content = json.dumps(runs, ensure_ascii=False, indent=1)
        write_atomically(run_folder(task) / FILE, content.encode())
    return first
