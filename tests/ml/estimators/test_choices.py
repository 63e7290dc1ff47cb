"""Conditional logit and choice trees: hand-computed values, recovered coefficients, refused arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.peers.choice_trees import ChoiceTrees
from benchmarks.peers.conditional_logit import ConditionalLogit, softmax_of_each
from features.errors import ConfigError, DataError

TRUE = np.array([1.2, -0.7, 0.0])


def simulated(n: int, *, seed: int = 0, curve: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return choices among 2 to 5 alternatives with coefficients TRUE; `curve` adds a non-linear threshold effect."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 6, n)
    x = rng.normal(size=(sizes.sum(), 3))
    p = softmax_of_each(x @ TRUE + curve * (np.abs(x[:, 2]) < 0.5), sizes)
    begins = np.cumsum(sizes) - sizes
    chosen = np.zeros(len(x))
    for begin, size in zip(begins, sizes, strict=True):
        chosen[begin + rng.choice(size, p=p[begin : begin + size])] = 1
    return x, chosen, sizes


def test_true_coefficients_lie_within_their_errors() -> None:
    model = ConditionalLogit().fit(*simulated(4_000))
    assert (np.abs(model.coefficients_ - TRUE) < 3.5 * model.standard_errors_).all()
    assert (model.standard_errors_ < 0.05).all()


def test_two_alternatives_are_a_logistic_regression_of_their_difference() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2_000, 2))
    difference = x[1::2] - x[::2]
    second = rng.random(1_000) < 1 / (1 + np.exp(-(difference @ [0.8, -0.5])))
    chosen = np.empty(2_000)
    chosen[1::2], chosen[::2] = second, ~second
    peer = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10).fit(difference, second)
    ours = ConditionalLogit().fit(x, chosen, [2] * 1_000)
    np.testing.assert_allclose(ours.coefficients_, peer.coef_[0], atol=1e-3)


def test_columns_equal_for_all_alternatives_have_no_effect() -> None:
    x, chosen, sizes = simulated(500)
    model = ConditionalLogit().fit(x, chosen, sizes)
    shifted = x + np.repeat(np.random.default_rng(1).normal(size=(500, 3)), sizes, axis=0)
    np.testing.assert_allclose(model.probabilities(x, sizes), model.probabilities(shifted, sizes), atol=1e-9)
    constant = ConditionalLogit().fit(np.column_stack([x, np.ones(len(x))]), chosen, sizes)
    assert constant.coefficients_[3] == 0 and np.isnan(constant.standard_errors_[3])


def test_trees_fit_a_non_linear_utility() -> None:
    x, chosen, sizes = simulated(3_000, curve=2.0)
    y, test_chosen, test_sizes = simulated(1_000, seed=9, curve=2.0)

    def loss(p: np.ndarray) -> float:
        return -float(np.log(p[test_chosen > 0]).mean())

    linear = ConditionalLogit().fit(x, chosen, sizes)
    trees = ChoiceTrees(num_threads=1).fit(x, x, chosen, sizes)
    assert loss(trees.probabilities(y, y, test_sizes)) < loss(linear.probabilities(y, test_sizes)) - 0.1
    again = ChoiceTrees(num_threads=1).fit(x, x, chosen, sizes)
    restored = ChoiceTrees.from_files(trees.to_files())
    for other in (again, restored):
        np.testing.assert_array_equal(other.utilities(y, y), trees.utilities(y, y))
    files = ConditionalLogit.from_files(linear.to_files())
    np.testing.assert_array_equal(files.utilities(y), linear.utilities(y))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": [1, 1, 0, 0]}, "choice 0 has 2"),
        ({"chosen": [1, 0, 0, 0]}, "choice 1 has 0"),
        ({"chosen": [1, 0, 0.5, 0.5]}, "chosen must be 0 or 1"),
        ({"sizes": [2, 3]}, "add up to the 4 rows"),
        ({"sizes": []}, "at least 1"),
        ({"X": [[1.0], [np.nan], [0.0], [1.0]]}, "finite numbers"),
        ({"X": [[1.0]]}, "must have 4 rows"),
    ],
)
def test_invalid_choices_raise(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"X": [[1.0], [2.0], [0.0], [1.0]], "chosen": [1, 0, 0, 1], "sizes": [2, 2], **change}
    with pytest.raises(DataError, match=message):
        ConditionalLogit().fit(**arguments)


def test_a_negative_penalty_raises() -> None:
    with pytest.raises(ConfigError, match="l2 must be 0 or more, got -1"):
        ConditionalLogit(l2=-1).fit([[1.0], [2.0]], [1, 0], [2])
