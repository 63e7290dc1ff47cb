"""scikit-learn's estimator interface: parameters, tags, and the check for fitted estimators."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from ml.estimators.contract import SklearnEstimator, SklearnTransformer, check_is_fitted


class Doubling(SklearnTransformer):
    """Multiplies numbers."""

    def __init__(self, *, times: float = 2.0, after: tuple[int, ...] = ()) -> None:
        self.times = times
        self.after = after

    def fit(self, X: list[float], y: Any = None) -> Doubling:
        self.n_ = len(X)
        return self

    def transform(self, X: list[float]) -> list[float]:
        check_is_fitted(self)
        return [self.times * x for x in X]


class Mean(SklearnEstimator):
    estimator_type = "regressor"


class Majority(SklearnEstimator):
    estimator_type = "classifier"


def test_parameters_come_by_name_and_go_by_name() -> None:
    doubling = Doubling(times=3.0)
    assert doubling.get_params() == {"after": (), "times": 3.0}
    assert doubling.set_params(times=4.0, after=(1,)) is doubling and doubling.times == 4.0
    with pytest.raises(ValueError, match="Doubling has no parameter 'size'; it has: after, times"):
        doubling.set_params(size=1)


def test_what_is_printed_are_the_parameters_that_were_changed() -> None:
    assert repr(Doubling()) == "Doubling()"
    assert repr(Doubling(times=3.0, after=(1,))) == "Doubling(after=(1,), times=3.0)"


def test_a_clone_has_the_parameters_and_nothing_learnt() -> None:
    fitted = Doubling(times=3.0).fit([1.0])
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "n_")


def test_what_is_not_fitted_is_refused() -> None:
    with pytest.raises(NotFittedError, match="this Doubling is not fitted: call fit first"):
        Doubling().transform([1.0])
    fitted = Doubling().fit([1.0])
    check_is_fitted(fitted)
    check_is_fitted(fitted, "n_")
    with pytest.raises(NotFittedError):
        check_is_fitted(fitted, "mean_")


def test_tags_say_what_an_estimator_is() -> None:
    assert is_regressor(Mean()) and not is_classifier(Mean()) and is_classifier(Majority())
    assert get_tags(Mean()).target_tags.required and not get_tags(Doubling()).target_tags.required
    assert get_tags(Doubling()).transformer_tags is not None and get_tags(Doubling()).estimator_type is None
    assert get_tags(SklearnEstimator()).estimator_type is None


def test_a_transformer_stands_in_a_pipeline() -> None:
    assert Doubling().fit_transform([1.0, 2.0]) == [2.0, 4.0]
    assert make_pipeline(Doubling(), Doubling(times=5.0)).fit_transform([1.0]) == [10.0]
