"""Ranking trees: order on other queries, SHAP values, monotone constraints and round trip."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.ranking_trees import RankingTrees

QUERIES, ROWS = 300, 8


def draw(
    seed: int,
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Rows whose grade follows the first column; the second is noise, the third is constant within a query."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(QUERIES * ROWS, 3))
    X[:, 2] = np.repeat(rng.normal(size=QUERIES), ROWS)
    X[rng.random(len(X)) < 0.05, 1] = np.nan
    noisy = X[:, 0] + rng.normal(0, 0.3, len(X))
    return X, np.digitize(noisy, [0.5, 1.0, 1.5]).astype(float)


@pytest.fixture(scope="module")
def fitted() -> RankingTrees:
    X, grades = draw(1)
    return RankingTrees(n_estimators=40, min_data_in_leaf=20, num_threads=1).fit(X, grades, [ROWS] * QUERIES)


def test_the_order_generalises_to_other_queries(fitted: RankingTrees) -> None:
    X, grades = draw(2)
    best = fitted.score_rows(X).reshape(QUERIES, ROWS).argmax(axis=1)
    table = grades.reshape(QUERIES, ROWS)
    grade_of_best = table[np.arange(QUERIES), best]
    assert grade_of_best.mean() > 0.85 * table.max(axis=1).mean() > 2 * grades.mean()


def test_contributions_add_up_and_name_the_cause(fitted: RankingTrees) -> None:
    X, _ = draw(3)
    parts = fitted.contributions(X[:50])
    np.testing.assert_allclose(parts.sum(axis=1), fitted.score_rows(X[:50]))
    size = np.abs(parts[:, :3]).mean(axis=0)
    assert size[0] > 3 * size[1:].max()


def test_one_row_equals_the_batch_and_none_is_none(fitted: RankingTrees) -> None:
    X, _ = draw(4)
    batch = fitted.score_rows(X[:20])
    assert [fitted.score_rows(X[i : i + 1])[0] for i in range(20)] == batch.tolist()
    assert fitted.score_rows(X[:0]).shape == (0,) and fitted.contributions(X[:0]).shape == (0, 4)


def test_monotone_is_kept() -> None:
    X, grades = draw(5)
    trees = RankingTrees(n_estimators=30, min_data_in_leaf=20, num_threads=1, monotone={0: -1})
    line = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50), np.zeros(50)])
    assert (np.diff(trees.fit(X, grades, [ROWS] * QUERIES).score_rows(line)) <= 0).all()


def test_only_the_order_of_grades_counts(fitted: RankingTrees) -> None:
    X, grades = draw(1)
    stretched = np.array([0.0, 0.5, 7.0, 8.0])[grades.astype(int)]
    again = RankingTrees(n_estimators=40, min_data_in_leaf=20, num_threads=1).fit(X, stretched, [ROWS] * QUERIES)
    assert (again.score_rows(X) == fitted.score_rows(X)).all()


def test_artefact_answers_alike(fitted: RankingTrees) -> None:
    X, _ = draw(6)
    files = fitted.to_files()
    assert (RankingTrees.from_files(files).score_rows(X) == fitted.score_rows(X)).all()
    with pytest.raises(ModelNotFound, match="lacks"):
        RankingTrees.from_files({"ranking_trees.json": files["ranking_trees.json"]})
    with pytest.raises(DataError, match="checksum"):
        RankingTrees.from_files(files | {"ranking_trees.txt": files["ranking_trees.txt"] + b" "})


@pytest.mark.parametrize(
    ("grades", "sizes", "message"),
    [
        ([0, 1, 0], [2, 2], "must sum to"),
        ([0, 1], [3], "must sum to"),
        ([0, -1, 0], [3], "at least 0"),
        ([0, float("nan"), 0], [3], "finite"),
        ([1, 1, 0], [2, 1], "no order"),
    ],
)
def test_grades_and_sizes_without_an_order_are_refused(grades: list[float], sizes: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RankingTrees().fit(np.zeros((3, 1)), grades, sizes)


def test_no_rows_and_odd_weights_are_refused() -> None:
    with pytest.raises(DataError, match="no order"):
        RankingTrees().fit(np.empty((0, 2)), [], [])
    with pytest.raises(DataError, match="sample_weight"):
        RankingTrees().fit(np.zeros((2, 1)), [0, 1], [2], sample_weight=[1.0, -1.0])
    with pytest.raises(ConfigError, match="LightGBM rejects"):
        RankingTrees(num_leaves=1, num_threads=1).fit(np.zeros((2, 1)), [0, 1], [2])
