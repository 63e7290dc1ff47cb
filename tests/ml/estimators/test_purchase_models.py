"""BG/NBD, Pareto/NBD and gamma-gamma against published formulas and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from features.errors import DataError
from ml.estimators.bg_nbd import BgNbd
from ml.estimators.gamma_gamma import GammaGamma
from ml.estimators.pareto_nbd import ParetoNbd

MODELS = (BgNbd, ParetoNbd)


def _histories(n: int, *, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return Pareto/NBD histories observed for 52 weeks, and the purchases in the following 26 weeks."""
    rng = np.random.default_rng(seed)
    rate, lifetime = rng.gamma(0.8, 1 / 8, n), rng.exponential(1 / rng.gamma(0.7, 1 / 12, n))
    x, t, later = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        moments = np.cumsum(rng.exponential(1 / rate[i], 400))
        moments = moments[moments < min(lifetime[i], 78)]
        observed = moments[moments < 52]
        x[i], t[i] = len(observed), observed[-1] if len(observed) else 0.0
        later[i] = len(moments) - len(observed)
    return x, t, np.full(n, 52.0), later


def test_pareto_nbd_recovers_the_population_and_predicts_its_future() -> None:
    x, t, T, later = _histories(6_000)
    model = ParetoNbd().fit(x, t, T)
    r, alpha, _, _ = model.parameters_
    assert r == pytest.approx(0.8, rel=0.15)
    assert alpha == pytest.approx(8, rel=0.2)
    predicted = model.expected_purchases(26, x, t, T)
    assert predicted.sum() == pytest.approx(later.sum(), rel=0.05)
    for low, high, within in ((0, 0, 0.3), (1, 3, 0.12), (4, 400, 0.12)):  # and by number of earlier purchases
        group = (x >= low) & (x <= high)
        assert predicted[group].sum() == pytest.approx(later[group].sum(), rel=within)


def test_quadrature_equals_the_published_hypergeometric_form() -> None:
    """P(active) of Fader and Hardie's note, with A0 by the hypergeometric function."""
    x, t, T = np.array([0, 1, 4, 4, 30.0]), np.array([0, 5, 38, 10, 20.0]), np.full(5, 39.0)
    for r, alpha, s, beta in ((0.553, 10.578, 0.606, 11.669), (2.0, 3.0, 0.5, 20.0), (2.0, 20.0, 1.5, 3.0)):
        larger, smaller = max(alpha, beta), min(alpha, beta)
        total, second = r + s + x, (s + 1) if alpha >= beta else (r + x)

        def term(u: np.ndarray) -> np.ndarray:
            z = (larger - smaller) / (larger + u)  # noqa: B023
            return hyp2f1(total, second, total + 1, z) / (larger + u) ** total  # noqa: B023

        inactive_odds = s / total * (alpha + T) ** (r + x) * (beta + T) ** s * (term(t) - term(T))
        model = ParetoNbd()
        model.parameters_ = np.array([r, alpha, s, beta])
        np.testing.assert_allclose(model.probability_active(x, t, T), 1 / (1 + inactive_odds), rtol=1e-9)


def test_bg_nbd_gives_the_papers_example() -> None:
    """Customer 1 of the paper's data: two repeat purchases, the last in week 30.43 of 38.86."""
    model = BgNbd()
    model.parameters_ = np.array([0.243, 4.414, 0.793, 2.426])
    assert model.expected_purchases(39, [2], [30.43], [38.86])[0] == pytest.approx(1.226, abs=5e-4)
    assert model.probability_active([0], [0], [38.86])[0] == 1


@pytest.mark.parametrize("model", MODELS)
@given(
    x=st.integers(0, 200),
    share=st.floats(0, 1),
    age=st.floats(0.1, 1_000),
    horizon=st.floats(0, 1_000),
)
@settings(max_examples=60)
def test_expectations_are_finite_and_grow_with_the_horizon(
    model: type[BgNbd] | type[ParetoNbd], x: int, share: float, age: float, horizon: float
) -> None:
    fitted = model()
    fitted.parameters_ = np.array([0.5, 5.0, 0.8, 2.5])
    recency = 0.0 if x == 0 else share * age
    short, long = (fitted.expected_purchases(h, [x], [recency], [age])[0] for h in (horizon, horizon + 1))
    assert 0 <= short <= long < np.inf
    assert 0 <= fitted.probability_active([x], [recency], [age])[0] <= 1


@pytest.mark.parametrize("model", MODELS)
def test_bad_histories_are_refused_by_name(model: type[BgNbd] | type[ParetoNbd]) -> None:
    for history, message in (
        (([1], [5], [3]), "recency"),
        (([-1], [0], [3]), "frequency"),
        (([1.5], [1], [3]), "frequency"),
        (([0], [1], [3]), "recency"),
        (([1], [1], [np.nan]), "age"),
        (([0, 0], [0, 0], [3, 3]), "no customer has a repeat purchase"),
        (([], [], []), "at least 1"),
    ):
        with pytest.raises(DataError, match=message):
            model().fit(*history)


def test_spend_shrinks_towards_the_mean_by_its_number_of_purchases() -> None:
    rng = np.random.default_rng(0)
    count = rng.integers(1, 8, 5_000)
    own = 15 / rng.gamma(4, 1, 5_000)
    model = GammaGamma().fit(count, rng.gamma(6 * count, own / count))
    one, many = model.expected_spend([1, 50], [100.0, 100.0])
    assert one < many < 100
    without_purchase = model.expected_spend([0], [0.0])[0]
    assert without_purchase == pytest.approx(6 * own.mean(), rel=0.1)
