"""Estimator of `residual_value`: quantiles of the price of a used car, today and later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl

from features.errors import ConfigError, DataError
from features.residual_value import MONTH
from ml.domain.arrays import FloatArray, IndexArray
from ml.estimators.pipeline import PipelineEstimator, SampleWeights
from ml.estimators.quantile_trees import QuantileTrees
from ml.estimators.tabular_encoder import TabularEncoder
from ml.residual_value.additive_model import AdditiveModel, row_sums
from ml.residual_value.ages import age_notes
from ml.residual_value.params import MONOTONE, ResidualParams
from ml.task import Columns

ANSWER = ("value", "value_low", "value_high")
NO_AGE = (
    "the data has neither age_months nor model_year, nor first_registered_at with listed_at, so future values cannot "
    "be predicted"
)
SHARES = (1.0, 0.5, 0.0)
MIN_COMPARED = 20  # with fewer rows to compare on, the additive model is used: trees need many
# Change per month of each column that measures age.
MONTHLY_AGEING = {"age_months": 1.0, "model_year": -1 / 12}


class ResidualValueEstimator(PipelineEstimator):
    """Quantile trees on the logarithm of the price, on top of an additive model, with a calibrated interval.

    The trees learn what a share of the additive model leaves: 1, 0.5 or 0, whichever predicts the latest training cars
    best (`params.additive`). Beyond the ages and mileages of the training rows the curves of the additive model go on,
    where trees would predict the same price for a new car as for the youngest one.

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
    additive_ : AdditiveModel
        Effects of categories and curves of age and mileage on log prices in yuan.
    learner_ : QuantileTrees
        Fitted on log prices less the additive part, so that errors are relative.
    additive_share_ : float
        Share of the additive model, 0 to 1, that the trees add to.
    fit_notes_ : list of str
        What readers of the report should know about the ages of the training rows.

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
        return [*self.fit_notes_] if self.age_feature_ else [NO_AGE, *self.fit_notes_]

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
        self.fit_notes_ = age_notes(X, self.signature)
        matrix, log_price, time = self.encoder_.transform(X), np.log(y), _years_before_the_last(X)
        self.additive_ = self._additive(matrix, log_price, time)
        share = self.params.additive
        if share is None:
            report_progress("comparing shares of the additive model on the last fifth of the training rows")
            share = self._best_share(matrix, log_price, time)
        self.additive_share_ = share
        report_progress(f"fitting quantile trees on {len(y):,} rows x {matrix.shape[1]} features")
        rest = log_price - self.additive_.trend_ * time - self._offset(matrix)
        self.learner_ = self._trees().fit(matrix, rest)
        report_progress(f"calibrating the interval on {len(calibrate[1]):,} held-out rows")
        later = self.encoder_.transform(calibrate[0])
        self.learner_.calibrate(later, np.log(calibrate[1]) - self._offset(later))
        return self

    def _additive(self, matrix: FloatArray, log_price: FloatArray, time: FloatArray) -> AdditiveModel:
        model = AdditiveModel(monotone=self._monotone(MONOTONE), categorical=self.encoder_.categorical_positions_)
        return model.fit(matrix, log_price, time=time)

    def _trees(self) -> QuantileTrees:
        return QuantileTrees(
            **self.params.quantile_trees.model_dump(),
            categorical=self.encoder_.categorical_positions_,
            monotone=self._monotone(MONOTONE),
        )

    def _best_share(self, matrix: FloatArray, log_price: FloatArray, time: FloatArray) -> float:
        """Return the share of the additive model with the lowest mean absolute log error on the last training rows."""
        first, last = _first_and_last(matrix, time)
        if len(last) < MIN_COMPARED:
            return 1.0
        errors = {}
        additive = self._additive(matrix[first], log_price[first], time[first] - time[first].max())
        for share in SHARES:
            parts = _additive_parts(additive, matrix, share)
            offset = row_sums(parts)
            rest = log_price[first] - additive.trend_ * (time[first] - time[first].max()) - offset[first]
            predicted = self._trees().fit_median(matrix[first], rest).predict(matrix[last], num_threads=1)
            errors[share] = float(np.abs(log_price[last] - offset[last] - predicted).mean())
        return min(errors, key=lambda share: errors[share])

    def _offset(self, matrix: FloatArray) -> FloatArray:
        return row_sums(_additive_parts(self.additive_, matrix, self.additive_share_))

    def contributions(self, X: Columns) -> FloatArray:
        """Return the effect of each feature on the log price of each row, relative to the training rows.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Columns of `signature`, in the units of the raw table.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            In the order of `encoder_.feature_names_out_`: SHAP values of the trees, and effects of the additive model.
        """
        matrix = self.encoder_.transform(X)
        parts = _additive_parts(self.additive_, matrix, self.additive_share_)
        return np.asarray(self.learner_.contributions(matrix)[:, :-1] + parts[:, :-1])

    def importance(self, X: pl.DataFrame) -> dict[str, float]:
        """Return the feature importance: mean absolute effect on the log price over the rows of X.

        Parameters
        ----------
        X : polars.DataFrame
            Rows with the fields of `signature` as columns.

        Returns
        -------
        dict of str to float
            By feature name.
        """
        return dict(zip(self._names, np.abs(self.contributions(X)).mean(axis=0).tolist(), strict=True))

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
        matrix = self.encoder_.transform(X)
        low, median, high = (self.learner_.predict_quantiles(matrix) + self._offset(matrix)[:, None]).T
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
            Median, lower and upper bound in yuan, in the order of `months`. None rises with time, from today on, and a
            value does not depend on the other months that are requested.

        Raises
        ------
        DataError
            The model has no age feature, or the car's age or mileage or `km_per_month` is missing.
        """
        if self.age_feature_ is None:
            raise DataError(f"after_months: {NO_AGE}; omit it, or train with one of these columns")
        monthly_change = {self.age_feature_: MONTHLY_AGEING[self.age_feature_]}
        if "mileage_km" in self._contract_numbers:
            if km_per_month is None:
                raise DataError("km_per_month: required for future values; give the expected mileage in km a month")
            monthly_change["mileage_km"] = km_per_month
        for name in monthly_change:
            if car.get(name) is None:
                others = ", first_registered_at or model_year" if name == "age_months" else ""
                raise DataError(f"{name}: required for future values; give the car's {name}{others}")
        grid = range(max(months, default=0) + 1)
        columns = {n: [v + monthly_change[n] * m if n in monthly_change else v for m in grid] for n, v in car.items()}
        # Only the median is monotone in age; the bounds are made non-increasing here, month by month from today.
        return np.asarray(np.minimum.accumulate(self.values(columns), axis=0)[list(months)])

    def _step_types(self) -> dict[str, Any]:
        return {"encoder": TabularEncoder, "additive": AdditiveModel, "learner": QuantileTrees}

    def _fitted_state(self) -> dict[str, Any]:
        return {"additive_share": self.additive_share_, "notes": self.fit_notes_}

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        self.additive_share_, self.fit_notes_ = float(state["additive_share"]), list(state["notes"])


def _additive_parts(additive: AdditiveModel, matrix: FloatArray, share: float) -> FloatArray:
    """Return the additive part of the log price by column, and the intercept; beyond the curves' ends it is whole."""
    parts = share * additive.contributions(matrix)
    parts[:, :-1] += (1 - share) * additive.beyond(matrix)
    return parts


def _years_before_the_last(X: pl.DataFrame) -> FloatArray:
    """Return the years of each listing before the last one, as negative numbers; zeros if the data has no dates."""
    if "listed_at" not in X.columns or X["listed_at"].null_count():
        return np.zeros(X.height)
    listed = X["listed_at"].to_numpy().astype(np.float64)
    return np.asarray((listed - listed.max()) / (12 * MONTH))


def _first_and_last(matrix: FloatArray, time: FloatArray) -> tuple[IndexArray, IndexArray]:
    """Return the rows before and in the last fifth: by time, or else of the groups of equal rows in a random order."""
    if time.any():
        group = time
    else:
        _, inverse = np.unique(np.nan_to_num(matrix, nan=-1.0), axis=0, return_inverse=True)
        group = np.random.default_rng(0).permutation(int(inverse.max()) + 1)[inverse].astype(np.float64)
    is_last = group > np.quantile(group, 0.8)
    return np.flatnonzero(~is_last), np.flatnonzero(is_last)


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
