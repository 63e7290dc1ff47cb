"""ShrunkenRates: shrinkage towards the overall rate, and cross-fitting without a row's own outcome."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from features.errors import DataError, ModelNotFound
from ml.estimators.shrunken_rates import STATE, ShrunkenRates


def test_a_small_group_shrinks_more_towards_the_overall_rate_than_a_large_one() -> None:
    rows = {"store": ["a"] * 1_000 + ["b"] * 1_000 + ["c"] * 10}
    y = np.array([1.0] * 100 + [0.0] * 900 + [1.0] * 500 + [0.0] * 500 + [1.0] * 9 + [0.0])
    rates = ShrunkenRates(groups=[["store"]]).fit(rows, y)
    a, b, c, new = expit(rates.transform({"store": ["a", "b", "c", "new"]}).ravel())
    assert (a, b) == (pytest.approx(0.1, abs=0.01), pytest.approx(0.5, abs=0.01))
    assert new == pytest.approx(y.mean()) and y.mean() < c < 0.85


def test_columns_together_make_a_group_and_a_missing_value_is_in_none() -> None:
    rows = {"store": ["a", "a", None, "b"] * 50, "model": ["x", "y", "x", "x"] * 50}
    y = np.array([1.0, 0.0, 1.0, 0.0] * 50)
    rates = ShrunkenRates(groups=[["store", "model"]]).fit(rows, y)
    assert rates.names == ["rate of store and model"]
    encoded = rates.transform({"store": ["a", "a", None], "model": ["x", "y", "x"]}).ravel()
    assert encoded[0] > logit(0.6) and encoded[1] < logit(0.4) and encoded[2] == rates.overall_ == 0.0


def test_a_row_is_encoded_without_its_own_outcome() -> None:
    rows, y = {"id": [f"i{i}" for i in range(100)]}, (np.arange(100) % 2).astype(float)
    encoded = ShrunkenRates(groups=[["id"]]).fit_transform(rows, y)
    assert (encoded == 0.0).all()  # each group has one row, so it does not occur in the other folds


def test_the_artefact_restores_it_and_what_is_missing_is_named() -> None:
    rates = ShrunkenRates(groups=[["store"]]).fit({"store": ["a", "b"]}, np.array([1.0, 0.0]))
    again = ShrunkenRates.from_files(rates.to_files())
    assert again.transform({"store": ["a"]}).tolist() == rates.transform({"store": ["a"]}).tolist()
    with pytest.raises(DataError, match="column 'store' is missing"):
        rates.transform({"shop": ["a"]})
    with pytest.raises(DataError, match="there are no training rows"):
        ShrunkenRates(groups=[["store"]]).fit({"store": []}, np.empty(0))
    with pytest.raises(ModelNotFound, match=STATE):
        ShrunkenRates.from_files({})
    with pytest.raises(DataError, match="rates must be a list with one entry for each of the groups"):
        ShrunkenRates.from_files({STATE: b'{"groups": [["a"]], "overall": 0, "rates": [], "seed": 0}'})
