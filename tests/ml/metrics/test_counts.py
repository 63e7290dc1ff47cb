"""Deviance of counts by hand."""

from __future__ import annotations

from math import log

import pytest

from features.errors import DataError
from ml.metrics.counts import poisson_deviance


def test_deviance_by_hand() -> None:
    assert poisson_deviance([4.0, 1.0], [4.0, 1.0]) == pytest.approx(0.0, abs=1e-12)
    assert poisson_deviance([4.0], [2.0]) == pytest.approx(2 * (4 * log(2) - 2) / 4)
    doubled = poisson_deviance([4.0, 4.0, 1.0], [2.0, 2.0, 3.0])
    assert poisson_deviance([4.0, 1.0], [2.0, 3.0], sample_weight=[2.0, 1.0]) == pytest.approx(doubled)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [([1.0], [1.0, 2.0], "the same rows"), ([-1.0], [1.0], "not be negative"), ([0.0], [1.0], "all counts are 0")],
)
def test_invalid_input_is_refused(y: list[float], p: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        poisson_deviance(y, p)
