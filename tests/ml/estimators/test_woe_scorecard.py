"""WoeScorecard: equal to optbinning, exact contributions, artefacts without optbinning."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.woe_bins import assign_bins
from ml.estimators.woe_scorecard import WoeScorecard
from ml.metrics import roc_auc

NAMES = ["income", "debt", "region", "constant", "empty"]


def _rows(n: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Risk falls with column 0, rises with 1, differs by code of 2; column 3 is constant and 4 wholly missing."""
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [rng.normal(size=n), rng.integers(0, 9, n), rng.integers(0, 6, n), np.ones(n), np.full(n, np.nan)]
    )
    X[rng.random(n) < 0.08, 0] = np.nan
    risk = -np.nan_to_num(X[:, 0], nan=-1.5) + X[:, 1] / 4 + np.isin(X[:, 2], (1, 4)) - 2.5
    return X, (rng.random(n) < expit(risk)).astype(float)


@pytest.fixture(scope="module")
def fitted() -> WoeScorecard:
    return WoeScorecard(categorical=(2,), monotone={1: 1}).fit(*_rows())


def test_bins_and_evidence_are_those_of_optbinning() -> None:
    from optbinning import OptimalBinning

    X, y = _rows()
    card = WoeScorecard(categorical=(2,), prior_rows=0).fit(X, y)
    for column, kind in ((0, "numerical"), (1, "numerical"), (2, "categorical")):
        binning = OptimalBinning(
            dtype=kind,
            max_n_prebins=30,
            min_prebin_size=0.02,
            max_n_bins=10,
            min_bin_size=0.02,
            monotonic_trend="auto_heuristic" if kind == "numerical" else None,
            random_state=0,
            user_splits=card.bins_[column].edges if kind == "numerical" else None,
        ).fit(X[:, column], y.astype(int))
        theirs = binning.transform(X[:, column], metric="woe", metric_missing="empirical")
        ours = np.array(card.bins_[column].woe)[assign_bins(X[:, column], card.bins_[column])]
        np.testing.assert_allclose(ours, -theirs, atol=1e-9)  # optbinning counts goods over bads


def test_coefficients_are_not_negative(fitted: WoeScorecard) -> None:
    X, y = _rows()
    assert (fitted.coefficients_ >= 0).all()
    assert fitted.coefficients_[3:].tolist() == [0, 0]
    assert roc_auc(y, fitted.decision_function(X)) > 0.75
    assert (np.diff(fitted.bins_[1].woe[:-1]) > 0).all()


def test_a_constraint_against_the_data_leaves_one_bin() -> None:
    X, y = _rows()
    card = WoeScorecard(monotone={1: -1}).fit(X[:, :2], y)
    assert card.bins_[1].edges == []


def test_contributions_add_up_and_one_row_has_the_bits_of_the_batch(fitted: WoeScorecard) -> None:
    X, _ = _rows()
    X[:6, 2] = [99, -1, np.nan, 0, 5, 3]
    batch = fitted.decision_function(X)
    assert fitted.contributions(X).shape == (len(X), 6)
    np.testing.assert_allclose(fitted.contributions(X).sum(axis=1), batch, atol=1e-12)
    assert [float(fitted.decision_function(row[None])[0]) for row in X[:500]] == batch[:500].tolist()
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


def test_an_unseen_code_is_missing_and_contributes_nothing_without_missing_rows(fitted: WoeScorecard) -> None:
    assert fitted.contributions([[0.0, 3.0, 99.0, 1.0, np.nan]])[0, 2] == 0


def test_three_missing_rows_have_little_evidence() -> None:
    X, y = _rows()
    X = X[:, [1]].copy()
    X[:3] = np.nan
    y[:3] = 1
    assert abs(WoeScorecard().fit(X, y).bins_[0].woe[-1]) < 0.5
    assert WoeScorecard(prior_rows=0).fit(X, y).bins_[0].woe[-1] == 0  # a single class: 0, as in optbinning


def test_the_scale_of_the_weights_does_not_matter() -> None:
    X, y = _rows()
    card = WoeScorecard().fit(X[:, :2], y)
    light = WoeScorecard().fit(X[:, :2], y, np.full(len(y), 0.001))
    assert light.bins_[0].edges == card.bins_[0].edges
    rng = np.random.default_rng(2)
    weighted = WoeScorecard().fit(X[:, :2], y, rng.uniform(0.001, 0.002, len(y)))
    assert len(weighted.bins_[1].edges) > 2


def test_artefact_answers_alike_without_optbinning(fitted: WoeScorecard, tmp_path) -> None:
    X, _ = _rows()
    files = fitted.to_files()
    restored = WoeScorecard.from_files(files)
    assert restored.get_params() == fitted.get_params()
    assert restored.to_files() == files
    assert (restored.decision_function(X) == fitted.decision_function(X)).all()
    path = tmp_path / "woe_scorecard.json"
    path.write_bytes(files["woe_scorecard.json"])
    script = (
        "import sys, pathlib; sys.modules['optbinning'] = None\n"
        "from ml.estimators.woe_scorecard import WoeScorecard\n"
        f"card = WoeScorecard.from_files({{'woe_scorecard.json': pathlib.Path({str(path)!r}).read_bytes()}})\n"
        "print(repr(float(card.decision_function([[0.5, 3.0, 1.0, 1.0, float('nan')]])[0])))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(answer) == float(fitted.decision_function([[0.5, 3.0, 1.0, 1.0, np.nan]])[0])


@pytest.mark.parametrize("X", [np.ones((60, 1)), np.full((60, 1), np.nan), np.array([[1.0], [2.0]])])
def test_columns_that_say_nothing_give_the_average(X: np.ndarray) -> None:
    card = WoeScorecard().fit(X, np.arange(len(X)) % 2)
    np.testing.assert_allclose(card.predict_proba(X)[:, 1], 0.5, atol=1e-6)


def test_data_and_parameters_that_cannot_be_used_are_refused(fitted: WoeScorecard) -> None:
    X, y = _rows(200)
    with pytest.raises(DataError, match="one class only"):
        WoeScorecard().fit(X, np.zeros(200))
    with pytest.raises(DataError, match="column 1 holds an infinite value"):
        WoeScorecard().fit([[1.0, np.inf], [1.0, 2.0]], [0, 1])
    with pytest.raises(ConfigError, match="categorical names column 5"):
        WoeScorecard(categorical=(5,)).fit(X, y)
    with pytest.raises(DataError, match="5 columns"):
        fitted.decision_function(X[:, :4])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content | {"coefficients": [1.0]},
        lambda content: content | {"bins": [{}]},
        lambda content: content | {"intercept": None},
        lambda content: content | {"params": []},
        lambda content: content | {"more": 1},
        lambda content: content | {"bins": [content["bins"][0] | {"woe": [1.0]}, *content["bins"][1:]]},
        lambda content: content | {"bins": [content["bins"][0] | {"edges": [2.0, 1.0]}, *content["bins"][1:]]},
    ],
)
def test_a_damaged_artefact_is_refused(fitted: WoeScorecard, change) -> None:
    content = json.loads(fitted.to_files()["woe_scorecard.json"])
    with pytest.raises(DataError, match=r"'woe_scorecard\.json' is damaged"):
        WoeScorecard.from_files({"woe_scorecard.json": json.dumps(change(content)).encode()})
    with pytest.raises(ModelNotFound, match="lacks the file"):
        WoeScorecard.from_files({})


def test_it_is_a_scikit_learn_estimator(fitted: WoeScorecard) -> None:
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "bins_")
    assert fitted.n_features_in_ == 5
    assert fitted.classes_.tolist() == [0, 1]
