"""Results are kept for one version; questions go in parts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.inventory.champion import MAX_RESULTS, VersionResults, demand_estimator, rules_state


def test_the_oldest_results_are_forgotten() -> None:
    """At most so many are kept."""
    results, computed = VersionResults(), []
    for name in [*map(str, range(MAX_RESULTS + 1)), str(MAX_RESULTS), "0"]:
        results.get(name, 1, lambda name=name: computed.append(name))  # type: ignore[misc]
    assert computed == [*map(str, range(MAX_RESULTS + 1)), "0"]


def test_without_a_champion_the_reason_is_passed_on(tmp_path: Path) -> None:
    """And without a file of rules the defaults hold."""
    store = SimpleNamespace(current=lambda task: None, missing_champion=lambda task: f"train {task}")
    context: Any = SimpleNamespace(store=store, configs=tmp_path)
    with pytest.raises(Problem, match="no_champion"):
        demand_estimator(context)
    assert rules_state(context) is None
