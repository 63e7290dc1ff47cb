"""What `configs/residual_value.yaml` may set under `params`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, SerializeAsAny, field_validator

from features.yaml_config import Section
from ml.estimators.quantile_trees import QuantileTrees
from ml.params import params_model

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

    quantile_trees: SerializeAsAny[BaseModel] = QuantileTreesParams()
    monotone: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)

    @field_validator("quantile_trees", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        """The model is made at run time, so pydantic cannot see it in the annotation."""
        return QuantileTreesParams.model_validate(value or {}) if isinstance(value, dict | None) else value
