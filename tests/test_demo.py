"""The demo's overlays: shorter trainings of the shipped configurations, and nothing else of them changed."""

from __future__ import annotations

import pytest

from demo import FASTER_CONFIGS, TASKS
from tests.conftest import ROOT
from training.config import TaskConfig, load_config


def _configs(task: str) -> tuple[TaskConfig, TaskConfig]:
    shipped = ROOT / "configs" / f"{task}.yaml"
    return load_config(task, shipped), load_config(task, shipped, overlays=[ROOT / FASTER_CONFIGS / f"{task}.yaml"])


OVERLAYS = sorted(path.stem for path in (ROOT / FASTER_CONFIGS).glob("*.yaml"))


def test_every_overlay_is_of_a_task_of_the_demo() -> None:
    assert OVERLAYS and set(OVERLAYS) <= set(TASKS)


@pytest.mark.parametrize("task", OVERLAYS)
def test_an_overlay_changes_the_size_of_a_training_and_keeps_its_gate(task: str) -> None:
    shipped, quicker = _configs(task)
    assert quicker.params != shipped.params
    assert quicker.model_copy(update={"params": shipped.params}) == shipped
