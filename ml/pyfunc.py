"""Entry point by which MLflow's batch tools read a model of ours: no pickle, and never on the hot path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ml.model import Model


class BatchModel:
    """A model as MLflow's python_function flavour wants it.

    Examples
    --------
    Loaded by ``mlflow.pyfunc.load_model("models:/credit_risk@champion")``; `predict` takes the feature columns of
    the raw table (money in fen) and returns the answers as columns.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answer each row of a pandas table of feature columns."""
        answers: pd.DataFrame = self.model.estimator.predict(pl.from_pandas(data)).to_pandas()
        return answers


def _load_pyfunc(path: str) -> BatchModel:
    return BatchModel(Model.load(Path(path)))
