"""scikit-learn's estimator interface without importing scikit-learn.

The import costs 3.5 s of CPU (it loads pandas and scipy.stats), while reading a configuration needs only the names of
an estimator's parameters. scikit-learn requires methods, not its base class ("Developing scikit-learn estimators"):
`clone`, `Pipeline`, and `GridSearchCV` with an explicit `scoring` accept these estimators.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.special import expit

from ml.domain.arrays import FloatArray, IntArray


class SklearnEstimator:
    """Replacement for `sklearn.base.BaseEstimator`: `get_params`, `set_params`, `__repr__` and tags.

    Subclasses take keyword parameters in `__init__` and store them under the same names; nested estimators are not
    supported. Fitted attributes end in `_`.

    Attributes
    ----------
    estimator_type : {'classifier', 'regressor', 'transformer'} or None
        Class attribute; the estimator type in scikit-learn's tags.

    Examples
    --------
    >>> from ml.estimators.contract import SklearnEstimator
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
        """Return the parameters of the constructor by name, in alphabetical order; `deep` has no effect."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters and return the estimator.

        Raises
        ------
        ValueError
            The constructor has no parameter of that name.
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
    """Base class of transformers, such as `ml.estimators.tabular_encoder.TabularEncoder`: adds `fit_transform`."""

    estimator_type = "transformer"

    def fit_transform(self, X: Any, *y: Any) -> Any:
        """Return `self.fit(X, *y).transform(X)`."""
        return self.fit(X, *y).transform(X)  # type: ignore[attr-defined]


class BinaryClassifier(SklearnEstimator):
    """Base class of classifiers of 0 and 1, such as `ml.estimators.boosted_trees.BoostedTrees`; NaN is missing."""

    estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of 1, shape (n_rows,), for X of shape (n_rows, n_features)."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probabilities of 0 and 1, shape (n_rows, 2), for X of shape (n_rows, n_features)."""
        probability = expit(self.decision_function(X))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> IntArray:
        """Return 1 where the probability of 1 is above 0.5, else 0, shape (n_rows,), for X (n_rows, n_features)."""
        return (self.decision_function(X) > 0).astype(np.int64)


def check_is_fitted(estimator: object, attribute: str | None = None) -> None:
    """Raise unless an estimator is fitted, as `sklearn.utils.validation.check_is_fitted`.

    Parameters
    ----------
    estimator : object
        Estimator whose fitted attributes end in `_`.
    attribute : str, optional
        The attribute that must exist; without it, any fitted attribute will do.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The estimator is not fitted: call `fit` first.

    Examples
    --------
    >>> from ml.estimators.calibration import Calibrator
    >>> from ml.estimators.contract import check_is_fitted
    >>> check_is_fitted(Calibrator().fit([-1.0, 1.0, -0.5, 2.0], [0, 1, 1, 0]))
    """
    names = vars(estimator)
    # Fitted attributes are set last: searching from the end stops at once; every request runs this check.
    if attribute in names if attribute else any(n.endswith("_") and not n.startswith("__") for n in reversed(names)):
        return
    from sklearn.exceptions import NotFittedError

    raise NotFittedError(f"this {type(estimator).__name__} is not fitted: call fit first")
