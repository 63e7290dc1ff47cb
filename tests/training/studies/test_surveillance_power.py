"""Sections on power and on models that were above the others from the start."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from ml.fault_rate.model_effects import RAISED
from ml.fault_rate.power_curve import RATIOS
from training.studies.surveillance_power import power_sections, raised_sections


def snapshot_of(weekly: list[float]) -> Any:
    """Cells of one build period whose reference year was as expected."""
    rows = [[cell, 100, 52 * e, 52 * e, 0, 0, e] for cell, e in enumerate(weekly) if e > 0]
    return SimpleNamespace(
        cells=pl.DataFrame({"model": list("ABCD")[: len(weekly)], "component": ["brakes"] * len(weekly)}),
        expected_weekly=np.array(weekly), builds=np.array(rows, dtype=float).reshape(-1, 7), alpha=0.05,
        between_model_variance=0.04, rate_drift=0.1, alarm_threshold=np.full(len(weekly), 9.0),
    )  # fmt: skip


def test_power_is_of_the_cell_of_the_median_fault_for_all_builds_and_the_newest_third() -> None:
    """Half of 10 faults a week lie in the cell with 6: it is shown, not the cell of median size."""
    everything, newest = power_sections(snapshot_of([0.0, 1.0, 3.0, 6.0]))
    assert (everything.name, newest.name) == ("detection_power", "detection_power_newest")
    assert everything.summary is not None and everything.summary.en.startswith("about 312 faults a year")
    assert everything.title.en.endswith("is detected: D, brakes")
    assert [row["rate_ratio"] for row in everything.rows] == list(RATIOS)
    medians = [np.inf if row["weeks_p50"] is None else row["weeks_p50"] for row in everything.rows]
    assert medians == sorted(medians, reverse=True) and medians[-1] <= 5
    double = next(row for row in everything.rows if row["rate_ratio"] == 2.0)
    assert f"twice the normal rate: detected after {double['weeks_p50']} weeks" in everything.summary.en
    assert everything.rows[-1]["weeks_p50"] < newest.rows[-1]["weeks_p50"]
    assert power_sections(snapshot_of([0.0, 0.0])) == ()


def test_models_above_the_others_from_the_start_are_a_table() -> None:
    raised = pl.DataFrame([("A", "pump", 9, 4.0, 1.6, 1.2, 2.1)], schema=RAISED, orient="row")
    (table,) = raised_sections(raised, 0.05)
    assert table.rows[0]["model"] == "A" and table.rows[0]["low"] == 1.2
    assert table.summary is not None and "at most 0.05" in table.summary.en and "不超过 0.05" in table.summary.zh
    assert raised_sections(raised.clear(), 0.05) == ()
