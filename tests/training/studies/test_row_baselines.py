"""Baselines: the best single feature, and logistic regression on the same features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.training.studies.labelled_rows import labelled_rows
from training.studies.row_baselines import MIN_LEVEL_ROWS, best_single_column, logistic_regression


def test_the_best_column_is_named_with_its_auc() -> None:
    examples = labelled_rows()
    best = best_single_column(examples, examples.parts["test"])
    assert best == ("x", pytest.approx(0.9))


def test_the_direction_is_fitted_on_the_training_rows_and_missing_values_get_the_median() -> None:
    examples = labelled_rows()
    first = pl.int_range(pl.len()) == 0
    falling = examples.frame.with_columns(x=pl.when(first).then(None).otherwise(1 - pl.col("x")))
    best = best_single_column(replace(examples, frame=falling), examples.parts["test"])
    assert best == ("x", pytest.approx(0.9))


def test_constant_columns_give_no_best_column() -> None:
    examples = labelled_rows()
    flat = examples.frame.with_columns(x=1.0, doors=4)
    assert best_single_column(replace(examples, frame=flat), examples.parts["test"]) is None


def test_regression_estimates_the_positive_rate_of_both_values() -> None:
    examples = labelled_rows()
    probabilities = logistic_regression(examples, examples.parts["train"], examples.parts["test"])
    low, high = probabilities[:20].mean(), probabilities[20:].mean()
    assert probabilities.shape == (40,) and low == pytest.approx(0.1, abs=0.08) and high == pytest.approx(0.9, abs=0.08)


def test_frequent_levels_have_indicators_and_rare_ones_do_not() -> None:
    examples = labelled_rows()
    train = examples.parts["train"]
    positive = pl.Series(examples.label == 1)

    def spread(values: pl.Expr) -> float:
        frame = examples.frame.with_columns(x=1.0, doors=4, city=values)
        probabilities = logistic_regression(replace(examples, frame=frame), train, examples.parts["test"])
        return float(np.ptp(probabilities))

    assert spread(pl.when(positive).then(pl.lit("north")).otherwise(pl.lit("south"))) > 0.8
    number = pl.int_range(pl.len()) // (MIN_LEVEL_ROWS // 4)
    assert spread(number.cast(pl.String)) == pytest.approx(0.0, abs=1e-6)


def test_an_empty_column_is_ignored() -> None:
    examples = labelled_rows()
    frame = examples.frame.with_columns(doors=pl.lit(None, dtype=pl.Float64))
    probabilities = logistic_regression(replace(examples, frame=frame), examples.parts["train"], examples.parts["test"])
    assert np.isfinite(probabilities).all() and probabilities[0] < 0.2 < 0.8 < probabilities[-1]
