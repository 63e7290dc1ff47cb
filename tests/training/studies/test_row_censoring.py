"""Young leads: left out of evaluation, and weighed by the chance of being known in training."""

from __future__ import annotations

import numpy as np

from training.studies.row_censoring import censoring_weights

DAY = 86_400_000_000


def test_weights_restore_the_rate_that_young_rows_would_distort() -> None:
    """Leads convert on day 1 to 29 with a chance of 0.3; the youngest are not over yet."""
    rng = np.random.default_rng(0)
    n, horizon = 200_000, 30
    as_of = rng.integers(0, 60, n) * DAY
    converts, after = rng.random(n) < 0.3, rng.integers(1, horizon, n) * DAY
    known_at = as_of + np.where(converts, after, horizon * DAY)
    until = 60 * DAY
    weight = censoring_weights(as_of, known_at, until=until)
    known = known_at <= until
    assert converts[known].mean() > 0.35  # early yeses are known, late noes are not
    assert abs((weight @ converts) / weight.sum() - 0.3) < 0.01
    assert (weight[~known] == 0).all()
    assert (weight[known] >= 1).all()


def test_old_rows_count_once() -> None:
    as_of = np.zeros(5, dtype=np.int64)
    assert censoring_weights(as_of, as_of + DAY, until=10 * DAY).tolist() == [1.0] * 5
    assert censoring_weights(as_of[:0], as_of[:0], until=0).tolist() == []
