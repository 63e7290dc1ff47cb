"""scikit-learn's estimator contract, without importing scikit-learn.

The import takes 3.5 s of CPU, because it brings pandas and scipy.stats, and reading a configuration needs no more of an
estimator than the names of its parameters. scikit-learn asks for methods and not for its base class ("Developing
scikit-learn estimators"): `clone`, pipelines and searches that name `scoring` take these estimators.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.special import expit

from ml.domain.arrays import FloatArray, IntArray


class SklearnEstimator:
    """Parameters by name, as `sklearn.base.BaseEstimator` has them; no parameter is itself an estimator.

    Attributes
    ----------
    estimator_type : {'classifier', 'regressor', 'transformer'} or None
        What scikit-learn's tags say.

    Examples
    --------
    >>> class Ridge(SklearnEstimator):
    ...     estimator_type = "regressor"
    ...     def __init__(self, *, alpha: float = 1.0) -> None:
    ...         self.alpha = alpha
    >>> Ridge(alpha=2.0).get_params(), Ridge().set_params(alpha=3.0), Ridge()
    ({'alpha': 2.0}, Ridge(alpha=3.0), Ridge())
    >>> from sklearn.base import clone, is_regressor
    >>> clone(Ridge(alpha=2.0)).alpha, is_regressor(Ridge())
    (2.0, True)
    """

    estimator_type: ClassVar[Literal["classifier", "regressor", "transformer"] | None] = None

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        parameters = inspect.signature(cls).parameters
        return {name: parameters[name].default for name in sorted(parameters)}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters by name, in alphabetical order."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Raises
        ------
        ValueError
            The constructor has no such parameter.
        """
        names = list(self._defaults())
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = self._defaults()
        changed = {n: v for n, v in self.get_params().items() if repr(v) != repr(defaults[n])}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in changed.items())})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags, TransformerTags

        kind = self.estimator_type
        return Tags(
            estimator_type=None if kind == "transformer" else kind,
            target_tags=TargetTags(required=kind in ("classifier", "regressor")),
            transformer_tags=TransformerTags() if kind == "transformer" else None,
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
        )


class SklearnTransformer(SklearnEstimator):
    """A transformer of that contract."""

    estimator_type = "transformer"

    def fit_transform(self, X: Any, *y: Any) -> Any:
        """Fit, then transform the same rows."""
        return self.fit(X, *y).transform(X)  # type: ignore[attr-defined]


class BinaryClassifier(SklearnEstimator):
    """A classifier of outcomes 0 and 1 by log-odds, which reads NaN as missing."""

    estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of 1 of each row."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of 0 and 1, shape (n_rows, 2); errors as `decision_function`."""
        probability = expit(self.decision_function(X))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> IntArray:
        """1 where the probability is above one half, else 0; errors as `decision_function`."""
        return (self.decision_function(X) > 0).astype(np.int64)


def check_is_fitted(estimator: object, attribute: str | None = None) -> None:
    """Refuse an estimator that has not learned: no attribute of it ends in `_`, or the named one is missing.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        Call `fit` first.
    """
    own = vars(estimator)
    # What is learned is set last: from the end the search stops at once, on the path of every request.
    if attribute in own if attribute else any(n.endswith("_") and not n.startswith("__") for n in reversed(own)):
        return
    from sklearn.exceptions import NotFittedError

    raise NotFittedError(f"this {type(estimator).__name__} is not fitted: call fit first")
