"""MLflow pyfunc loader, for MLflow's batch tools: reads the native files of a model without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ml.model import Model


class BatchModel:
    """A model with the interface of MLflow's python_function flavour.

    ``mlflow.pyfunc.load_model("models:/credit_risk@champion")`` returns a model of MLflow that wraps it and has the
    same `predict`. MLflow's tracking and registry address must be `ml.champions.store_uri()`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return one row of predictions for each row.

        Parameters
        ----------
        data : pandas.DataFrame
            The feature columns of the model's signature, in the units of the raw table (money in fen, instants in int64
            microseconds since 1970 UTC).
        params : dict, optional
            Required by MLflow's interface, not used.

        Returns
        -------
        pandas.DataFrame
            The columns and units that the `predict` of the task's estimator lists, such as `probability_of_default`; in
            the order of the rows.

        Raises
        ------
        FeatureError
            A feature column is missing or has a value that the model cannot read.
        """
        answers: pd.DataFrame = self.model.estimator.predict(pl.from_pandas(data)).to_pandas()
        return answers


def _load_pyfunc(path: str) -> BatchModel:
    return BatchModel(Model.load(Path(path)))
