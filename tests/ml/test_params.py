"""Pydantic models of hyperparameters, built from constructors."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from ml.params import nested, params_model


class Trees:
    """An estimator."""

    def __init__(self, *, leaves: int = 7, rate: float = 0.1, columns: tuple[int, ...] = ()) -> None:
        self.leaves, self.rate, self.columns = leaves, rate, columns


def test_names_types_and_defaults_are_the_constructor_s() -> None:
    model = params_model(Trees, without=["columns"])
    assert model.__name__ == "TreesParams"
    assert model().model_dump() == {"leaves": 7, "rate": 0.1}
    assert model(leaves=3).model_dump() == {"leaves": 3, "rate": 0.1}


@pytest.mark.parametrize("values", [{"leaves": "many"}, {"leaves": 3, "columns": [1]}, {"leaves": 3, "depth": 1}])
def test_wrong_types_and_unknown_parameters_are_errors(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        params_model(Trees, without=["columns"])(**values)


def test_parameters_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        params_model(Trees)(leaves=3).leaves = 4


class Nested(BaseModel):
    """A configuration with required and with optional parameters."""

    trees: nested(params_model(Trees)) = params_model(Trees)()  # type: ignore[valid-type]
    other: nested(params_model(Trees), optional=True) = None  # type: ignore[valid-type]


def test_nested_parameters_are_typed_and_null_is_the_defaults_or_none() -> None:
    nested_params = Nested.model_validate({"trees": None, "other": {"leaves": 3}})
    assert nested_params.model_dump() == {
        "trees": {"leaves": 7, "rate": 0.1, "columns": ()},
        "other": {"leaves": 3, "rate": 0.1, "columns": ()},
    }
    assert Nested.model_validate({"other": None}).other is None
    with pytest.raises(ValidationError, match="depth"):
        Nested.model_validate({"trees": {"depth": 1}})
