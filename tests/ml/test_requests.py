"""Requests: values that mean "missing", and texts as training reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from ml.requests import columns_of, missing_features, request_model
from ml.signature import Field, Signature

LATE = Field(name="late", kind="number", nulls=(96.0, 98.0), feature=True)
INCOME = Field(name="income", kind="integer", unit="fen", low=0, high=1e12, nulls=(-999_900,), feature=True)
CITY = Field(name="city", kind="text", nulls=("?", "9"), feature=True)
HOUSING = Field(name="housing", kind="category", values=("own", "rent"), nulls=("unknown",), feature=True)
OWNER = Field(name="owner", kind="flag", nulls=(False,), feature=True)


def read(field: Field, value: Any) -> Any:
    """Return the value of a field as the service reads it: from JSON."""
    model = request_model("Ask", Signature(fields=(field,)))
    return getattr(model.model_validate_json(json.dumps({field.name: value})), field.name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (LATE, 98), (LATE, 98.0), (LATE, 96), (LATE, None), (INCOME, -9_999), (INCOME, -9_999.0), (CITY, "?"),
        (CITY, " 9 "), (CITY, ""), (CITY, " \t "), (HOUSING, "unknown"), (HOUSING, " unknown"), (HOUSING, ""),
        (OWNER, False),
    ],
)  # fmt: skip
def test_a_value_that_training_took_as_missing_is_missing(field: Field, value: Any) -> None:
    assert read(field, value) is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (LATE, 97, 97.0), (LATE, 98.5, 98.5), (INCOME, 9_999.5, 9_999.5), (CITY, " Wuxi ", "Wuxi"),
        (CITY, "nan", "nan"), (CITY, "90", "90"), (HOUSING, " own ", "own"), (OWNER, True, True),
    ],
)  # fmt: skip
def test_other_values_stay_and_texts_lose_surrounding_blanks(field: Field, value: Any, expected: Any) -> None:
    assert read(field, value) == expected


@pytest.mark.parametrize(
    ("field", "value"), [(LATE, True), (LATE, "98"), (LATE, [98]), (CITY, 9), (HOUSING, "Own"), (INCOME, -1)]
)
def test_other_types_and_values_out_of_range_are_refused(field: Field, value: Any) -> None:
    with pytest.raises(ValidationError):
        read(field, value)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [(LATE, 98, "`nulls`"), (CITY, "?", "`nulls`"), (CITY, " ", "blank"), (INCOME, -9_999, "`nulls`")],
)
def test_a_marker_in_a_required_field_is_an_error_with_a_remedy(field: Field, value: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        read(field.model_copy(update={"required": True}), value)
    (detail,) = error.value.errors()
    assert (detail["loc"], detail["type"]) == ((field.name,), "missing_value")
    assert reason in detail["msg"] and detail["msg"].endswith("send its true value")


def test_a_number_equal_to_true_is_no_boolean() -> None:
    one = Field(name="count", kind="integer", nulls=(1,), feature=True)
    assert read(one, 1) is None
    with pytest.raises(ValidationError):
        read(one, True)


def test_missing_features_are_those_without_a_value_in_the_order_of_the_signature() -> None:
    rate = Field(name="rate of city", kind="number", feature=True, computed=True)
    signature = Signature(fields=(LATE, INCOME, CITY, HOUSING, rate, Field(name="note", kind="text")))
    model = request_model("Ask", signature)
    columns = columns_of([model(late=98, city="Wuxi"), model(late=1, income=5, city="", housing="own")], signature)
    assert missing_features(columns, 0, signature) == ["late", "income", "housing"]
    assert missing_features(columns, 1, signature) == ["city"]


def test_the_description_lists_the_markers_in_the_unit_of_requests() -> None:
    properties = request_model("Ask", Signature(fields=(LATE, INCOME, CITY))).model_json_schema()["properties"]
    assert [properties[f.name]["anyOf"][0]["description"] for f in (LATE, INCOME, CITY)] == [
        "96, 98: missing", "in yuan; -9999: missing", "?, 9: missing",
    ]  # fmt: skip


def test_a_stored_signature_has_the_same_markers() -> None:
    signature = Signature(fields=(LATE, INCOME, CITY, OWNER))
    assert Signature.model_validate(json.loads(json.dumps(signature.model_dump(mode="json")))) == signature
