"""LowPass against the projection that defines it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.retrievers.interactions import Interactions
from ml.estimators.retrievers.low_pass import LowPass

TASTES = Interactions(csr_matrix(np.kron(np.eye(2), np.ones((3, 4)))))  # two groups of users with four items each


def test_of_full_rank_it_gives_the_history_back() -> None:
    X = csr_matrix(np.random.default_rng(1).random((9, 4)))
    model = LowPass(rank=4, user_exponent=0.5, item_exponent=0.5).fit(Interactions(X))
    np.testing.assert_allclose(model.score(X), X.toarray(), atol=1e-5)


def test_a_user_gets_items_of_the_own_group() -> None:
    scores = LowPass(rank=2).fit(TASTES).score(csr_matrix([[1.0] + [0.0] * 7]))[0]
    assert scores[:4].min() > scores[4:].max()


def test_projecting_twice_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    model = LowPass(rank=3).fit(Interactions(csr_matrix(rng.integers(0, 3, (30, 9)).astype(float))))
    once = model.score(csr_matrix(rng.random((2, 9))))
    twice = (once @ model.projection_) @ model.reconstruction_.T
    np.testing.assert_allclose(once, twice, atol=1e-4)


def test_explanation_adds_up_to_the_score() -> None:
    model = LowPass(rank=2).fit(TASTES)
    history = csr_matrix([[1.0, 2.0, 0, 0, 3.0, 0, 0, 0]])
    assert model.explain(history, 1).sum() == pytest.approx(model.score(history)[0, 1], rel=1e-5)


def test_an_empty_history_scores_zero() -> None:
    assert not LowPass(rank=2).fit(TASTES).score(csr_matrix((2, 8))).any()


def test_artefact_answers_alike() -> None:
    model = LowPass(rank=2).fit(TASTES)
    again = LowPass.from_arrays(model.arrays())
    assert (again.score(TASTES.matrix) == model.score(TASTES.matrix)).all()
    with pytest.raises(ModelNotFound, match="projection"):
        LowPass.from_arrays({n: a for n, a in model.arrays().items() if n != "projection"})


@pytest.mark.parametrize(("params", "message"), [({"rank": 0}, "rank"), ({"item_exponent": 1.5}, "item_exponent")])
def test_parameters_out_of_range(params: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LowPass(**params).fit(TASTES)  # type: ignore[arg-type]


def test_no_interactions_are_refused() -> None:
    with pytest.raises(DataError, match="no interactions"):
        LowPass().fit(Interactions(csr_matrix((2, 3))))
