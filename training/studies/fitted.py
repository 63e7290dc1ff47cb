"""What a study fits, on what a version is evaluated, and what a training would read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypedDict, TypeVar

from ml.problem import Estimator

E = TypeVar("E", bound=Estimator)
EvaluationMethod = Literal["holdout", "folds", "logged"]


@dataclass(frozen=True)
class Fitted(Generic[E]):
    """The estimator to register, and the estimator whose answers the holdout measures.

    Attributes
    ----------
    served : Estimator
        Registered and served; under `refit` it may have been fitted on the holdout too.
    evaluated : Estimator
        Fitted without the holdout; the same object where `served` has not seen the holdout either.
    """

    served: E
    evaluated: E


@dataclass(frozen=True)
class Evaluation(Generic[E]):
    """What to evaluate, and on what.

    Attributes
    ----------
    method : {'holdout', 'folds', 'logged'}
        The present test part; out-of-fold predictions of the configuration, fitted anew; or logged exposures.
    load_estimator : callable
        Returns the estimator of the version; not called by `folds`.
    folds : int
        Number of folds.
    exposures : Path or None
        File of logged exposures.
    """

    method: EvaluationMethod
    load_estimator: Callable[[], E]
    folds: int = 0
    exposures: Path | None = None


class Leak(TypedDict):
    """A column that seems to know the outcome: a 'leak' or a 'suspect', with evidence whose `text` says why."""

    column: str
    verdict: str
    acknowledged: bool
    evidence: Sequence[Mapping[str, Any]]


class DataSummary(TypedDict):
    """What a training would read: counts by part of the data, features by type, and columns that leak the outcome."""

    examples: Mapping[str, Mapping[str, int]]
    numeric: Sequence[str]
    categorical: Sequence[str]
    leaks: Sequence[Leak]
