"""BoostedTrees: exact contributions, single-row prediction, artefacts, constant and missing columns."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.boosted_trees import BoostedTrees
from ml.metrics import roc_auc


def _rows(n: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    """Risk rises with column 0, falls with 1, jumps at code 3 of 2; column 3 is constant and 4 wholly missing."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 5, n), np.ones(n), np.full(n, np.nan)])
    X[rng.random(n) < 0.1, 1] = np.nan
    risk = 1.5 * X[:, 0] - np.nan_to_num(X[:, 1]) + 2 * (X[:, 2] == 3) - 1.5
    return X, (rng.random(n) < expit(risk)).astype(float)


@pytest.fixture(scope="module")
def fitted() -> BoostedTrees:
    return BoostedTrees(n_estimators=40, bag=3, num_threads=1, categorical=(2,), monotone={0: 1}).fit(*_rows())


def test_contributions_add_up_to_the_log_odds(fitted: BoostedTrees) -> None:
    X, y = _rows()
    contributions = fitted.contributions(X)
    assert contributions.shape == (len(X), 6)
    np.testing.assert_allclose(contributions.sum(axis=1), fitted.decision_function(X), atol=1e-9)
    assert (contributions[:, 3:5] == 0).all()
    assert roc_auc(y, fitted.decision_function(X)) > 0.85
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expit(fitted.decision_function(X)))
    assert fitted.predict(X).tolist() == (fitted.predict_proba(X)[:, 1] > 0.5).astype(int).tolist()


def test_the_bag_is_the_mean_of_different_boosters(fitted: BoostedTrees) -> None:
    X, _ = _rows()
    alone = np.array([booster.predict(X, raw_score=True) for booster in fitted.boosters_])
    assert len(alone) == 3
    assert np.abs(alone[0] - alone[1]).max() > 0.01
    np.testing.assert_allclose(fitted.decision_function(X), alone.mean(axis=0))


def test_one_row_has_the_bits_of_the_batch_also_from_many_threads(fitted: BoostedTrees) -> None:
    X, _ = _rows()
    batch = fitted.decision_function(X).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert [float(z[0]) for z in pool.map(fitted.decision_function, np.split(X, len(X)))] == batch
    assert fitted.decision_function(np.asfortranarray(X)).tolist() == batch
    assert fitted.decision_function(X[:0]).shape == (0,)
    assert fitted.contributions(X[:0]).shape == (0, 6)


def test_artefact_and_copies_answer_alike(fitted: BoostedTrees) -> None:
    X, _ = _rows()
    files = fitted.to_files()
    assert sorted(files) == ["boosted_trees.json", "booster_0.txt", "booster_1.txt", "booster_2.txt"]
    restored = BoostedTrees.from_files(files)
    assert restored.get_params() == fitted.get_params()
    assert restored.to_files() == files
    for other in (restored, copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):  # noqa: S301
        assert (other.decision_function(X) == fitted.decision_function(X)).all()
        assert (other.decision_function(X[:1]) == fitted.decision_function(X[:1])).all()


def test_same_seed_same_model() -> None:
    X, y = _rows()
    trees = BoostedTrees(n_estimators=10, num_threads=1)
    assert trees.fit(X, y).to_files() == clone(trees).fit(X, y).to_files()
    other = clone(trees).set_params(seed=8).fit(X, y)
    assert (other.decision_function(X) != trees.decision_function(X)).any()


def test_monotone_column_moves_one_way_only(fitted: BoostedTrees) -> None:
    X, _ = _rows()
    for row in X[:20]:
        grid = np.repeat(row[None], 60, axis=0)
        grid[:, 0] = np.linspace(-4, 4, 60)
        assert (np.diff(fitted.decision_function(grid)) >= 0).all()


def test_category_not_seen_is_a_missing_one(fitted: BoostedTrees) -> None:
    X, _ = _rows()
    unseen, missing = X[:50].copy(), X[:50].copy()
    unseen[:, 2], missing[:, 2] = 99, np.nan
    assert (fitted.decision_function(unseen) == fitted.decision_function(missing)).all()


