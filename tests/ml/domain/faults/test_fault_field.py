"""Exposure, delays of reports, and ranges of builds: hand-computed, and by simulation of a known truth."""

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
    found = exposure_by_period(columns[0], columns[1], columns[2], edges=edges, n_groups=3)
    np.testing.assert_allclose(found, plain, atol=1e-8)


def test_exposure_refuses_what_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="edges"):
        exposure_by_period([0.0], [1.0], [0], edges=[1, 1], n_groups=1)
    with pytest.raises(ValueError, match="finite"):
        exposure_by_period([0.0], [np.inf], [0], edges=[0, 1], n_groups=1)
    with pytest.raises(ValueError, match="group"):
        exposure_by_period([0.0], [1.0], [1], edges=[0, 1], n_groups=1)
    with pytest.raises(ValueError, match="equal length"):
        exposure_by_period([0.0], [1.0, 2.0], [0], edges=[0, 1], n_groups=1)


def test_delays_are_learnt_from_what_has_come_in() -> None:
    """Of 400 days of events with delays of 8 days in the median, those known today tell the whole distribution."""
    rng = np.random.default_rng(0)
    age = rng.integers(0, 400, 40_000)
    delay = np.floor(8 * rng.lognormal(0, 0.9, len(age))).astype(np.int64)
    seen = delay <= age
    found = fit_delay(delay[seen], age[seen], longest=180)
    truth = np.array([(np.minimum(delay, 180) <= d).mean() for d in range(181)])
    assert np.abs(found.reported - truth).max() < 0.01
    naive = np.array([(delay[seen] <= d).mean() for d in range(181)])
    assert abs(found.reported[8] - truth[8]) < abs(naive[8] - truth[8])
    # Corrected for what is to come, the last weeks hold as many events as any other.
    known = np.bincount(age[seen], minlength=400)[:60]
    assert known.sum() / found.completeness(np.arange(60)).sum() == pytest.approx(100, rel=0.03)


def test_delays_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="days old"):
        fit_delay([0, 1], [3, 3], longest=10)
    with pytest.raises(ValueError, match="after their events"):
        fit_delay([-1], [30], longest=10)
    with pytest.raises(ValueError, match="after their events"):
        fit_delay([5], [4], longest=3)
    with pytest.raises(ValueError, match="longest"):
        fit_delay([0], [4], longest=0)


def test_a_bad_range_of_builds_is_found_with_its_ends() -> None:
    rng = np.random.default_rng(3)
    expected = rng.gamma(4, 1.0, 48)
    bad = (np.arange(48) >= 12) & (np.arange(48) < 30)
    found = scan_builds(rng.poisson(expected * np.where(bad, 3.0, 1.0)), expected)
    assert found is not None and found.p_value == pytest.approx(0.001)
    assert abs(found.first - 12) <= 1 and abs(found.last - 29) <= 1
    assert 2.3 < found.ratio < 3.9


def test_builds_without_a_bad_range_seldom_look_like_one() -> None:
    rng = np.random.default_rng(4)
    expected = rng.gamma(2, 1.0, 20)
    found = [scan_builds(rng.poisson(expected), expected, samples=99, seed=i) for i in range(200)]
    striking = np.mean([f is not None and f.p_value <= 0.05 for f in found])
    assert striking <= 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / 200)


def test_builds_of_which_nothing_can_be_said() -> None:
    assert scan_builds([0, 0], [1.0, 1.0]) is None
    assert scan_builds([3], [1.0]) is None
    everything = scan_builds([0, 9, 0], [1.0, 1.0, 1.0])
    assert everything is not None and everything.ratio == np.inf and (everything.first, everything.last) == (1, 1)
    with pytest.raises(ValueError, match="expected count of 0"):
        scan_builds([1, 1], [0.0, 1.0])
    with pytest.raises(ValueError, match="below 0"):
        scan_builds([-1, 1], [1.0, 1.0])
