"""What a model stands beside: the best column alone, and a plain logistic regression."""

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


def test_a_column_counts_in_the_direction_that_training_shows_and_gaps_at_its_median() -> None:
    examples = labelled_rows()
    first = pl.int_range(pl.len()) == 0
    falling = examples.frame.with_columns(x=pl.when(first).then(None).otherwise(1 - pl.col("x")))
    best = best_single_column(replace(examples, frame=falling), examples.parts["test"])
    assert best == ("x", pytest.approx(0.9))


def test_columns_that_say_nothing_are_not_named() -> None:
    examples = labelled_rows()
    flat = examples.frame.with_columns(x=1.0, doors=4)
    assert best_single_column(replace(examples, frame=flat), examples.parts["test"]) is None


def test_regression_learns_the_share_of_yes_on_either_side() -> None:
    examples = labelled_rows()
    chances = logistic_regression(examples, examples.parts["train"], examples.parts["test"])
    low, high = chances[:20].mean(), chances[20:].mean()
    assert chances.shape == (40,) and low == pytest.approx(0.1, abs=0.08) and high == pytest.approx(0.9, abs=0.08)


def test_frequent_texts_are_learnt_from_and_rare_ones_are_not() -> None:
    examples = labelled_rows()
    train = examples.parts["train"]
    yes = pl.Series(examples.label == 1)

    def spread(values: pl.Expr) -> float:
        frame = examples.frame.with_columns(x=1.0, doors=4, city=values)
        chances = logistic_regression(replace(examples, frame=frame), train, examples.parts["test"])
        return float(np.ptp(chances))

    assert spread(pl.when(yes).then(pl.lit("north")).otherwise(pl.lit("south"))) > 0.8
    number = pl.int_range(pl.len()) // (MIN_LEVEL_ROWS // 4)
    assert spread(number.cast(pl.String)) == pytest.approx(0.0, abs=1e-6)


def test_an_empty_column_is_no_column() -> None:
    examples = labelled_rows()
    frame = examples.frame.with_columns(doors=pl.lit(None, dtype=pl.Float64))
    chances = logistic_regression(replace(examples, frame=frame), examples.parts["train"], examples.parts["test"])
    assert np.isfinite(chances).all() and chances[0] < 0.2 < 0.8 < chances[-1]
