"""`chehang evaluate --folds`: fit and test on every fold, for data sets and bars that ask for it."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.report.columns import column
from ml.report.report import Report
from ml.report.sections import Table
from training.progress import Progress
from training.split import Rows
from training.studies.measures import measure
from training.studies.row_data import LabelledRows

CALIBRATE_SHARE = 0.1


def cross_validate(examples: LabelledRows, *, folds: int, progress: Progress | None = None) -> Report:
    """Fit on all folds but one and predict that one, in turn.

    Within the learning folds a tenth is held out to calibrate. With a time column every test block lies after what
    was learnt from, so the earliest block is never tested on.

    Returns
    -------
    Report
        Metrics over all out-of-fold predictions, and those of each fold with their mean.
    """
    say = progress or (lambda text: None)
    config = examples.config
    metrics, problem = examples.problem.metrics, examples.problem
    everything = np.arange(len(examples.label))
    test_rows: list[Rows] = []
    answers: list[pl.DataFrame] = []
    baseline: list[FloatArray] = []
    by_fold: dict[str, list[float]] = {name: [] for name in metrics}
    for k, (learn, test) in enumerate(examples.folds(everything, folds=folds)):
        estimator = examples.fit_rows(*examples.hold_out(learn, CALIBRATE_SHARE), before=test)
        test = examples.testable(test)
        X, y = examples.rows(test)
        test_rows.append(test)
        answers.append(estimator.predict(X))
        baseline.append(problem.baseline(*examples.rows(learn), X))
        for name, metric in metrics.items():
            by_fold[name].append(float(metric.compute(y, metric.select(answers[-1]))))
        primary = config.definition.primary_metric
        say(f"fold {k + 1}/{folds}: {primary} {by_fold[primary][-1]:.5f}")
    rows = np.concatenate(test_rows)
    y, groups, n = examples.label[rows], examples.groups[rows], config.bootstraps
    pooled = measure(metrics, y, pl.concat(answers), baseline=np.concatenate(baseline), groups=groups, n=n)
    order = "by group of equal rows" if config.timeless else "in time order"
    protocol = f"{folds} folds {order}, {len(rows):,} rows tested"
    return Report(task=config.task, protocol=protocol, sections=(pooled, _by_fold(by_fold)), notes=examples.notes)


def _by_fold(by_fold: dict[str, list[float]]) -> Table:
    numbers = range(1, len(next(iter(by_fold.values()))) + 1)
    columns = (
        column("metric", "指标", "metric"),
        column("mean", "各折均值", "mean of folds", "score"),
        *(column(f"fold_{k}", f"第 {k} 折", f"fold {k}", "score") for k in numbers),
    )
    rows = tuple(
        {"metric": name, "mean": float(np.mean(values))}
        | {f"fold_{k}": v for k, v in zip(numbers, values, strict=True)}
        for name, values in by_fold.items()
    )
    return Table(name="folds", title=Text(zh="各折指标", en="Metrics by fold"), columns=columns, rows=rows)
