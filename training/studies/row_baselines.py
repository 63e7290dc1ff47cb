"""What a model of a yes/no outcome stands beside: logistic regression on the same columns, and the best column."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray
from ml.estimators.tabular_encoder import TabularEncoder
from ml.metrics import roc_auc
from training.split import Rows
from training.studies.row_data import LabelledRows

MOST_LEVELS = 20  # of a text column; rarer values share one indicator
FEWEST_ROWS = 20  # of a level
MOST_ROWS = 50_000  # to learn from: more change nothing but the time


def best_single_column(examples: LabelledRows, positions: Rows) -> tuple[str, float] | None:
    """Return the best number column alone and its AUC, with the direction of the training part; None below 0.5."""
    best: tuple[str, float] | None = None
    learn, test = examples.testable(examples.parts["train"]), positions
    for name in examples.signature.numeric:
        column = examples.frame[name].cast(pl.Float64).to_numpy()
        filled = np.where(
            np.isnan(column), np.nanmedian(column[learn]) if np.isfinite(column[learn]).any() else 0.0, column
        )
        direction = 1.0 if roc_auc(examples.label[learn], filled[learn]) >= 0.5 else -1.0
        auc = roc_auc(examples.label[test], direction * filled[test])
        if auc > (0.5 if best is None else best[1]):
            best = (name, auc)
    return best


def logistic_regression(examples: LabelledRows, learn: Rows, test: Rows) -> FloatArray:
    """Chances of the test rows by a plain logistic regression, fitted on the others.

    Numbers are put in the order of their ranks among the learning rows (so that no outlier rules), missing ones at the
    median with an indicator; texts become indicators of their frequent values.

    Returns
    -------
    ndarray of shape (n_test,)
        Probabilities.
    """
    from sklearn.linear_model import LogisticRegression

    if len(learn) > MOST_ROWS:
        learn = np.sort(np.random.default_rng(0).choice(learn, MOST_ROWS, replace=False))
    numeric, categorical = examples.signature.numeric, examples.signature.categorical
    encoder = TabularEncoder(numeric=numeric, categorical=categorical).fit(examples.frame[learn])
    known, asked = (encoder.transform(examples.frame[rows]) for rows in (learn, test))
    first = known.shape[1] - len(categorical)
    parts = [_numbers(known[:, k], asked[:, k]) for k in range(first)]
    parts += [_levels(known[:, k], asked[:, k]) for k in range(first, known.shape[1])]
    X, Z = (np.hstack([p[side] for p in parts]) for side in (0, 1))
    model = LogisticRegression(C=1.0, max_iter=500).fit(X, examples.label[learn])
    return np.asarray(model.predict_proba(Z)[:, 1])


def _numbers(known: FloatArray, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
    there = np.sort(known[np.isfinite(known)])
    if len(there) == 0:
        return np.zeros((len(known), 0)), np.zeros((len(asked), 0))

    def ranked(values: FloatArray) -> FloatArray:
        missing = ~np.isfinite(values)
        low, high = (np.searchsorted(there, np.where(missing, 0.0, values), side) for side in ("left", "right"))  # type: ignore[call-overload]
        rank = np.where(missing, 0.5, (low + high) / (2 * len(there)))
        return np.column_stack([4 * (rank - 0.5), missing.astype(np.float64)])

    return ranked(known), ranked(asked)


def _levels(known: FloatArray, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
    codes, counts = np.unique(known[np.isfinite(known)], return_counts=True)
    kept = codes[counts >= FEWEST_ROWS][:MOST_LEVELS]

    def indicators(values: FloatArray) -> FloatArray:
        found = values[:, None] == kept[None, :]
        return np.column_stack([found, np.isnan(values)]).astype(np.float64)

    return indicators(known), indicators(asked)
