"""Refresh a serving estimator from the last weekly run, the stored alarm states and the rules in the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.rules import AlarmRules, load_alarm_rules
from ml.fault_rate.snapshot import Snapshot
from ml.home import file_state

RULES = "fault_alarms.yaml"


class LiveUpdates:
    """Refresh of a `FaultEstimator` from `fault_alarms.yaml` and the two files that it names.

    The service creates it as `Task.refresh` and calls it; not for direct use.

    Parameters
    ----------
    configs : Path
        Folder of `fault_alarms.yaml`.
    """

    def __init__(self, configs: Path) -> None:
        self.path = configs / RULES
        self._loaded: dict[int, dict[str, Any]] = {}

    def __call__(self, estimator: FaultEstimator) -> bool:
        """Load the files that changed since the last call into the estimator; return whether any did.

        Raises
        ------
        ChehangError
            A file cannot be read; the files before it were loaded.
        """
        loaded = self._loaded.setdefault(id(estimator), {})
        if len(self._loaded) > 2:
            self._loaded = {id(estimator): loaded}
        changed = False
        state = file_state(self.path)
        if loaded.get("rules") != state:
            estimator.rules = load_alarm_rules(self.path) if state else AlarmRules()
            loaded["rules"], changed = state, True
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
        loaded["store"] = (estimator.rules.store, version)
        return True
