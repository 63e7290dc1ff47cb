"""The held-out part of a panel as files: all periods, the origins, and the forecasts of a version from them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from features.errors import DataError
from ml.demand_forecast.panel import Panel

TEST_PANEL, TEST_ANSWERS, TEST_ORIGINS = "test_panel", "test_rows.parquet", "test_origins.json"


def write_holdout(folder: Path, panel: Panel, origins: range, forecasts: pl.DataFrame) -> None:
    """Write the panel, the origins, and the forecasts from them.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        for name, content in panel.to_files(TEST_PANEL).items():
            (folder / name).write_bytes(content)
        (folder / TEST_ORIGINS).write_text(json.dumps(list(origins)))
        forecasts.write_parquet(folder / TEST_ANSWERS)
    except OSError as e:
        raise DataError(f"the test part could not be written to {folder}: {e.strerror}; free space there") from None


def read_holdout(folder: Path) -> tuple[Panel, range, pl.DataFrame]:
    """Return the panel, the origins and the forecasts that `write_holdout` wrote."""
    files = {f"{TEST_PANEL}.{k}": (folder / f"{TEST_PANEL}.{k}").read_bytes() for k in ("json", "npz")}
    origins = json.loads((folder / TEST_ORIGINS).read_text())
    return (
        Panel.from_files(files, TEST_PANEL),
        range(origins[0], origins[-1] + 1),
        pl.read_parquet(folder / TEST_ANSWERS),
    )
