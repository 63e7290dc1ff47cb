"""Residual values on 99,187 real used cars, by configuration alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import chehang
from tests.conftest import ROOT
from tests.reports import trained_report

CONFIG = ROOT / "configs" / "examples" / "used_cars_uk" / "residual_value.yaml"


@pytest.mark.realdata
def test_errors_and_interval_on_untouched_cars(tmp_path: Path, data_folder: Path) -> None:
    smaller = "params.quantile_trees={n_estimators: 250, learning_rate: 0.12, num_leaves: 63, num_threads: 1}"
    command = ("train", "residual_value", "-c", str(CONFIG), "--set", smaller, "--set", "bootstraps=30", "--json")
    done = chehang(*command, home=tmp_path, CHEHANG_DATA=str(data_folder))
    metrics = trained_report(json.loads(done.stdout)).metrics
    assert metrics["median_absolute_percentage_error"].value <= 0.055  # type: ignore[operator]
    error = metrics["mean_absolute_error"]
    assert error.value <= 0.6 * error.baseline  # type: ignore[operator]
    assert 0.78 <= metrics["interval_coverage"].value <= 0.82  # type: ignore[operator]
