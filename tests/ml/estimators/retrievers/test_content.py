"""ContentNeighbours: hand-computed cosines, missing values, new items."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.content import ContentNeighbours

PRICE = np.array([[1.0], [3.0], [1.0], [3.0]])
BODY = np.array([[0], [0], [1], [1]])


def test_cosines_by_hand() -> None:
    model = ContentNeighbours().fit(PRICE, BODY)
    np.testing.assert_allclose(model.vectors_ * np.sqrt(2), [[-1, 1, 0], [1, 1, 0], [-1, 0, 1], [1, 0, 1]], atol=1e-6)
    # 2 costs the same, 1 has the same body, 3 shares nothing
    np.testing.assert_allclose(model.vectors_ @ model.vectors_[0], [1, 0, 0.5, -0.5], atol=1e-6)


def test_a_category_can_weigh_more() -> None:
    vectors = ContentNeighbours(category_weight=3.0).fit(PRICE, BODY).vectors_
    np.testing.assert_allclose(vectors @ vectors[0], [1, 0.8, 0.1, -0.1], atol=1e-6)


def test_missing_numbers_are_average_and_missing_categories_are_nothing() -> None:
    model = ContentNeighbours().fit(PRICE, BODY)
    unknown, half = model.vectors([[np.nan], [np.nan]], [[-1], [1]])
    assert not unknown.any()
    assert half.tolist() == [0, 0, 1]


def test_a_constant_number_is_ignored() -> None:
    model = ContentNeighbours().fit(np.column_stack([PRICE, np.full(4, 0.1)]), BODY)
    assert not model.vectors_[:, 1].any()
    with_nan = ContentNeighbours().fit(np.full((2, 1), np.nan), [[0], [1]])
    assert np.isfinite(with_nan.vectors_).all()


def test_new_items_are_transformed_on_the_fitted_scale() -> None:
    model = ContentNeighbours().fit(PRICE, BODY)
    listed = model.vectors([[3.0], [1.0]], [[1], [7]])  # 7 is an unseen category
    assert np.array_equal(listed[0], model.vectors_[3])
    assert listed[1].tolist() == [-1, 0, 0]
    assert model.vectors(np.empty((0, 1)), np.empty((0, 1), dtype=np.int64)).shape == (0, 3)


def test_what_it_refuses() -> None:
    model = ContentNeighbours().fit(PRICE, BODY)
    with pytest.raises(ConfigError, match="category_weight"):
        ContentNeighbours(category_weight=0).fit(PRICE, BODY)
    with pytest.raises(DataError, match="no items"):
        ContentNeighbours().fit(PRICE[:0], BODY[:0])
    with pytest.raises(DataError, match="items x columns"):
        model.vectors(PRICE, BODY[:2])
    with pytest.raises(DataError, match="1 numbers and 1 categories, got 2 and 1"):
        model.vectors(np.hstack([PRICE, PRICE]), BODY)
    with pytest.raises(DataError, match="finite or NaN"):
        model.vectors([[np.inf]], [[0]])
    with pytest.raises(DataError, match="codes -1 or more"):
        model.vectors([[1.0]], [[-2]])
