"""Estimator of `residual_value`: quantiles of the price of a used car, today and later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray
from ml.estimators.pipeline import PipelineEstimator, SampleWeights
from ml.estimators.quantile_trees import QuantileTrees
from ml.estimators.tabular_encoder import TabularEncoder
from ml.residual_value.params import MONOTONE, ResidualParams
from ml.task import Columns

ANSWER = ("value", "value_low", "value_high")
# Change per month of each column that measures age.
MONTHLY_AGEING = {"age_months": 1.0, "model_year": -1 / 12}


class ResidualValueEstimator(PipelineEstimator):
    """Quantile trees on the logarithm of the price, with a calibrated interval.

    Parameters
    ----------
    params : ml.residual_value.params.ResidualParams
        Section `params` of `configs/residual_value.yaml`.
    signature : Signature
        Fields of a car, as returned by `ml.signature.infer_signature`.

    Attributes
    ----------
    encoder_ : TabularEncoder
        From columns to a matrix of numbers.
    learner_ : QuantileTrees
        Fitted on log prices in yuan, so that errors are relative.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.residual_value.estimator import ResidualValueEstimator
    >>> from ml.residual_value.params import ResidualParams
    >>> from ml.signature import Field, Signature
    >>> rng = np.random.default_rng(0)
    >>> X = pl.DataFrame({"age_months": rng.uniform(0, 120, 600)})
    >>> y = 200_000 * np.exp(-0.01 * X["age_months"].to_numpy() + rng.normal(0, 0.05, 600))
    >>> signature = Signature(fields=(Field(name="age_months", kind="number", feature=True),))
    >>> estimator = ResidualValueEstimator(params=ResidualParams(), signature=signature)
    >>> estimator = estimator.fit(X[:400], y[:400], calibrate=(X[400:], y[400:]))
    >>> price = estimator.predict({"age_months": [24.0]})["value"][0]
    >>> bool(abs(price / 157_000 - 1) < 0.05)
    True
    """

    state_file = "residual_value.json"
    params_type = ResidualParams
    params: ResidualParams

    @property
    def notes(self) -> list[str]:
        """Warnings of the training for the report and the model card."""
        no_age = "the data has neither age_months nor model_year, so future values cannot be predicted"
        return [] if self.age_feature_ else [no_age]

    def fit(
        self,
        X: pl.DataFrame,
        y: FloatArray,
        *,
        calibrate: tuple[pl.DataFrame, FloatArray],
        weights: SampleWeights | None = None,
        refit: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Fit the quantile trees on training rows, then calibrate the interval on held-out rows.

        Parameters
        ----------
        X : polars.DataFrame
            Training rows with the columns of `signature`, in the units of the raw table.
        y : ndarray of shape (n_rows,)
            Prices in yuan, above 0.
        calibrate : (polars.DataFrame, ndarray)
            Held-out rows and prices.
        weights : None
            Not supported: the labels are final.
        refit : bool
            Not supported: the calibrated interval would not hold for a refitted model.
        progress : callable, optional
            Called with a text before each step.

        Raises
        ------
        DataError
            A price is not above 0, or there are too few rows.
        ConfigError
            A parameter names a feature that the data does not have, or `refit` is true.
        ValueError
            `weights` is not None.
        """
        self._refuse_weights(weights)
        if refit:
            raise ConfigError("refit: residual_value cannot be refitted on held-out rows; set it to false")
        report_progress = progress or (lambda text: None)
        for part, prices in (("training", y), ("calibration", calibrate[1])):
            if not (prices > 0).all():
                raise DataError(f"price: must be above 0, got {prices[~(prices > 0)][0]:g} in the {part} rows")
        self.encoder_ = TabularEncoder(numeric=self.signature.numeric, categorical=self.signature.categorical).fit(X)
        matrix = self.encoder_.transform(X)
        report_progress(f"fitting quantile trees on {len(y):,} rows x {matrix.shape[1]} features")
        self.learner_ = QuantileTrees(
            **self.params.quantile_trees.model_dump(),
            categorical=self.encoder_.categorical_positions_,
            monotone=self._monotone(MONOTONE),
        ).fit(matrix, np.log(y))
        report_progress(f"calibrating the interval on {len(calibrate[1]):,} held-out rows")
        self.learner_.calibrate(self.encoder_.transform(calibrate[0]), np.log(calibrate[1]))
        return self

    @property
    def age_feature_(self) -> str | None:
        """The feature that measures age, or None; without it future values cannot be predicted."""
        return next((n for n in MONTHLY_AGEING if n in self._contract_numbers), None)

    @property
    def _contract_numbers(self) -> list[str]:
        return [n for n in self.signature.numeric if n not in self.signature.own]

    def values(self, X: Columns) -> FloatArray:
        """Return median, lower and upper bound of the price of each car in yuan, shape (n_rows, 3).

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Columns of `signature`, in the units of the raw table (money in fen).
        """
        low, median, high = self.learner_.predict_quantiles(self.encoder_.transform(X)).T
        return np.asarray(np.round(np.exp(np.column_stack([median, low, high])), 2))

    def predict(self, X: Columns) -> pl.DataFrame:
        """Predict the price of each row.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Columns of `signature`, in the units of the raw table.

        Returns
        -------
        polars.DataFrame
            `value` (median), `value_low` and `value_high` (interval) in yuan, one row per row of X.
        """
        return pl.DataFrame(self.values(X), schema=list(ANSWER), orient="row")

    def future_values(self, car: Mapping[str, Any], *, months: Sequence[int], km_per_month: float | None) -> FloatArray:
        """Predict the price of one car after a number of months.

        Parameters
        ----------
        car : mapping of str to value
            Fields of one car, by the names of `signature`, in the units of the raw table; all features must be present.
        months : sequence of int
            Months from now, in any order.
        km_per_month : float or None
            Expected mileage in km a month; required if the model uses `mileage_km`.

        Returns
        -------
        array of float, shape (n_months, 3)
            Median, lower and upper bound in yuan, in the order of `months`; none rises with time.

        Raises
        ------
        DataError
            The model has no age feature, or the car's age or mileage or `km_per_month` is missing.
        """
        if self.age_feature_ is None:
            raise DataError(f"after_months: {self.notes[0]}; omit it, or train with one of the two columns")
        monthly_change = {self.age_feature_: MONTHLY_AGEING[self.age_feature_]}
        if "mileage_km" in self._contract_numbers:
            if km_per_month is None:
                raise DataError("km_per_month: required for future values; give the expected mileage in km a month")
            monthly_change["mileage_km"] = km_per_month
        for name in monthly_change:
            if car.get(name) is None:
                raise DataError(f"{name}: required for future values; give the car's value")
        columns = {n: [v + monthly_change[n] * m if n in monthly_change else v for m in months] for n, v in car.items()}
        values = self.values(columns)
        # Only the median is monotone in age; the bounds are made non-increasing here.
        order = np.argsort(months, kind="stable")
        values[order] = np.minimum.accumulate(values[order], axis=0)
        return values

    def _step_types(self) -> dict[str, Any]:
        return {"encoder": TabularEncoder, "learner": QuantileTrees}


