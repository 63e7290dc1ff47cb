"""`chehang evaluate --folds`: cross-validate the configuration of a row task."""

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
    """Cross-validate the configuration and return a report of the out-of-fold predictions.

    A tenth of the training rows of each fold is held out for calibration. If the data has time, every test block
    follows its training rows, so the earliest block is never tested.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.
    folds : int
        Number of folds, at least 2.
    progress : callable, optional
        Called with one line of text for each fold, such as `print`.

    Returns
    -------
    Report
        Section 'metrics' with the metrics over all out-of-fold predictions and their 95% intervals, and section 'folds'
        with the metrics of each fold and their mean (columns `metric`, `mean`, `fold_1`, ...), in the unit of the
        metric.

    Raises
    ------
    DataError
        A fold would have no row, or a class has fewer groups of equal rows than there are folds.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> report = cross_validate(examples, folds=5)  # doctest: +SKIP
    >>> report.metrics["roc_auc"].value  # doctest: +SKIP
    """
    progress = progress or (lambda text: None)
    config = examples.config
    metrics, problem = examples.problem.metrics, examples.problem
    everything = np.arange(len(examples.label))
    test_rows: list[Rows] = []
    predictions: list[pl.DataFrame] = []
    baseline: list[FloatArray] = []
    by_fold: dict[str, list[float]] = {name: [] for name in metrics}
    for k, (train, test) in enumerate(examples.folds(everything, folds=folds)):
        estimator = examples.fit_rows(*examples.hold_out(train, CALIBRATE_SHARE), test=test)
        test = examples.testable(test)
        X, y = examples.rows(test)
        test_rows.append(test)
        predictions.append(estimator.predict(X))
        baseline.append(problem.baseline(*examples.rows(train), X))
        for name, metric in metrics.items():
            by_fold[name].append(float(metric.compute(y, metric.select(predictions[-1]))))
        primary = config.definition.primary_metric
        progress(f"fold {k + 1}/{folds}: {primary} {by_fold[primary][-1]:.5f}")
    rows = np.concatenate(test_rows)
    y, groups, n = examples.label[rows], examples.groups[rows], config.bootstraps
    pooled = measure(metrics, y, pl.concat(predictions), baseline=np.concatenate(baseline), groups=groups, n=n)
    order = "at random, identical rows in one fold" if config.timeless else "in time order"
    protocol = f"cross-validation with {folds} folds {order}, {len(rows):,} test rows"
    return Report(task=config.task, protocol=protocol, sections=(pooled, _by_fold(by_fold)), notes=examples.notes)


def _by_fold(by_fold: dict[str, list[float]]) -> Table:
    numbers = range(1, len(next(iter(by_fold.values()))) + 1)
    columns = (
        column("metric", "指标", "metric"),
        column("mean", "各折均值", "mean over folds", "score"),
        *(column(f"fold_{k}", f"第 {k} 折", f"fold {k}", "score") for k in numbers),
    )
    rows = tuple(
        {"metric": name, "mean": float(np.mean(values))}
        | {f"fold_{k}": v for k, v in zip(numbers, values, strict=True)}
        for name, values in by_fold.items()
    )
    return Table(name="folds", title=Text(zh="各折指标", en="Metrics by fold"), columns=columns, rows=rows)
