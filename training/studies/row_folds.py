"""`chehang evaluate --folds`: fit and test on every fold, for data sets and bars that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray
from training.split import Rows
from training.studies.row_data import Examples, Say
from training.studies.row_report import measure

CALIBRATE_SHARE = 0.1


@dataclass(frozen=True)
class CrossValidated:
    """Out-of-fold evaluation.

    Attributes
    ----------
    by_fold : mapping of str to list of float
        Each metric on each fold.
    mean : mapping of str to float
        Mean over folds.
    pooled : mapping of str to dict
        Each metric over all out-of-fold predictions, with its interval and the naive answer's.
    """

    protocol: str
    rows: int
    by_fold: Mapping[str, list[float]]
    mean: Mapping[str, float]
    pooled: Mapping[str, Mapping[str, float | None]]


def cross_validate(examples: Examples, *, folds: int, progress: Say | None = None) -> CrossValidated:
    """Fit on all folds but one and predict that one, in turn.

    Within the learning folds a tenth is held out to calibrate. With a time column every test block lies after what
    was learnt from, so the earliest block is never tested on.
    """
    say = progress or (lambda text: None)
    config = examples.config
    metrics, problem = examples.problem.metrics, examples.problem
    everything = np.arange(len(examples.label))
    tested: list[Rows] = []
    answered: list[pl.DataFrame] = []
    naive: list[FloatArray] = []
    by_fold: dict[str, list[float]] = {name: [] for name in metrics}
    for k, (learn, test) in enumerate(examples.folds(everything, folds=folds)):
        estimator = examples.fit(*examples.hold_out(learn, CALIBRATE_SHARE), before=test)
        test = examples.testable(test)
        X, y = examples.rows(test)
        tested.append(test)
        answered.append(estimator.predict(X))
        naive.append(problem.naive(*examples.rows(learn), X))
        for name, metric in metrics.items():
            by_fold[name].append(float(metric.compute(y, metric.of(answered[-1]))))
        primary = config.definition.primary_metric
        say(f"fold {k + 1}/{folds}: {primary} {by_fold[primary][-1]:.5f}")
    rows, answers = np.concatenate(tested), pl.concat(answered)
    pooled = measure(
        metrics,
        examples.label[rows],
        answers,
        naive=np.concatenate(naive),
        groups=examples.groups[rows],
        n=config.bootstraps,
    )
    return CrossValidated(
        protocol=f"{folds} folds {'by group of equal rows' if config.timeless else 'in time order'}",
        rows=len(rows),
        by_fold=by_fold,
        mean={name: float(np.mean(values)) for name, values in by_fold.items()},
        pooled=pooled,
    )
