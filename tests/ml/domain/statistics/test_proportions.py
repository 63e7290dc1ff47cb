"""The interval of a proportion."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.statistics.proportions import proportion


def test_the_limits_are_those_of_the_published_table() -> None:
    # Brown, Cai and DasGupta (2001), table 5: Jeffreys intervals at 95 % for n = 10.
    assert [(round(proportion(k, 10).low, 3), round(proportion(k, 10).high, 3)) for k in (1, 5)] == [
        (0.011, 0.381), (0.224, 0.776),
    ]  # fmt: skip
    assert proportion(0, 10).low == 0.0 and proportion(10, 10).high == 1.0


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_contains_its_value(counts: tuple[int, int]) -> None:
    interval = proportion(*counts)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="from 0 to trials"):
        proportion(successes, trials)
