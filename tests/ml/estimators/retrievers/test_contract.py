"""Requirements of every retriever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack
from sklearn.exceptions import NotFittedError

from features.errors import DataError, ModelNotFound
from ml.artefacts.npz import from_npz, to_npz
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.interactions import ExplainableRetriever, Interactions, Retriever
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.popularity import Popularity

FITS: dict[str, Callable[[Interactions], Retriever]] = {
    "item_item": lambda i: ItemItem(regularization=5.0).fit(i),
    "item_item_sparse": lambda i: ItemItem(regularization=5.0, memory_limit_mb=0, neighbours=6).fit(i),
    "als": lambda i: ALS(factors=4, regularization=1.0, num_threads=1).fit(i),
    "popularity": lambda i: Popularity().fit(i),
}


@pytest.fixture(params=sorted(FITS))
def fitted(request: pytest.FixtureRequest, interactions: Interactions) -> Retriever:
    return FITS[request.param](interactions)


def test_one_history_at_a_time_equals_the_batch(fitted: Retriever, interactions: Interactions) -> None:
    batch = fitted.score(interactions.matrix)
    assert batch.shape == interactions.matrix.shape
    assert batch.dtype == np.float32
    one = np.vstack([fitted.score(interactions.matrix[i]) for i in range(interactions.matrix.shape[0])])
    np.testing.assert_allclose(one, batch, atol=1e-5)


def test_empty_histories_and_no_history_have_finite_scores(fitted: Retriever, interactions: Interactions) -> None:
    n_items = interactions.matrix.shape[1]
    empty = fitted.score(csr_matrix((2, n_items), dtype=np.float32))
    assert np.isfinite(empty).all() and np.array_equal(empty[0], empty[1])
    if not isinstance(fitted, Popularity):
        assert not empty.any()
    assert fitted.score(csr_matrix((0, n_items), dtype=np.float32)).shape == (0, n_items)


def test_an_item_without_interactions_is_scored_and_may_occur_in_a_history(
    fitted: Retriever, interactions: Interactions
) -> None:
    unseen = interactions.matrix.shape[1] - 1
    history = csr_matrix(([1.0], ([0], [unseen])), shape=(1, unseen + 1))
    assert np.isfinite(fitted.score(history)).all()
    assert not fitted.score(interactions.matrix)[:, unseen].any()


def test_explanations_sum_to_the_score(fitted: Retriever, interactions: Interactions) -> None:
    if not isinstance(fitted, ExplainableRetriever):
        assert isinstance(fitted, Popularity)
        return
    scores = fitted.score(interactions.matrix)
    for row in (0, 1, 79):
        for item in (0, 7, 19):
            parts = fitted.explain(interactions.matrix[row], item)
            assert parts.shape == (interactions.matrix[row].nnz,)
            assert parts.sum() == pytest.approx(scores[row, item], abs=1e-5)
    with pytest.raises(DataError, match="one history"):
        fitted.explain(interactions.matrix[:2], 0)
    with pytest.raises(DataError, match="item must be"):
        fitted.explain(interactions.matrix[0], 20)


def test_arrays_survive_a_file_and_hold_no_objects(fitted: Retriever, interactions: Interactions) -> None:
    content = to_npz(fitted.arrays())
    again = type(fitted).from_arrays(from_npz(content, "model.npz"))
    assert np.array_equal(again.score(interactions.matrix), fitted.score(interactions.matrix))
    assert again.get_params() == fitted.get_params()  # type: ignore[attr-defined]
    assert to_npz(again.arrays()) == content


def test_damaged_arrays_are_named(fitted: Retriever) -> None:
    arrays = fitted.arrays()
    for name, array in arrays.items():
        with pytest.raises(ModelNotFound, match=name):
            type(fitted).from_arrays({n: a for n, a in arrays.items() if n != name and not n.startswith(f"{name}_")})
        with pytest.raises(DataError, match="damaged"):
            type(fitted).from_arrays(arrays | {name: np.zeros((2, 2, 2))})
        if array.dtype.kind == "f" and array.size:
            with pytest.raises(DataError, match="damaged"):
                type(fitted).from_arrays(arrays | {name: np.full_like(array, np.nan)})
    with pytest.raises(DataError, match="damaged"):
        type(fitted).from_arrays(arrays | {"params": np.array('{"nonsense": 1}')})


def test_histories_it_cannot_read_are_refused(fitted: Retriever, interactions: Interactions) -> None:
    with pytest.raises(DataError, match="20 items"):
        fitted.score(csr_matrix((1, 3), dtype=np.float32))
    with pytest.raises(DataError, match="not negative"):
        fitted.score(interactions.matrix * -1)


def test_nothing_is_scored_before_fitting(fitted: Retriever, interactions: Interactions) -> None:
    with pytest.raises(NotFittedError):
        type(fitted)().score(interactions.matrix)


def test_no_interactions_is_a_clear_error(fitted: Retriever) -> None:
    with pytest.raises(DataError, match="no interactions"):
        type(fitted)().fit(Interactions(csr_matrix((3, 4), dtype=np.float32)))


def test_fitting_twice_gives_the_same_model(fitted: Retriever, interactions: Interactions) -> None:
    again = type(fitted)(**fitted.get_params()).fit(interactions)  # type: ignore[attr-defined]
    np.testing.assert_allclose(again.score(interactions.matrix), fitted.score(interactions.matrix), atol=1e-6)


def test_users_without_interactions_change_nothing(fitted: Retriever, interactions: Interactions) -> None:
    if isinstance(fitted, ALS):
        return  # its initial factors depend on the number of users
    wider = Interactions(vstack([interactions.matrix, csr_matrix((5, 20), dtype=np.float32)]).tocsr())
    again = type(fitted)(**fitted.get_params()).fit(wider)  # type: ignore[attr-defined]
    np.testing.assert_allclose(again.score(interactions.matrix), fitted.score(interactions.matrix), atol=1e-6)
