"""`chehang evaluate --folds`: fit and test on every fold, for data sets and bars that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.config import TaskConfig
from training.evaluation import compare, measure
from training.examples import Examples, Say

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
    pooled: Mapping[str, Mapping[str, float]]
    prediction: Any


def cross_validate(examples: Examples, *, folds: int, progress: Say | None = None) -> CrossValidated:
    """Fit on all folds but one and predict that one, in turn.

    Within the learning folds a tenth is held out to calibrate. With a time column every test block lies after what
    was learnt from, so the earliest block is never tested on.
    """
    say = progress or (lambda text: None)
    config = examples.config
    metrics = config.definition.metrics
    everything = np.arange(len(examples.label))
    prediction = np.full(len(examples.label), np.nan)
    by_fold: dict[str, list[float]] = {name: [] for name in metrics}
    for k, (learn, test) in enumerate(examples.folds(everything, folds=folds)):
        estimator = examples.fit(*examples.hold_out(learn, CALIBRATE_SHARE))
        X, y = examples.rows(test)
        prediction[test] = estimator.predict(X).to_series(0).to_numpy()
        for name, metric in metrics.items():
            by_fold[name].append(float(metric.compute(y, prediction[test])))
        primary = config.definition.primary_metric
        say(f"fold {k + 1}/{folds}: {primary} {by_fold[primary][-1]:.5f}")
    tested = ~np.isnan(prediction)
    pooled = measure(
        metrics,
        examples.label[tested],
        prediction[tested],
        groups=examples.groups[tested],
        n=config.bootstraps,
        base=float(examples.label[tested].mean()),
    )
    return CrossValidated(
        protocol=f"{folds} folds {'by group of equal rows' if config.timeless else 'in time order'}",
        rows=int(tested.sum()),
        by_fold=by_fold,
        mean={name: float(np.mean(values)) for name, values in by_fold.items()},
        pooled=pooled,
        prediction=prediction,
    )


def difference(examples: Examples, a: CrossValidated, b: CrossValidated) -> dict[str, float]:
    """Gain of `a` over `b` in the primary metric on the rows that both predicted."""
    tested = ~np.isnan(a.prediction) & ~np.isnan(b.prediction)
    config: TaskConfig = examples.config
    metric = config.definition.metrics[config.definition.primary_metric]
    found = compare(
        metric,
        examples.label[tested],
        a.prediction[tested],
        b.prediction[tested],
        groups=examples.groups[tested],
        n=config.bootstraps,
    )
    return {"value": found.value, "low": found.low, "high": found.high}
