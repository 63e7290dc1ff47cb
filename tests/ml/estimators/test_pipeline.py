"""PipelineEstimator: monotonicity constraints, derived columns, files."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError
from ml.estimators.pipeline import PipelineEstimator
from ml.residual_value.estimator import ResidualValueEstimator
from ml.residual_value.params import ResidualParams
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="age_months", kind="number", feature=True),
        Field(name="brand", kind="text", feature=True),
    )
)


def _fitted(**params: object) -> ResidualValueEstimator:
    rng = np.random.default_rng(0)
    cars = pl.DataFrame({"age_months": rng.uniform(1, 60, 400), "brand": ["A", "B"] * 200})
    price = 200_000 * np.exp(-cars["age_months"].to_numpy() / 60)
    estimator = ResidualValueEstimator(params=ResidualParams.model_validate(params), signature=SIGNATURE)
    return estimator.fit(cars, price, calibrate=(cars, price))


def test_files_restore_every_step() -> None:
    fitted = _fitted(quantile_trees={"n_estimators": 3, "num_threads": 1})
    files = fitted.to_files()
    again = ResidualValueEstimator.from_files(files)
    car = {"age_months": [12.0, 48.0], "brand": ["A", "B"]}
    assert np.array_equal(again.values(car), fitted.values(car))
    assert again.importance(pl.DataFrame(car)) == fitted.importance(pl.DataFrame(car))
    assert {name.split(".")[0] for name in files} == {"residual_value", "encoder", "additive", "learner"}
    assert set(json.loads(files["residual_value.json"])) == {"params", "signature", "additive_share", "notes"}


def test_sample_weights_are_refused_where_labels_are_final() -> None:
    estimator = ResidualValueEstimator(params=ResidualParams(), signature=SIGNATURE)
    ones = np.ones(2)
    with pytest.raises(ValueError, match="weights: ResidualValueEstimator takes no sample weights"):
        estimator.fit(pl.DataFrame(), ones, calibrate=(pl.DataFrame(), ones), weights=(ones, ones))


def test_a_constraint_on_a_text_column_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"params\.monotone\.brand: not a numeric feature of this data"):
        _fitted(monotone={"brand": 1})


class _Deriving(PipelineEstimator):
    params_type = ResidualParams


def test_derived_columns_need_their_inputs() -> None:
    class Params:
        derived = {"twice": {"sum": ["half", "half"]}}  # noqa: RUF012

    estimator = _Deriving(params=Params(), signature=SIGNATURE)
    built_in = {"half": {"ratio": ["price", 2.0]}, "other": {"ratio": ["absent", 2.0]}, "price": {"sum": ["price"]}}
    assert list(estimator._derived(built_in, ["price"])) == ["half", "twice"]
    with pytest.raises(ConfigError, match=r"params\.derived\.twice: 'half' is not a numeric column"):
        estimator._derived({}, ["price"])
