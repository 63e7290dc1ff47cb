"""From a used car to the price it should fetch: low end, median and high end, now and later."""

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
# What a month does to each column that can carry age.
AGEING = {"age_months": 1.0, "model_year": -1 / 12}


class ResidualValueEstimator(PipelineEstimator):
    """Encoder and quantile trees on the logarithm of the price, so that errors are relative.

    Parameters
    ----------
    params : ResidualParams
        See there.
    signature : Signature
        The fields of a car.

    Attributes
    ----------
    encoder_, learner_ : estimators
        The two steps.
    """

    state_file = "residual_value.json"
    params_type = ResidualParams
    params: ResidualParams

    @property
    def notes(self) -> list[str]:
        """What the training said."""
        told = "neither age_months nor model_year is known: values later than today cannot be given"
        return [] if self.age_feature_ else [told]

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
        """Learn from cars with known prices, then calibrate the interval on others.

        Parameters
        ----------
        X : DataFrame
            Columns of `signature`, in the raw table's units.
        y : ndarray
            Prices in yuan, above 0.
        calibrate : (DataFrame, ndarray)
            The held-out slice, disjoint from X.
        weights : None
            Not offered: the labels do not ripen.
        refit : bool
            Not offered: the interval would no longer hold for the model that answers.

        Raises
        ------
        DataError
            A price that is not above 0, or too few rows.
        ConfigError
            A parameter names a feature that the data does not have, or `refit` is set.
        ValueError
            `weights` is given.
        """
        self._refuse_weights(weights)
        if refit:
            raise ConfigError("refit: residual_value cannot learn from the calibration part; set it to false")
        say = progress or (lambda text: None)
        for part, prices in (("training", y), ("calibration", calibrate[1])):
            if not (prices > 0).all():
                raise DataError(f"price: must be above 0, got {prices[~(prices > 0)][0]:g} in the {part} rows")
        self.encoder_ = TabularEncoder(numeric=self.signature.numeric, categorical=self.signature.categorical).fit(X)
        matrix = self.encoder_.transform(X)
        say(f"fitting quantile trees on {len(y):,} rows x {matrix.shape[1]} features")
        self.learner_ = QuantileTrees(
            **self.params.quantile_trees.model_dump(),
            categorical=self.encoder_.categorical_positions_,
            monotone=self._monotone(MONOTONE),
        ).fit(matrix, np.log(y))
        say(f"calibrating the interval on {len(calibrate[1]):,} other rows")
        self.learner_.calibrate(self.encoder_.transform(calibrate[0]), np.log(calibrate[1]))
        return self

    @property
    def age_feature_(self) -> str | None:
        """The feature that makes a car older; without one there is no value later than now."""
        return next((n for n in AGEING if n in self.signature.numeric), None)

    def values(self, X: Columns) -> FloatArray:
        """Value, low end and high end of each car in yuan, shape (n_rows, 3)."""
        low, median, high = self.learner_.predict_quantiles(self.encoder_.transform(X)).T
        return np.asarray(np.round(np.exp(np.column_stack([median, low, high])), 2))

    def predict(self, X: Columns) -> pl.DataFrame:
        """Answer each row: `value`, `value_low`, `value_high` in yuan."""
        return pl.DataFrame(self.values(X), schema=list(ANSWER), orient="row")

    def future_values(self, car: Mapping[str, Any], *, months: Sequence[int], km_per_month: float | None) -> FloatArray:
        """Value, low end and high end of one car after so many months, shape (n_months, 3).

        Parameters
        ----------
        car : mapping
            Features of one car.
        months : sequence of int
            Months from now, ascending or not.
        km_per_month : float or None
            What it will be driven; needed where the model reads the mileage.

        Raises
        ------
        DataError
            The model does not know age, or the car's age or mileage is not given.
        """
        if self.age_feature_ is None:
            raise DataError(f"after_months: {self.notes[0]}; leave it out, or train with one of them")
        moved = {self.age_feature_: AGEING[self.age_feature_]}
        if "mileage_km" in self.signature.numeric:
            if km_per_month is None:
                raise DataError("km_per_month: is needed for values later than today; give the distance per month")
            moved["mileage_km"] = km_per_month
        for name in moved:
            if car.get(name) is None:
                raise DataError(f"{name}: is needed for values later than today; give it")
        columns = {n: [v + moved[n] * m if n in moved else v for m in months] for n, v in car.items()}
        found = self.values(columns)
        # The ends are not monotone in age as the middle is: a later value may not rise here.
        order = np.argsort(months, kind="stable")
        found[order] = np.minimum.accumulate(found[order], axis=0)
        return found

    def _step_types(self) -> dict[str, Any]:
        return {"encoder": TabularEncoder, "learner": QuantileTrees}


def median_table(X: pl.DataFrame, y: FloatArray, asked: pl.DataFrame) -> FloatArray:
    """The naive answer: median price by brand, model and year of age, by brand and model, then of all cars."""
    age = next((n for n in AGEING if n in X.columns), None)
    years = [] if age is None else [(pl.col(age) / (12 if age == "age_months" else 1)).floor().alias("years")]
    who = [n for n in ("brand", "model") if n in X.columns]
    known, rows = X.select(*who, *years).with_columns(price=pl.Series(y)), asked.select(*who, *years)
    found = pl.Series([None] * rows.height, dtype=pl.Float64)
    for by in (rows.columns, who):
        if by:
            table = known.group_by(by).agg(pl.col("price").median())
            answer = rows.join(table, on=by, how="left", maintain_order="left", nulls_equal=True)["price"]
            found = found.fill_null(answer)
    return found.fill_null(float(np.median(y))).to_numpy()
