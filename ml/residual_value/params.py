"""What `configs/residual_value.yaml` may set under `params`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.yaml_config import Section
from ml.estimators.quantile_trees import QuantileTrees
from ml.params import nested, params_model

QuantileTreesParams = params_model(QuantileTrees, without=("categorical", "monotone"))
# A car never gains from its years and kilometres; collectors' cars are beyond this model.
MONOTONE: dict[str, Literal[-1, 0, 1]] = {"age_months": -1, "model_year": 1, "mileage_km": -1}


class ResidualParams(Section):
    """Parameters of `residual_value`.

    Attributes
    ----------
    quantile_trees : model
        Parameters of `QuantileTrees`.
    monotone : mapping of feature to direction
        Replaces the built-in direction of the features it names; 0 sets one free.
    """

    quantile_trees: nested(QuantileTreesParams) = QuantileTreesParams()  # type: ignore[valid-type]
    monotone: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
