"""Small interactions that every retriever's tests share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ml.estimators.retrievers.interactions import Interactions


def drawn(n_users: int, n_items: int, *, seed: int = 3, share: float = 0.25) -> csr_matrix:
    """Weights of people of two tastes; the last item was seen by nobody, the last person saw nothing."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, 2, n_users)[:, None] == np.arange(n_items) % 2
    seen = rng.random((n_users, n_items)) < np.where(taste, 1.6, 0.4) * share
    seen[:, -1] = False
    seen[-1] = False
    return csr_matrix(np.where(seen, rng.uniform(0.2, 2.0, seen.shape), 0.0).astype(np.float32))


@pytest.fixture(scope="session")
def people() -> Interactions:
    """80 people and 20 items."""
    return Interactions(drawn(80, 20))
