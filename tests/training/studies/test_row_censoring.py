"""Censored rows have weight 0; observed rows are weighted by the inverse probability of being observed."""

from __future__ import annotations

import numpy as np

from training.studies.row_censoring import censoring_weights

DAY = 86_400_000_000


def test_weights_correct_the_conversion_rate_for_censoring() -> None:
    """30% of the leads convert, on days 1 to 29; the outcome of the newest leads is censored."""
    rng = np.random.default_rng(0)
    n, horizon = 200_000, 30
    as_of = rng.integers(0, 60, n) * DAY
    converts, after = rng.random(n) < 0.3, rng.integers(1, horizon, n) * DAY
    known_at = as_of + np.where(converts, after, horizon * DAY)
    until = 60 * DAY
    weight = censoring_weights(as_of, known_at, until=until)
    observed = known_at <= until
    assert converts[observed].mean() > 0.35  # early conversions are observed, late negatives are not
    assert abs((weight @ converts) / weight.sum() - 0.3) < 0.01
    assert (weight[~observed] == 0).all()
    assert (weight[observed] >= 1).all()


def test_old_rows_count_once() -> None:
    as_of = np.zeros(5, dtype=np.int64)
    assert censoring_weights(as_of, as_of + DAY, until=10 * DAY).tolist() == [1.0] * 5
    assert censoring_weights(as_of[:0], as_of[:0], until=0).tolist() == []
