"""The MLflow pyfunc wrapper."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from ml.model import Model
from ml.pyfunc import BatchModel


class _Doubles:
    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        return X.select(twice=pl.col("amount") * 2)


def test_each_row_of_a_pandas_table_has_a_row_of_predictions() -> None:
    task: Any = None
    answers = BatchModel(Model(task, _Doubles(), {})).predict(pd.DataFrame({"amount": [1.5, 2.0]}), {"ignored": 1})
    assert isinstance(answers, pd.DataFrame) and answers.to_dict("list") == {"twice": [3.0, 4.0]}
