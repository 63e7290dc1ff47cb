"""Signatures, and requests that match them."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from features.errors import DataError
from features.tables import APPLICATIONS
from ml.bilingual import Text
from ml.labels import Labels
from ml.requests import columns_of, request_model, row_as_request
from ml.signature import Field, Signature, contract_fields, feature_columns, infer_signature

FRAME = pl.DataFrame(
    {
        "loan_amount": [100_000, 250_050],
        "housing": ["own", None],
        "decision": ["approve", "decline"],
        "visits": [1.0, 2.0],
        "score_of_others": [0.1, 0.2],
    }
)


@pytest.fixture
def signature() -> Signature:
    return infer_signature(
        FRAME,
        APPLICATIONS,
        numeric=["loan_amount", "visits", "score_of_others"],
        categorical=["housing"],
        extra=["visits"],
        computed=["score_of_others"],
    )


def test_a_feature_without_missing_values_is_required_and_a_computed_one_is_not_in_requests(
    signature: Signature,
) -> None:
    assert {f.name: f.required for f in signature.fields if f.feature} == {
        "loan_amount": True, "housing": False, "visits": True, "score_of_others": False,
    }  # fmt: skip
    assert signature.request_columns == (["loan_amount", "housing", "visits"], ["loan_amount"])
    assert "score_of_others" not in request_model("Ask", signature).model_fields


def test_money_goes_in_yuan_and_comes_in_fen(signature: Signature) -> None:
    ask = request_model("Ask", signature)
    rows = [row_as_request(row, signature) for row in FRAME.to_dicts()]
    assert rows[1] == {"loan_amount": 2500.5, "visits": 2.0}
    columns = columns_of([ask(**row) for row in rows], signature)
    assert columns == {"loan_amount": [100_000, 250_050], "housing": ["own", None], "visits": [1.0, 2.0]}
    assert columns_of([], signature) == {"loan_amount": [], "housing": [], "visits": []}


@pytest.mark.parametrize(
    ("change", "place"),
    [({"loan_amount": None}, "loan_amount"), ({"housing": "castle"}, "housing"), ({"decision": "approve"}, "decision")],
)
def test_a_request_that_breaks_the_signature_names_the_field(
    signature: Signature, change: dict[str, object], place: str
) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{place}$"):
        request_model("Ask", signature)(**{"loan_amount": 1.0, "visits": 1.0} | change)


def test_outcomes_protected_attributes_and_references_are_no_features() -> None:
    assert not {f.name for f in contract_fields(APPLICATIONS)} & APPLICATIONS.outcomes
    columns = feature_columns(APPLICATIONS, ["gender", "submitted_at", "term_months", "housing"], exclude=["housing"])
    assert columns == (["term_months"], [])
    with pytest.raises(DataError, match="feature 'nothing' is not a column of applications"):
        infer_signature(FRAME, APPLICATIONS, numeric=["nothing"], categorical=[], extra=[])
    assert Signature(fields=(Field(name="a", kind="flag", feature=True),)).numeric == ["a"]


def test_names_of_the_configuration_are_stored_with_the_signature() -> None:
    labels = Labels(columns={"late": Text(zh="逾期次数", en="late payments")})
    rows = pl.DataFrame({"late": [1.0, 2.0], "price": [1.0, 2.0], "housing": ["own", "rent"]})
    signature = infer_signature(
        rows, APPLICATIONS, numeric=["late", "price"], categorical=["housing"], extra=["late", "price"], labels=labels
    )
    restored = Signature.model_validate_json(signature.model_dump_json())
    assert restored.labels == labels and restored.column_label("late").zh == "逾期次数"
    assert restored.column_label("price").zh == "“price”"  # an own column: no price of a vehicle
    assert hash(restored) == hash(signature) != hash(signature.model_copy(update={"labels": Labels()}))
    assert Signature.model_validate({"fields": []}).labels == Labels()
