"""Demand in spans of time: whole units, sums that agree with the periods, and the same draws for fewer series."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.demand_forecast.coherence import BLOCK, Dependence
from ml.demand_forecast.demand_spans import demand_in_spans, split_periods
from ml.demand_forecast.forecast import GRID, ForecastTable


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.booleans(), st.integers(0, 9))
def test_spans_up_to_whole_periods_have_all_their_demand(ends: list[float], is_count: bool, seed: int) -> None:
    paths = np.random.default_rng(seed).poisson(3, (2, 3, 5)).astype(np.float32)
    spans = split_periods(paths, [*sorted(3 * e for e in ends), 3.0], is_count=is_count, seed=seed)
    np.testing.assert_allclose(spans.sum(axis=1), paths.sum(axis=1), rtol=1e-5)
    assert (spans >= 0).all() and (not is_count or (spans == np.rint(spans)).all())


def test_a_part_of_a_period_has_its_share_of_the_demand() -> None:
    paths = np.full((1, 2, 4_000), 10.0, dtype=np.float32)
    spans = split_periods(paths, [0.25, 0.25, 1.5], is_count=True)
    assert spans.mean(axis=2).ravel().tolist() == pytest.approx([2.5, 0.0, 12.5], abs=0.1)
    with pytest.raises(ValueError, match=r"between 0 and 2, got \[1.0, 0.5\]"):
        split_periods(paths, [1.0, 0.5], is_count=True)
    with pytest.raises(ValueError, match=r"between 0 and 2, got \[2.5\]"):
        split_periods(paths, [2.5], is_count=True)


def estimator(series: int) -> Any:
    """Series with 0 to 20 units a period, correlated by one factor."""
    quantiles = np.repeat(20 * GRID[None, None, :], series, axis=0).repeat(2, axis=1).astype(np.float32)
    codes = [np.zeros(series, dtype=np.int64)]
    forecaster = SimpleNamespace(dependence_=Dependence((0.5,), (0.5, 0.5)), is_count_=True, codes=lambda panel: codes)
    table = ForecastTable(np.full((series, 2), 10.0), quantiles)
    return SimpleNamespace(series_forecasts=table, forecaster=forecaster, panel=None)


def test_a_series_has_the_same_paths_alone_and_among_all() -> None:
    model, series = estimator(BLOCK + 3), BLOCK + 1
    everything = np.concatenate([p for _, p in demand_in_spans(model, np.arange(BLOCK + 3), [0.7, 1.2])])
    ((positions, alone),) = demand_in_spans(model, np.array([series]), [0.7, 1.2])
    assert positions.tolist() == [0]
    np.testing.assert_array_equal(alone[0], everything[series])
    sums = everything[:, 0].mean(axis=1)
    assert sums.mean() == pytest.approx(7.0, abs=0.3)
    assert np.corrcoef(everything[0, 0], everything[series, 0])[0, 1] > 0.2  # the common factor joins the blocks
