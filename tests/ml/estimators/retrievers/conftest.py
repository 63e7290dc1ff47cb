"""Small interactions for the tests of all retrievers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ml.estimators.retrievers.interactions import Interactions


def random_weights(n_users: int, n_items: int, *, seed: int = 3, share: float = 0.25) -> csr_matrix:
    """Return weights of users with two tastes; the last item and the last user have no interactions."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, 2, n_users)[:, None] == np.arange(n_items) % 2
    viewed = rng.random((n_users, n_items)) < np.where(taste, 1.6, 0.4) * share
    viewed[:, -1] = False
    viewed[-1] = False
    return csr_matrix(np.where(viewed, rng.uniform(0.2, 2.0, viewed.shape), 0.0).astype(np.float32))


@pytest.fixture(scope="session")
def interactions() -> Interactions:
    """Interactions of 80 users and 20 items."""
    return Interactions(random_weights(80, 20))
