"""Sequential evidence: its mean without a fault, its false-alarm rate, and its detections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from ml.domain.faults.sequential_evidence import no_evidence, update_evidence


@settings(deadline=None)
@given(expected=st.floats(0.01, 20), dispersion=st.sampled_from([0.0, 0.05, 0.5]))
def test_without_a_fault_the_mean_of_the_evidence_is_one(expected: float, dispersion: float) -> None:
    """By enumeration of the counts of a week."""
    counts = np.arange(0, 2_000)
    chance = (
        poisson.pmf(counts, expected)
        if dispersion == 0
        else nbinom.pmf(counts, 1 / dispersion, 1 / (1 + dispersion * expected))
    )
    evidence = update_evidence(no_evidence(len(counts)), counts, np.full(len(counts), expected), dispersion)
    mean = float((chance[chance > 0] * np.exp(evidence.log_e[chance > 0])).sum())
    assert mean == pytest.approx(1.0, rel=1e-3)


def test_the_order_of_weeks_and_their_division_do_not_matter_for_poisson_counts() -> None:
    weeks = update_evidence(update_evidence(no_evidence(1), [3], [1.0]), [1], [2.0])
    once = update_evidence(no_evidence(1), [4], [3.0])
    assert weeks.log_e[0] == pytest.approx(once.log_e[0])


def test_the_false_alarm_rate_holds_in_years_without_a_fault() -> None:
    """400 years of 100 cells, tested every week; overdispersed counts whose dispersion is known."""
    rng = np.random.default_rng(0)
    years, cells, alpha, dispersion = 400, 100, 0.05, 0.2
    expected = np.tile(rng.gamma(1, 0.5, cells) + 0.01, years)
    evidence, raised = no_evidence(years * cells), np.zeros(years, dtype=bool)
    alarm_threshold = np.log(cells / alpha)
    for _ in range(52):
        count = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * expected))
        evidence = update_evidence(evidence, count, expected, dispersion)
        raised |= (evidence.log_e.reshape(years, cells) >= alarm_threshold).any(axis=1)
    assert raised.mean() <= 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / years)


def test_a_doubled_rate_is_detected_with_its_ratio() -> None:
    rng = np.random.default_rng(1)
    expected = np.full(50, 2.0)
    evidence = no_evidence(50)
    for _ in range(26):
        evidence = update_evidence(evidence, rng.poisson(expected * np.where(np.arange(50) == 7, 2.0, 1.0)), expected)
    assert np.flatnonzero(evidence.log_e >= np.log(50 / 0.05)).tolist() == [7]
    assert 1.6 < evidence.ratio[7] < 2.4


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="whole"):
        update_evidence(no_evidence(1), [0.5], [1.0])
    with pytest.raises(ValueError, match="expected count of 0"):
        update_evidence(no_evidence(1), [1], [0.0])
    with pytest.raises(ValueError, match="one number for each"):
        update_evidence(no_evidence(2), [1], [1.0])
    with pytest.raises(ValueError, match="below 0"):
        update_evidence(no_evidence(1), [1], [-1.0])
    with pytest.raises(ValueError, match="prior"):
        no_evidence(1, prior=[1.0])
