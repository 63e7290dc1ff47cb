"""Titles, units and directions of metrics: complete for every task, in both languages."""

from __future__ import annotations

import pytest

from ml.registry import TASKS
from ml.report.metric_titles import direction_text, gain_text, metric_axis, metric_text


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_of_a_task_has_a_title_and_the_direction_of_the_task(task: str) -> None:
    words = {"higher": "higher is better", "lower": "lower is better", "zero": "closer to 0 is better"}
    for name, better in TASKS[task].directions.items():
        axis = metric_axis(name)
        assert "_" not in axis.title.en + axis.title.zh and axis.title.en != axis.title.zh, name
        direction = direction_text(name)
        assert direction is not None and direction.en == words[better], name


def test_a_bias_is_read_with_its_sign() -> None:
    texts = [direction_text("bias", value) for value in (0.04, -0.04, 0.0001)]
    assert [t.en for t in texts if t] == [
        "predictions 4.0% too high", "predictions 4.0% too low", "predictions neither too high nor too low",
    ]  # fmt: skip
    assert [t.zh for t in texts if t] == ["预测偏高 4.0%", "预测偏低 4.0%", "预测不偏高也不偏低"]


def test_values_and_gains_have_units() -> None:
    assert metric_text("mean_absolute_error", 4325.0, "zh") == "4,325 元" and metric_text("roc_auc", None) == ""
    assert gain_text("mean_absolute_error", 1200.0, 1000.0, 1500.0) == (
        "+1,200 yuan (95% interval +1,000 – +1,500 yuan)"
    )
    assert gain_text("recall_at_10", 0.02) == "+2.00 percentage points"
    assert metric_axis("my_own_loss").title.zh == "my own loss" and direction_text("my_own_loss") is None
