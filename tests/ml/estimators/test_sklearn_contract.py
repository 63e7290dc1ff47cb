"""scikit-learn's requirements hold for our estimators, which do not import it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import Calibrator
from ml.estimators.quantile_trees import QuantileTrees
from ml.estimators.retrievers.als import ALS
from ml.estimators.woe_scorecard import WoeScorecard

ESTIMATORS = (BoostedTrees, Calibrator, QuantileTrees, ALS, WoeScorecard)
X = np.arange(400.0).reshape(200, 2) % 37
Y = (X[:, 0] > 18).astype(int)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_parameters_by_name_and_clones(estimator_class: type[Any]) -> None:
    estimator = estimator_class()
    params = estimator.get_params()
    assert list(params) == sorted(params)
    name = next(iter(params))
    assert clone(estimator_class(**{name: params[name]})).get_params() == params
    assert repr(estimator_class()) == f"{estimator_class.__name__}()"
    with pytest.raises(ValueError, match=f"{estimator_class.__name__} has no parameter 'nothing'"):
        estimator.set_params(nothing=1)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_an_estimator_that_is_not_fitted_is_one_for_scikit_learn_too(estimator_class: type[Any]) -> None:
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator_class())


def test_kinds() -> None:
    assert is_classifier(BoostedTrees()) and is_classifier(WoeScorecard()) and is_regressor(QuantileTrees())
    assert get_tags(BoostedTrees()).input_tags.allow_nan and get_tags(BoostedTrees()).target_tags.required
    assert get_tags(Calibrator()).transformer_tags is not None and not is_classifier(Calibrator())


def test_pipelines_and_searches_take_them() -> None:
    trees = BoostedTrees(n_estimators=3, min_data_in_leaf=5)
    pipeline = make_pipeline(StandardScaler(), trees).fit(X, Y)
    assert (pipeline.predict(X) == Y).mean() > 0.9
    search = GridSearchCV(trees, {"num_leaves": [3, 5]}, scoring="roc_auc", cv=2).fit(X, Y)
    assert search.best_score_ > 0.9 and search.best_params_["num_leaves"] in (3, 5)
