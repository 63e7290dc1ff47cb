"""Columns that metrics read, and the base rate."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.problem import RowMetric, base_rate

ANSWERS = pl.DataFrame({"value": [2.0, 3.0], "low": [1.0, 2.0], "high": [3.0, 9.0]})


def test_a_metric_reads_the_first_column_or_those_it_names() -> None:
    assert RowMetric(np.mean, better="lower").select(ANSWERS).tolist() == [2.0, 3.0]
    assert RowMetric(np.mean, better="lower", columns=("low", "high")).select(ANSWERS).tolist() == [
        [1.0, 3.0],
        [2.0, 9.0],
    ]


def test_the_base_rate_is_the_share_of_positives_in_the_training_rows() -> None:
    rates = base_rate(ANSWERS, np.array([1.0, 0.0, 0.0, 0.0]), ANSWERS)
    assert rates.tolist() == [0.25, 0.25]
