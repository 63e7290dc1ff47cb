"""Baselines of a binary outcome: logistic regression on the same features, and the best single feature."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray
from ml.estimators.tabular_encoder import TabularEncoder
from ml.metrics import roc_auc
from training.split import Rows
from training.studies.row_data import LabelledRows

MAX_LEVELS = 20  # indicators of a categorical feature; rarer levels have none
MIN_LEVEL_ROWS = 20  # rows of a level that has an indicator
MAX_TRAIN_ROWS = 50_000  # more rows change the coefficients little and take longer


def best_single_column(examples: LabelledRows, positions: Rows) -> tuple[str, float] | None:
    """Return the numeric feature with the highest AUC on its own.

    The direction of each feature is fitted on the training rows; missing values are imputed by their median.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.
    positions : ndarray of int
        Positions of the rows on which the AUC is computed, such as `examples.parts["test"]`; both labels must occur.

    Returns
    -------
    (str, float) or None
        Name of the feature and its AUC, 0 to 1; None if no feature has an AUC above 0.5.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.studies.row_data import LabelledRows
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> name, auc = best_single_column(examples, examples.parts["test"])  # doctest: +SKIP
    """
    best: tuple[str, float] | None = None
    train, test = examples.testable(examples.parts["train"]), positions
    for name in examples.signature.numeric:
        column = examples.frame[name].cast(pl.Float64).to_numpy()
        filled = np.where(
            np.isnan(column), np.nanmedian(column[train]) if np.isfinite(column[train]).any() else 0.0, column
        )
        direction = 1.0 if roc_auc(examples.label[train], filled[train]) >= 0.5 else -1.0
        auc = roc_auc(examples.label[test], direction * filled[test])
        if auc > (0.5 if best is None else best[1]):
            best = (name, auc)
    return best


def logistic_regression(examples: LabelledRows, train: Rows, test: Rows) -> FloatArray:
    """Fit a logistic regression on the training rows and return the probabilities of the test rows.

    A numeric feature is replaced by its rank among the training rows, which limits the influence of outliers; missing
    values get the median rank and an indicator. A categorical feature is one-hot encoded by its frequent levels.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.
    train, test : ndarray of int
        Positions of the rows to fit on and to predict, such as `examples.parts["train"]`. Of more than 50,000 training
        rows, a random sample of that size is used.

    Returns
    -------
    ndarray of shape (n_test,)
        Probability of the positive class, 0 to 1, in the order of `test`.

    Raises
    ------
    ValueError
        The training rows have only one label.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.studies.row_data import LabelledRows
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> p = logistic_regression(examples, examples.parts["train"], examples.parts["test"])  # doctest: +SKIP
    """
    from sklearn.linear_model import LogisticRegression

    if len(train) > MAX_TRAIN_ROWS:
        train = np.sort(np.random.default_rng(0).choice(train, MAX_TRAIN_ROWS, replace=False))
    numeric, categorical = examples.signature.numeric, examples.signature.categorical
    encoder = TabularEncoder(numeric=numeric, categorical=categorical).fit(examples.frame[train])
    train_X, test_X = (encoder.transform(examples.frame[rows]) for rows in (train, test))
    n_numeric = train_X.shape[1] - len(categorical)
    parts = [_rank_columns(train_X[:, k], test_X[:, k]) for k in range(n_numeric)]
    parts += [_level_indicators(train_X[:, k], test_X[:, k]) for k in range(n_numeric, train_X.shape[1])]
    X, Z = (np.hstack([p[side] for p in parts]) for side in (0, 1))
    model = LogisticRegression(C=1.0, max_iter=500).fit(X, examples.label[train])
    return np.asarray(model.predict_proba(Z)[:, 1])


def _rank_columns(train: FloatArray, test: FloatArray) -> tuple[FloatArray, FloatArray]:
    finite = np.sort(train[np.isfinite(train)])
    if len(finite) == 0:
        return np.zeros((len(train), 0)), np.zeros((len(test), 0))

    def ranks(values: FloatArray) -> FloatArray:
        missing = ~np.isfinite(values)
        low, high = (np.searchsorted(finite, np.where(missing, 0.0, values), side) for side in ("left", "right"))  # type: ignore[call-overload]
        rank = np.where(missing, 0.5, (low + high) / (2 * len(finite)))
        return np.column_stack([4 * (rank - 0.5), missing.astype(np.float64)])

    return ranks(train), ranks(test)


def _level_indicators(train: FloatArray, test: FloatArray) -> tuple[FloatArray, FloatArray]:
    codes, counts = np.unique(train[np.isfinite(train)], return_counts=True)
    levels = codes[counts >= MIN_LEVEL_ROWS][:MAX_LEVELS]

    def indicators(values: FloatArray) -> FloatArray:
        return np.column_stack([values[:, None] == levels[None, :], np.isnan(values)]).astype(np.float64)

    return indicators(train), indicators(test)
