"""Section `params` of `configs/residual_value.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.yaml_config import Section
from ml.estimators.quantile_trees import QuantileTrees
from ml.params import nested, params_model

QuantileTreesParams = params_model(QuantileTrees, without=("categorical", "monotone"))
# Age and mileage never raise a price. Collectors' cars are an exception that this model does not cover.
MONOTONE: dict[str, Literal[-1, 0, 1]] = {"age_months": -1, "model_year": 1, "mileage_km": -1}


class ResidualParams(Section):
    """Parameters of `ResidualValueEstimator`.

    Attributes
    ----------
    quantile_trees : model
        Constructor parameters of `ml.estimators.quantile_trees.QuantileTrees`.
    additive : float or None
        Share, 0 to 1, of an additive model of categories, age and mileage that the trees add to: 1 suits few rows, 0
        many. None: 0, 0.5 or 1, whichever predicts the last fifth of the training rows best.
    monotone : mapping of str to {-1, 0, 1}
        Monotonicity constraints of the price by feature: -1 falling, 1 rising, 0 none. They extend and override
        `MONOTONE`.
    """

    quantile_trees: nested(QuantileTreesParams) = QuantileTreesParams()  # type: ignore[valid-type]
    additive: float | None = Field(None, ge=0, le=1)
    monotone: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
