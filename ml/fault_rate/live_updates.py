"""What changes while a model serves: the last weekly run, the states of its alarms, and the house's rules."""

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
    """Watch the rules of a folder, and the two files that they name; see `ml.task.Task`."""

    def __init__(self, configs: Path) -> None:
        self.path = configs / RULES
        self._seen: dict[int, dict[str, Any]] = {}

    def __call__(self, estimator: FaultEstimator) -> bool:
        """Bring what changed into the estimator.

        Raises
        ------
        ChehangError
            Something cannot be read; the rest was brought up to date.
        """
        seen = self._seen.setdefault(id(estimator), {})
        if len(self._seen) > 2:
            self._seen = {id(estimator): seen}
        changed = False
        state = file_state(self.path)
        if seen.get("rules") != state:
            estimator.rules = load_alarm_rules(self.path) if state else AlarmRules()
            seen["rules"], changed = state, True
        if not state:
            return changed
        run = file_state(estimator.rules.snapshot)
        if run and seen.get("run") != run:
            found = Snapshot.from_file(estimator.rules.snapshot.read_bytes(), estimator.rules.snapshot.name)
            later = found.until_day >= estimator.trained.until_day
            estimator.snapshot = found if later else estimator.trained
            seen["run"], changed = run, True
        return self._states(estimator, seen) or changed

    def _states(self, estimator: FaultEstimator, seen: dict[str, Any]) -> bool:
        store = AlarmStore(estimator.rules.store)
        version = store.version()
        if seen.get("store") == (estimator.rules.store, version):
            return False
        rows = store.alarms().select("model", "component", "id", "state").sort("id").iter_rows()
        estimator.states = {(model, component): (number, state) for model, component, number, state in rows}
        seen["store"] = (estimator.rules.store, version)
        return True
