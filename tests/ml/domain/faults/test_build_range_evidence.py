"""Evidence of a cell given its reference weeks: its mean without a fault, and what it detects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom

from ml.domain.faults.build_range_evidence import CellReference

COUNTS = st.lists(st.integers(0, 15), min_size=2, max_size=2)


@settings(deadline=None, max_examples=15)
@given(reference=COUNTS, variance=st.sampled_from([0.01, 0.2]), drift=st.sampled_from([0.0, 0.2]))
def test_the_mean_of_the_evidence_is_one_whatever_the_reference_weeks_were(
    reference: list[int], variance: float, drift: float
) -> None:
    """By enumeration of the test weeks of two build periods under the predictive distribution of the null."""
    own = CellReference(np.array(reference, dtype=float), np.array([8.0, 4.0]), variance, drift)
    expected = np.array([1.5, 0.7])
    first, second = (n.ravel().astype(float) for n in np.meshgrid(np.arange(140), np.arange(140)))
    total, size = first + second, own.test_shape
    chance = nbinom.pmf(total, size, size / (size + own.mean * expected.sum()))
    chance = chance * binom.pmf(first, total, expected[0] / expected.sum())
    log_e = own.log_e(np.column_stack([first, second]), np.tile(expected, (len(first), 1)))
    assert float((chance * np.exp(log_e))[chance > 0].sum()) == pytest.approx(1.0, rel=1e-2)


def test_a_higher_rate_of_its_own_is_no_evidence_and_a_rise_is() -> None:
    """Reference weeks with 1.5 times the baseline: the same rate later says nothing, twice as much is an alarm."""
    own = CellReference(np.full(4, 60.0), np.full(4, 40.0), 0.04)
    other = CellReference(np.full(4, 40.0), np.full(4, 40.0), 0.04)
    test, expected = np.full((1, 4), 60.0), np.full((1, 4), 40.0)
    assert own.log_e(test, expected)[0] < 0.5 < 3 < other.log_e(test, expected)[0]
    assert own.log_e(2 * test, expected)[0] > 20


def test_a_fault_of_some_builds_that_was_in_the_reference_weeks_is_not_absorbed() -> None:
    """Two of six build periods fail three times as often all the time; without the split the cell would look normal."""
    counts, expected = np.array([10.0, 10.0, 30.0, 30.0, 10.0, 10.0]), np.full(6, 10.0)
    split = CellReference(counts, expected, 0.04).log_e(counts[None, :], expected[None, :])[0]
    whole = CellReference(counts.sum(keepdims=True), expected.sum(keepdims=True), 0.04)
    assert split > 14
    assert whole.log_e([[counts.sum()]], [[expected.sum()]])[0] < 2
    # A later fault of other builds is detected all the same: half of the weight is its own.
    later = np.array([30.0, 30.0, 10.0, 10.0, 10.0, 10.0])
    assert CellReference(counts, expected, 0.04).log_e(3 * later[None, :], 3 * expected[None, :])[0] > 15


def test_the_posterior_is_that_of_gamma_and_poisson_and_drift_adds_its_variance() -> None:
    own = CellReference(np.array([6.0, 3.0]), np.array([4.0, 1.0]), 0.5, drift=0.3)
    assert (own.shape, own.rate) == (2 + 9, 2 + 5)
    assert own.mean == pytest.approx(11 / 7) and own.test_shape == pytest.approx(1 / (1 / 11 + 0.09))
    assert own.log_e([[0.0, 0.0]], [[0.0, 0.0]]).tolist() == [0.0], "nothing expected: no evidence"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"variance": 0.0}, "variance"),
        ({"drift": -0.1}, "drift"),
        ({"count": np.array([1.0])}, "one number for each build"),
        ({"count": np.array([1.0, -1.0])}, "below 0"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], text: str) -> None:
    arguments = {"count": np.ones(2), "expected": np.ones(2), "variance": 0.1, **change}
    with pytest.raises(ValueError, match=text):
        CellReference(**arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="column for each of 2"):
        CellReference(np.ones(2), np.ones(2), 0.1).log_e([[1.0]], [[1.0]])