def test_weight_counts_as_rows() -> None:
    X, y = _rows(400)
    weight = np.where(X[:, 0] > 0, 2.0, 1.0)
    trees = BoostedTrees(n_estimators=10, num_threads=1, feature_fraction=1, bagging_freq=0, min_data_in_leaf=1)
    weighted = trees.fit(X, y, weight).decision_function(X)
    repeated = clone(trees).fit(np.repeat(X, weight.astype(int), axis=0), np.repeat(y, weight.astype(int)))
    unweighted = clone(trees).fit(X, y).decision_function(X)
    distance = [np.abs(z - repeated.decision_function(X)).mean() for z in (weighted, unweighted)]
    assert distance[0] < 0.5 * distance[1]


@pytest.mark.parametrize("X", [np.ones((60, 2)), np.full((60, 2), np.nan), np.array([[1.0], [2.0]])])
def test_columns_that_say_nothing_give_the_average(X: np.ndarray) -> None:
    y = np.arange(len(X)) % 2
    trees = BoostedTrees(n_estimators=5, num_threads=1).fit(X, y)
    np.testing.assert_allclose(trees.predict_proba(X)[:, 1], 0.5)
    np.testing.assert_allclose(trees.contributions(X).sum(axis=1), trees.decision_function(X), atol=1e-12)
    assert (BoostedTrees.from_files(trees.to_files()).decision_function(X) == trees.decision_function(X)).all()


@pytest.mark.parametrize(
    ("X", "y", "weight", "rule"),
    [
        ([[1.0], [2.0]], [1, 1], None, "y holds one class only"),
        ([[1.0], [2.0]], [0, 2], None, "y must be 0 or 1, got 2.0"),
        ([[1.0], [np.inf]], [0, 1], None, r"column 0 holds an infinite value \(row 1\)"),
        ([["a"], ["b"]], [0, 1], None, "numbers only"),
        ([1.0, 2.0], [0, 1], None, "two dimensions"),
        ([[1.0], [2.0]], [0, 1, 1], None, "3 for 2 rows"),
        ([[1.0], [2.0]], [0, 1], [1, 0], "sample_weight must be finite and above 0, got 0.0"),
        (np.empty((2, 0)), [0, 1], None, "no columns"),
    ],
)
def test_invalid_training_data_is_refused(X, y, weight, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        BoostedTrees().fit(X, y, weight)


@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({"bag": 0}, "bag must be at least 1, got 0"),
        ({"bag": 2, "feature_fraction": 1.0, "bagging_freq": 0}, "boosters would be identical"),
        ({"monotone": {7: 1}}, "monotone names column 7"),
        ({"monotone": {0: 2}}, "must be -1, 0 or 1, got 2"),
        ({"monotone": {2: 1}, "categorical": (2,)}, "column 2 is categorical"),
        ({"categorical": (5,)}, "categorical names column 5"),
        ({"num_leaves": 1}, "LightGBM refuses"),
    ],
)
def test_parameters_that_contradict_are_refused(params: dict, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        BoostedTrees(**params).fit(*_rows(200))


def test_another_number_of_columns_is_refused(fitted: BoostedTrees) -> None:
    with pytest.raises(DataError, match="5 columns, as in fit; got shape"):
        fitted.decision_function(np.ones((1, 4)))


@pytest.mark.parametrize(
    ("name", "change", "error", "rule"),
    [
        ("booster_1.txt", None, ModelNotFound, "lacks the file 'booster_1.txt'"),
        ("boosted_trees.json", None, ModelNotFound, "lacks the file 'boosted_trees.json'"),
        ("booster_1.txt", lambda text: text[: len(text) // 2], DataError, "'booster_1.txt' is damaged"),
        ("booster_1.txt", lambda text: text.replace(b"num_leaves=", b"num_laeves="), DataError, "checksum differs"),
        ("boosted_trees.json", lambda text: b"{", DataError, "is damaged: it is not JSON"),
        (
            "boosted_trees.json",
            lambda text: b'{"params": {}, "n_features": 5, "sha256": {}}',
            DataError,
            "not the parameters of boosted_trees",
        ),
        ("boosted_trees.json", lambda text: text.replace(b'"bag": 3', b'"bag": "x"'), DataError, "wrong types"),
        (
            "boosted_trees.json",
            lambda text: text.replace(b'"n_features": 5', b'"n_features": 6'),
            DataError,
            "n_features is 6",
        ),
    ],
)
def test_a_damaged_artefact_is_refused(fitted: BoostedTrees, name: str, change, error: type, rule: str) -> None:
    files = fitted.to_files()
    content = files.pop(name)
    if change is not None:
        files[name] = change(content)
        assert files[name] != content
    with pytest.raises(error, match=rule):
        BoostedTrees.from_files(files)
