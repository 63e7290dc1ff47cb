"""TabularEncoder: columns to a float matrix, and refused columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from features.errors import FeatureError
from ml.estimators.tabular_encoder import TabularEncoder

TABLE = {"loan": [8.0, None, 4.0], "new": [True, False, None], "city": ["x", "y", "y"]}


@pytest.fixture
def encoder() -> TabularEncoder:
    derived = {"double": {"product": ["loan", 2]}, "more": {"sum": ["double", "loan"]}}
    return TabularEncoder(numeric=["loan", "new"], categorical=["city"], derived=derived).fit(TABLE)


def test_numbers_flags_derived_columns_and_codes_are_the_columns_of_the_matrix(encoder: TabularEncoder) -> None:
    assert encoder.feature_names_out_ == ["loan", "new", "double", "more", "city"]
    assert encoder.categories_ == {"city": ["y", "x"]} and encoder.categorical_positions_ == (4,)
    nan = np.nan
    expected = [[8, 1, 16, 24, 1], [nan, 0, nan, nan, 0], [4, nan, 8, 12, 0]]
    for X in (TABLE, pl.DataFrame(TABLE)):
        np.testing.assert_array_equal(encoder.transform(X), expected)


def test_one_row_has_the_bits_of_the_batch_and_an_unseen_category_is_missing(encoder: TabularEncoder) -> None:
    row: dict[str, Any] = {"loan": [0.1], "new": [None], "city": ["z"]}
    np.testing.assert_array_equal(encoder.transform(row), encoder.transform(pl.DataFrame(row).cast({"new": pl.Int8})))
    assert np.isnan(encoder.transform(row)[0, 4]) and encoder.unseen({"city": "z"}) == ["city"]
    assert encoder.unseen({"city": None}) == [] == encoder.unseen({"city": "x"})


def test_the_artefact_restores_it(encoder: TabularEncoder) -> None:
    again = TabularEncoder.from_files(encoder.to_files())
    np.testing.assert_array_equal(again.transform(TABLE), encoder.transform(TABLE))


@pytest.mark.parametrize(
    ("change", "feature", "rule"),
    [
        ({"loan": ["many", 1, 2]}, "loan", "must hold numbers"),
        ({"loan": [1e308, 1, 2]}, "double", "overflows: the product of loan, 2 is above"),
    ],
)
def test_a_value_that_cannot_be_used_names_the_column_and_not_itself(
    encoder: TabularEncoder, change: dict[str, list], feature: str, rule: str
) -> None:
    with pytest.raises(FeatureError, match=rule) as raised:
        encoder.transform(TABLE | change)
    assert raised.value.feature == feature and "many" not in str(raised.value)


@pytest.mark.parametrize("name", ["loan", "new", "city"])
def test_a_column_that_is_not_there_is_named(encoder: TabularEncoder, name: str) -> None:
    rest = {n: v for n, v in TABLE.items() if n != name}
    for X in (rest, pl.DataFrame(rest)):
        with pytest.raises(FeatureError, match=f"column '{name}' is missing: the model was trained with it"):
            encoder.transform(X)


def test_nothing_is_encoded_before_it_is_fitted() -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        TabularEncoder(numeric=["loan"]).transform(TABLE)
