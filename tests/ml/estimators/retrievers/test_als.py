"""ALS: fold-in against implicit and against the normal equations."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.interactions import Interactions
from tests.ml.estimators.retrievers.conftest import random_weights


@pytest.fixture(scope="module")
def fitted(interactions: Interactions) -> ALS:
    return ALS(factors=5, regularization=2.0, alpha=3.0, iterations=60, num_threads=1).fit(interactions)


def test_fold_in_solves_the_normal_equations(fitted: ALS, interactions: Interactions) -> None:
    y = fitted.item_factors_.astype(np.float64)
    for row in (0, 5, 11):
        weight = interactions.matrix[row].toarray()[0].astype(np.float64)
        confidence = np.diag(1 + fitted.alpha * weight)
        left = y.T @ confidence @ y + fitted.regularization * np.eye(5)
        expected = np.linalg.solve(left, y.T @ confidence @ (weight > 0))
        np.testing.assert_allclose(fitted.user_factors(interactions.matrix[row])[0], expected, atol=1e-10)


def test_fold_in_of_training_users_equals_their_training_factors(fitted: ALS, interactions: Interactions) -> None:
    peer = AlternatingLeastSquares(
        factors=5, regularization=2.0, alpha=1.0, iterations=60, random_state=fitted.seed, num_threads=1
    )
    confidence = interactions.matrix.copy()
    confidence.data = 1 + fitted.alpha * confidence.data
    peer.fit(confidence, show_progress=False)
    np.testing.assert_allclose(fitted.item_factors_, peer.item_factors, atol=1e-6)
    folded = fitted.user_factors(interactions.matrix)
    np.testing.assert_allclose(folded, peer.recalculate_user(np.arange(80), confidence), atol=1e-4)
    # Training updates users before items, so its user factors lag half an iteration behind the item factors.
    np.testing.assert_allclose(folded, peer.user_factors, atol=5e-2)


def test_histories_of_all_lengths_share_chunks(
    fitted: ALS, interactions: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted.user_factors(interactions.matrix)
    monkeypatch.setattr("ml.estimators.retrievers.als.CHUNK_CELLS", 200)
    np.testing.assert_allclose(fitted.user_factors(interactions.matrix), whole, atol=1e-12)
    assert not whole[-1].any()


def test_more_weight_on_an_item_raises_its_score(fitted: ALS) -> None:
    light, heavy = (csr_matrix(([w, 1.0], ([0, 0], [2, 5])), shape=(1, 20)) for w in (0.1, 5.0))
    assert fitted.score(heavy)[0, 2] > fitted.score(light)[0, 2]


def test_explanation_follows_section_5_of_the_paper(fitted: ALS, interactions: Interactions) -> None:
    peer = AlternatingLeastSquares(factors=5, regularization=2.0, alpha=1.0, num_threads=1)
    peer.item_factors = fitted.item_factors_
    confidence = interactions.matrix.copy()
    confidence.data = 1 + fitted.alpha * confidence.data
    total, best, _ = peer.explain(3, confidence, 8, N=50)
    parts = dict(
        zip(interactions.matrix[3].indices.tolist(), fitted.explain(interactions.matrix[3], 8).tolist(), strict=True)
    )
    assert sum(parts.values()) == pytest.approx(total, abs=1e-4)
    assert parts == pytest.approx({int(item): float(score) for item, score in best}, abs=1e-4)


def test_the_callers_weights_are_untouched() -> None:
    matrix = random_weights(20, 8)
    before = matrix.copy()
    ALS(factors=2, num_threads=1).fit(Interactions(matrix))
    assert (matrix != before).nnz == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("factors", 0), ("regularization", 0.0), ("alpha", -1.0), ("iterations", 0), ("num_threads", -1)],
)
def test_parameters_out_of_range(interactions: Interactions, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .* got"):
        ALS(**{name: value}).fit(interactions)  # type: ignore[arg-type]


def test_factors_of_another_width_are_damaged(fitted: ALS) -> None:
    with pytest.raises(DataError, match="5 columns"):
        ALS.from_arrays(fitted.arrays() | {"item_factors": np.zeros((20, 4), dtype=np.float32)})
