"""Counts by cell and build period, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.fault_rate.cell_counts import count_cells
from ml.fault_rate.expected import expect_faults
from ml.fault_rate.exposure import build_exposure

DAY = 86_400_000_000
WEEKS, START = 20, 10


def test_each_fault_counts_once_in_its_cell_period_and_half() -> None:
    """Two models; A has builds of two half-years. Faults in reference weeks and test weeks, around a reset."""
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V2", "V3"],
            "model": ["A", "A", "B"],
            "built_at": [-300 * DAY, -20 * DAY, -20 * DAY],
            "entered_service_at": [0, 0, 0],
        }
    )
    faults = [("V1", 1), ("V1", 11), ("V2", 12), ("V3", 3), ("V3", 15)]
    records = pl.DataFrame(
        [{"vehicle_id": v, "component": "brakes", "fault": True, "serviced_at": (7 * w + 1) * DAY} for v, w in faults]
    )
    exposure = build_exposure(fleet, records, as_of=7 * WEEKS * DAY, since=0)
    expected = expect_faults(exposure, until=START)
    counts = count_cells(expected, start=START, delay=None, complete=np.ones(WEEKS), reset_weeks={("A", "brakes"): 12})
    assert counts.cells.rows() == [("A", "brakes"), ("B", "brakes")] and counts.first_weeks.tolist() == [12, START]
    assert counts.periods.tolist() == [-2, -1]
    assert counts.reference_count.tolist() == [[1, 0], [0, 1]]
    assert counts.count[:, :, -1].tolist() == [[0, 1], [0, 1]], "the fault of V1 lies before the reset"
    assert counts.count[1, 1, :6].tolist() == [0, 0, 0, 0, 0, 1]
    # Two faults in ten weeks of three vehicles; the reset leaves eight of ten test weeks.
    assert counts.reference_expected.sum() == pytest.approx(2)
    assert counts.expected[:, :, -1].tolist() == [pytest.approx([8 / 15, 8 / 15]), pytest.approx([0, 2 / 3])]
    assert counts.weekly.sum() == pytest.approx(4)
