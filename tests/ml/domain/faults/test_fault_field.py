"""Exposure, reporting delays and build ranges: computed by hand, and by simulation with a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.faults.build_range import scan_builds
from ml.domain.faults.exposure import exposure_by_period
from ml.domain.faults.reporting_delay import fit_delay


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150), st.integers(0, 2)), max_size=30))
def test_exposure_is_the_overlap_of_each_vehicle_with_each_period(cars: list[tuple[float, float, int]]) -> None:
    edges = np.array([0.0, 7.0, 14.0, 30.0, 100.0])
    plain = np.zeros((3, 4))
    for start, end, group in cars:
        plain[group] += np.maximum(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0)
    columns = [np.array([c[i] for c in cars]) for i in range(3)]
    exposure = exposure_by_period(columns[0], columns[1], columns[2], edges=edges, n_groups=3)
    np.testing.assert_allclose(exposure, plain, atol=1e-8)


def test_exposure_refuses_bad_arguments() -> None:
    with pytest.raises(ValueError, match="edges"):
        exposure_by_period([0.0], [1.0], [0], edges=[1, 1], n_groups=1)
    with pytest.raises(ValueError, match="finite"):
        exposure_by_period([0.0], [np.inf], [0], edges=[0, 1], n_groups=1)
    with pytest.raises(ValueError, match="group"):
        exposure_by_period([0.0], [1.0], [1], edges=[0, 1], n_groups=1)
    with pytest.raises(ValueError, match="equal length"):
        exposure_by_period([0.0], [1.0, 2.0], [0], edges=[0, 1], n_groups=1)


def test_delays_are_estimated_from_right_truncated_reports() -> None:
    """400 days of events with a median delay of 8 days: the reports so far determine the whole distribution."""
    rng = np.random.default_rng(0)
    age = rng.integers(0, 400, 40_000)
    delay = np.floor(8 * rng.lognormal(0, 0.9, len(age))).astype(np.int64)
    observed = delay <= age
    distribution = fit_delay(delay[observed], age[observed], longest=180)
    truth = np.array([(np.minimum(delay, 180) <= d).mean() for d in range(181)])
    assert np.abs(distribution.reported - truth).max() < 0.01
    naive = np.array([(delay[observed] <= d).mean() for d in range(181)])
    assert abs(distribution.reported[8] - truth[8]) < abs(naive[8] - truth[8])
    # Corrected for the delay, the last weeks have as many events as any other.
    reported = np.bincount(age[observed], minlength=400)[:60]
    assert reported.sum() / distribution.completeness(np.arange(60)).sum() == pytest.approx(100, rel=0.03)


def test_impossible_delays_are_refused() -> None:
    with pytest.raises(ValueError, match="days old"):
        fit_delay([0, 1], [3, 3], longest=10)
    with pytest.raises(ValueError, match="after their events"):
        fit_delay([-1], [30], longest=10)
    with pytest.raises(ValueError, match="after their events"):
        fit_delay([5], [4], longest=3)
    with pytest.raises(ValueError, match="longest"):
        fit_delay([0], [4], longest=0)


def test_an_affected_build_range_is_detected_with_its_limits() -> None:
    rng = np.random.default_rng(3)
    expected = rng.gamma(4, 1.0, 48)
    affected = (np.arange(48) >= 12) & (np.arange(48) < 30)
    builds = scan_builds(rng.poisson(expected * np.where(affected, 3.0, 1.0)), expected)
    assert builds is not None and builds.p_value == pytest.approx(0.001)
    assert abs(builds.first - 12) <= 1 and abs(builds.last - 29) <= 1
    assert 2.3 < builds.ratio < 3.9


def test_without_an_affected_range_few_scans_are_significant() -> None:
    rng = np.random.default_rng(4)
    expected = rng.gamma(2, 1.0, 20)
    scans = [scan_builds(rng.poisson(expected), expected, samples=99, seed=i) for i in range(200)]
    significant = np.mean([f is not None and f.p_value <= 0.05 for f in scans])
    assert significant <= 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / 200)


def test_scans_without_a_result_and_bad_input() -> None:
    assert scan_builds([0, 0], [1.0, 1.0]) is None
    assert scan_builds([3], [1.0]) is None
    all_within = scan_builds([0, 9, 0], [1.0, 1.0, 1.0])
    assert all_within is not None and all_within.ratio == np.inf and (all_within.first, all_within.last) == (1, 1)
    with pytest.raises(ValueError, match="expected count of 0"):
        scan_builds([1, 1], [0.0, 1.0])
    with pytest.raises(ValueError, match="below 0"):
        scan_builds([-1, 1], [1.0, 1.0])
