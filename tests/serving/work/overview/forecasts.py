"""A demand champion of two series, whose forecasts can be computed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ml import champions
from ml.demand_forecast.forecast import GRID, ForecastTable
from serving.work.overview.expected import LEVELS

FEBRUARY = (2026 - 1970) * 12 + 1  # first period of the panel; its last is the same, so forecasts begin in March
SERIES = {"store_id": ["S1", "S2"], "model": ["X5", "C4"]}


def champion(**panel: Any) -> Any:
    """Return a champion that expects 4 of X5 in S1 and 2 of C4 in S2 each month from March, independent of another."""
    fields = {"keys": ("store_id", "model"), "frequency": "month", "first": FEBRUARY, "periods": 1}
    mean = np.array([[4.0, 4.0], [2.0, 2.0]])
    estimator = SimpleNamespace(
        panel=SimpleNamespace(series=pl.DataFrame(SERIES), **(fields | panel)),
        series_forecasts=ForecastTable(mean, np.repeat(mean[..., None], len(GRID), axis=2)),
        forecaster=SimpleNamespace(
            dependence_=SimpleNamespace(shares=(0.0,), persistence=(0.0, 0.0)),
            codes=lambda panel: [np.zeros(2, dtype=np.int64)],
        ),
        params=SimpleNamespace(condition="new"),
    )
    return SimpleNamespace(version=5, model=object(), estimator=estimator)


def write_holdout(folder: Path) -> None:
    """Write forecasts of February from two origins: the later one expects 3 of X5, the earlier one 9."""
    (folder / "test_panel.json").write_text(json.dumps({"series": SERIES, "first": FEBRUARY, "frequency": "month"}))
    rows = [{"series": 0, "origin": o, "target": 0, "available": 0.5, "mean": m} for o, m in ((-1, 9.0), (0, 3.0))]
    frame = pl.DataFrame(rows).with_columns(pl.lit(3.0).alias(level) for level in LEVELS)
    frame.write_parquet(folder / "test_rows.parquet")


def use_reports(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the folder be the report of every version."""

    @contextmanager
    def report_files(version: Any) -> Iterator[Path]:
        yield folder

    monkeypatch.setattr(champions, "version", lambda task, number: SimpleNamespace(number=number))
    monkeypatch.setattr(champions, "report_files", report_files)
