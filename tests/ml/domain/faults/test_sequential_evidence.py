"""Evidence that may be looked at every week: its mean without a fault, its false alarms, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom, poisson

from ml.domain.faults.sequential_evidence import (
    begin,
    evidence_of_builds,
    evidence_so_far,
    look,
)


@settings(deadline=None)
@given(expected=st.floats(0.01, 20), dispersion=st.sampled_from([0.0, 0.05, 0.5]))
def test_without_a_fault_the_mean_of_the_evidence_is_one(expected: float, dispersion: float) -> None:
    """By enumeration of what a week can bring."""
    counts = np.arange(0, 2_000)
    chance = (
        poisson.pmf(counts, expected)
        if dispersion == 0
        else nbinom.pmf(counts, 1 / dispersion, 1 / (1 + dispersion * expected))
    )
    found = look(begin(len(counts)), counts, np.full(len(counts), expected), dispersion)
    mean = float((chance[chance > 0] * np.exp(found.log_e[chance > 0])).sum())
    assert mean == pytest.approx(1.0, rel=1e-3)


def test_the_mean_of_the_evidence_of_builds_is_one_and_bad_builds_show_in_it() -> None:
    """By enumeration of two builds of cells whose own rate is a gamma; then a range in the middle against them all."""
    proneness, due = 0.2, np.array([1.5, 0.7])
    first, second = (n.ravel().astype(float) for n in np.meshgrid(np.arange(80), np.arange(80)))
    total, size = first + second, 1 / proneness
    chance = nbinom.pmf(total, size, size / (size + due.sum())) * binom.pmf(first, total, due[0] / due.sum())
    found = evidence_of_builds(np.column_stack([first, second]), np.tile(due, (len(first), 1)), proneness)
    assert float((chance * np.exp(found))[chance > 1e-14].sum()) == pytest.approx(1.0, rel=1e-3)
    middle = [[20, 20, 45, 45, 20, 20]]
    assert evidence_of_builds(middle, [[20.0] * 6], 0.04)[0] > evidence_so_far([170], [120.0], 0.04).log_e[0] + 5
    with pytest.raises(ValueError, match="proneness"):
        evidence_of_builds(middle, [[20.0] * 6], 0.0)
    with pytest.raises(ValueError, match="row for each cell"):
        evidence_of_builds([1, 2], [1.0, 1.0], 0.1)


def test_the_order_of_weeks_and_their_division_do_not_matter_for_poisson_counts() -> None:
    weeks = look(look(begin(1), [3], [1.0]), [1], [2.0])
    once = look(begin(1), [4], [3.0])
    assert weeks.log_e[0] == pytest.approx(once.log_e[0])


def test_years_without_a_fault_raise_an_alarm_as_rarely_as_promised() -> None:
    """400 years of 100 cells, looked at every week; overdispersed counts whose dispersion is known."""
    rng = np.random.default_rng(0)
    years, cells, alpha, dispersion = 400, 100, 0.05, 0.2
    expected = np.tile(rng.gamma(1, 0.5, cells) + 0.01, years)
    evidence, raised = begin(years * cells), np.zeros(years, dtype=bool)
    bar = np.log(cells / alpha)
    for _ in range(52):
        count = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * expected))
        evidence = look(evidence, count, expected, dispersion)
        raised |= (evidence.log_e.reshape(years, cells) >= bar).any(axis=1)
    assert raised.mean() <= 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / years)


def test_a_doubled_rate_is_found_and_named() -> None:
    rng = np.random.default_rng(1)
    expected = np.full(50, 2.0)
    evidence = begin(50)
    for _ in range(26):
        evidence = look(evidence, rng.poisson(expected * np.where(np.arange(50) == 7, 2.0, 1.0)), expected)
    assert np.flatnonzero(evidence.log_e >= np.log(50 / 0.05)).tolist() == [7]
    assert 1.6 < evidence.ratio[7] < 2.4


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="whole"):
        look(begin(1), [0.5], [1.0])
    with pytest.raises(ValueError, match="expects none"):
        look(begin(1), [1], [0.0])
    with pytest.raises(ValueError, match="one number for each"):
        look(begin(2), [1], [1.0])
    with pytest.raises(ValueError, match="below 0"):
        look(begin(1), [1], [-1.0])
    with pytest.raises(ValueError, match="prior"):
        begin(1, prior=[1.0])
