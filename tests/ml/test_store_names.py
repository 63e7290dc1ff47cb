"""Unknown stores are refused with the nearest names; stores that a model or its live stock has are valid."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from features.tables import LEADS
from ml.requests import request_model
from ml.signature import Signature, infer_signature
from ml.store_names import name_examples, unknown_store

STORES = [f"S{i:04d}" for i in range(1, 9)]


def test_the_nearest_names_or_an_example_are_shown() -> None:
    assert name_examples("S0009", STORES) == " (did you mean `S0008` or `S0007`?)"
    assert name_examples("Wuxi", STORES) == " (such as `S0001`)"
    assert name_examples("Wuxi", [f"S{i}" for i in range(6_000)]) == " (such as `S0`)"
    assert unknown_store("Wuxi", STORES).startswith(
        "is not one of the 8 stores of the model (such as `S0001`); correct"
    )
    assert unknown_store("Wuxi", ()) == "must be left out: the model has no stores"


def signature(stores: list[str]) -> Signature:
    rows = pl.DataFrame({"store_id": STORES[:2], "channel": ["website", "phone"]})
    return infer_signature(rows, LEADS, numeric=[], categorical=["channel"], extra=[], stores=stores)


def read(stores: list[str], value: Any) -> Any:
    model: Any = request_model("Lead", signature(stores))
    return model.model_validate_json(json.dumps({"channel": "website", "store_id": value})).store_id


def test_a_request_with_a_store_of_the_training_table_is_valid_and_loses_blanks() -> None:
    assert read(STORES, "S0008") == "S0008" and read(STORES, " S0001 ") == "S0001"
    assert read(STORES, None) is None and read(STORES, " ") is None
    assert read([], "anywhere") == "anywhere"  # the training table has no stores


def test_a_request_with_another_store_is_refused_without_its_value() -> None:
    with pytest.raises(ValidationError) as error:
        read(STORES, "S00011")
    (detail,) = error.value.errors()
    assert (detail["loc"], detail["type"]) == (("store_id",), "unknown_store")
    assert "did you mean `S0001`" in detail["msg"] and "S00011" not in detail["msg"]
    assert "one of the 8 stores of the training data" in str(
        request_model("Lead", signature(STORES)).model_json_schema()
    )
