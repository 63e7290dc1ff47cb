"""Types of a study: fitted estimators, evaluation requests and summaries of the data."""

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
    """Estimator to register, and estimator to evaluate on the test data; returned by `StudyData.fit`.

    Make one with ``training.study.load_data(training.config.load_config("credit_risk")).fit()``.

    Attributes
    ----------
    served : Estimator
        Registered and served; may be refitted on all data, test data included.
    evaluated : Estimator
        Fitted without the test data; the same object as `served` if that was not refitted.
    """

    served: E
    evaluated: E


@dataclass(frozen=True)
class Evaluation(Generic[E]):
    """Request for an evaluation, an argument of `training.study.Study.evaluate`.

    Attributes
    ----------
    method : {'holdout', 'folds', 'logged'}
        Evaluate a version on the test data, cross-validate the configuration, or evaluate a version off-policy on
        logged exposures.
    load_estimator : callable
        Takes nothing and returns the fitted estimator, such as `lambda: ml.champions.load(version).estimator`; not
        called for 'folds'.
    folds : int
        Number of folds, at least 2, for 'folds'; not read otherwise.
    exposures : Path or None
        Existing file of logged exposures (.parquet or .csv), for 'logged'; None: the source `exposures`.

    Examples
    --------
    >>> Evaluation("folds", lambda: None, folds=5).folds
    5
    """

    method: EvaluationMethod
    load_estimator: Callable[[], E]
    folds: int = 0
    exposures: Path | None = None


class Leak(TypedDict):
    """Column that may leak the outcome, an element of `leaks` in what `describe()` of a study returns.

    Attributes
    ----------
    column : str
        Name of the column.
    verdict : {'leak', 'suspect'}
        A leak must not be a feature; of a suspect, check when it is recorded.
    acknowledged : bool
        Whether `acknowledged_leaks` in the configuration names it.
    evidence : sequence of mapping
        Of each sign: `rule` (str), `value` (float) and `text` (one line with the figures).
    """

    column: str
    verdict: str
    acknowledged: bool
    evidence: Sequence[Mapping[str, Any]]


class DataSummary(TypedDict):
    """Summary of the data of a study, as returned by `training.study.load_data(config).describe()`.

    Attributes
    ----------
    examples : mapping of str to mapping of str to int
        Counts by part, such as ``{"train": {"rows": 600, "positive": 50}}``.
    numeric, categorical : sequence of str
        Feature names.
    leaks : sequence of Leak, or None
        Columns that may leak the outcome: `column`, `verdict`, `acknowledged` and `evidence`. None if the columns of
        the task are not tested for leaks.
    """

    examples: Mapping[str, Mapping[str, int]]
    numeric: Sequence[str]
    categorical: Sequence[str]
    leaks: Sequence[Leak] | None