def median_table(X: pl.DataFrame, y: FloatArray, test: pl.DataFrame) -> FloatArray:
    """Return the baseline prediction: the median price of training cars with equal brand, model and year of age.

    Falls back to equal brand and model, then to all cars.

    Parameters
    ----------
    X, test : polars.DataFrame
        Training rows and rows to predict. Of `brand`, `model`, `age_months` and `model_year` those present are used.
    y : ndarray of shape (n_rows,)
        Prices of the training rows in yuan.

    Returns
    -------
    ndarray of shape (n_test_rows,)
        Yuan.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> X = pl.DataFrame({"brand": ["A", "A", "B"], "model": ["X", "X", "Y"]})
    >>> median_table(X, np.array([10.0, 12.0, 30.0]), pl.DataFrame({"brand": ["A", "C"], "model": ["X", "Z"]})).tolist()
    [11.0, 12.0]
    """
    age = next((n for n in MONTHLY_AGEING if n in X.columns), None)
    years = [] if age is None else [(pl.col(age) / (12 if age == "age_months" else 1)).floor().alias("years")]
    names = [n for n in ("brand", "model") if n in X.columns]
    train, rows = X.select(*names, *years).with_columns(price=pl.Series(y)), test.select(*names, *years)
    prediction = pl.Series([None] * rows.height, dtype=pl.Float64)
    for by in (rows.columns, names):
        if by:
            medians = train.group_by(by).agg(pl.col("price").median())
            price = rows.join(medians, on=by, how="left", maintain_order="left", nulls_equal=True)["price"]
            prediction = prediction.fill_null(price)
    return prediction.fill_null(float(np.median(y))).to_numpy()
