"""Refresh a serving estimator from the last weekly run, the stored alarm states and the rules in the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.rules import AlarmRules, load_alarm_rules
from ml.fault_rate.safety_store import SafetyStore
from ml.fault_rate.snapshot import Snapshot
from ml.home import file_state, model_file
from ml.live_state import LiveStates

RULES = "fault_alarms.yaml"


class LiveUpdates:
    """Refresh of a `FaultEstimator` from `fault_alarms.yaml` and the two files that it names.

    The service creates it as `Task.refresh` and calls it; not for direct use.

    Parameters
    ----------
    configs : Path
        Folder of `fault_alarms.yaml`.
    data_set : str
        Of a named model, whose own `fault_alarms.north.yaml` is read if it exists.
    rules : Path, optional
        File to read in place of that of the folder.
    sources : Path, optional
        Not read.
    """

    def __init__(
        self, configs: Path, *, data_set: str = "", rules: Path | None = None, sources: Path | None = None
    ) -> None:
        self.configs, self.data_set, self.rules = configs, data_set, rules
        self._loaded = LiveStates()

    def __call__(self, estimator: FaultEstimator) -> bool:
        """Load the files that changed since the last call into the estimator; return whether any did.

        Raises
        ------
        ChehangError
            A file cannot be read; the files before it were loaded.
        """
        loaded = self._loaded.of(estimator)
        changed = False
        path = self.rules or model_file(self.configs, RULES, self.data_set)
        state = file_state(path)
        if loaded.get("rules") != (path, state):
            estimator.rules = load_alarm_rules(path, data_set=self.data_set) if state else AlarmRules()
            loaded["rules"], changed = (path, state), True
        if not state:
            return changed
        run = file_state(estimator.rules.snapshot)
        if run and loaded.get("run") != run:
            snapshot = Snapshot.from_file(estimator.rules.snapshot.read_bytes(), estimator.rules.snapshot.name)
            later = snapshot.until_day >= estimator.trained.until_day
            estimator.snapshot = snapshot if later else estimator.trained
            loaded["run"], changed = run, True
        return self._states(estimator, loaded) or changed

    def _states(self, estimator: FaultEstimator, loaded: dict[str, Any]) -> bool:
        store = AlarmStore(estimator.rules.store)
        version = store.version()
        if loaded.get("store") == (estimator.rules.store, version):
            return False
        rows = store.alarms().select("model", "component", "id", "state").sort("id").iter_rows()
        estimator.states = {(model, component): (number, state) for model, component, number, state in rows}
        estimator.safety_reports = SafetyStore(estimator.rules.store).reports()
        loaded["store"] = (estimator.rules.store, version)
        return True


def data_times(estimator: FaultEstimator) -> dict[str, float]:
    """Return the Unix times of the data that a served estimator answers with.

    `faults` is the end of the reports in the snapshot of the last weekly run; `alarms` is the last change of the stored
    alarm states, absent where there is no file.
    """
    times = {"faults": 86_400 * estimator.snapshot.until_day}
    if estimator.rules.store.exists():
        times["alarms"] = estimator.rules.store.stat().st_mtime
    return times
