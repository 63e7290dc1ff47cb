"""MLflow pyfunc loader, for MLflow's batch tools: reads the native files of a model without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ml.model import Model


class BatchModel:
    """A model with the interface of MLflow's python_function flavour.

    Returned by ``mlflow.pyfunc.load_model("models:/credit_risk@champion")``.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return one row of predictions for each row.

        Parameters
        ----------
        data : pandas.DataFrame
            The feature columns of the model's signature, in the units of the raw table (money in fen).
        params : dict, optional
            Required by MLflow's interface, not used.

        Returns
        -------
        pandas.DataFrame
            The columns that the task's estimator returns from `predict`, such as `probability_of_default`.
        """
        answers: pd.DataFrame = self.model.estimator.predict(pl.from_pandas(data)).to_pandas()
        return answers


def _load_pyfunc(path: str) -> BatchModel:
    return BatchModel(Model.load(Path(path)))
