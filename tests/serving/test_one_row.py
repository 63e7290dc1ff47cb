"""A single row gives the same bits as the same row in a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.errors import FeatureError
from ml.domain.columns import derived_columns as derived
from ml.estimators.tabular_encoder import TabularEncoder
from serving.bodies import not_computable

DERIVED: dict[str, dict[str, list[str | float]]] = {
    "ratio": {"ratio": ["a", "b"]},
    "share": {"ratio": ["a", 3.0]},
    "difference": {"difference": ["a", "b"]},
    "product": {"product": ["b", "ratio"]},
    "sum": {"sum": ["a", "b", "c", "difference"]},
    "total": {"total": ["a", "b", "c", "ratio", "difference", "product", "a", "b", "c", "ratio"]},
    "instalment": {"instalment": ["a", "months", 0.0799]},
    "free": {"instalment": ["a", "months", 0.0]},
    "own_rate": {"instalment": ["a", "months", "c"]},
    "missing": {"missing": ["c"]},
}
NUMERIC, CATEGORICAL = ["a", "b", "c", "months", "flag"], ["city", "use"]
sizes = st.floats(1e-6, 1e9)
amounts = st.none() | st.just(0.0) | sizes | sizes.map(lambda v: -v) | st.integers(-(10**9), 10**9)
rows = st.fixed_dictionaries(
    {
        "a": amounts,
        "b": amounts,
        "c": st.none() | st.floats(0, 1),
        "months": st.none() | st.integers(0, 120),
        "flag": st.none() | st.booleans(),
        "city": st.none() | st.sampled_from(["北京", "x", "y", "never seen"]),
        "use": st.none() | st.text(max_size=3),
    }
)
FITTED = TabularEncoder(numeric=NUMERIC, categorical=CATEGORICAL, derived=DERIVED).fit(
    {"city": ["x", "x", "北京", None, "y"], "use": ["private", None, None, None, None]}
)


def _columns(table: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in table] for name in (*NUMERIC, *CATEGORICAL)}


def _bits(matrix: NDArray[np.float64]) -> list[list[str]]:
    return [["nan" if math.isnan(v) else v.hex() for v in row] for row in matrix.tolist()]


@settings(max_examples=200, deadline=None)
@given(st.lists(rows, min_size=1, max_size=20))
def test_one_row_a_batch_and_a_frame_give_the_same_bits(table: list[dict[str, Any]]) -> None:
    batch = FITTED.transform(_columns(table))
    assert batch.flags.c_contiguous and batch.shape == (len(table), len(FITTED.feature_names_out_))
    assert _bits(batch) == [_bits(FITTED.transform(_columns([row])))[0] for row in table]
    types = dict.fromkeys(NUMERIC, pl.Float64) | {"flag": pl.Boolean} | dict.fromkeys(CATEGORICAL, pl.String)
    assert _bits(FITTED.transform(pl.DataFrame(_columns(table), schema=types, strict=False))) == _bits(batch)


def test_derived_columns_equal_hand_computed_values() -> None:
    row = {"a": 12_000.0, "b": 0.0, "c": 0.12, "months": 12, "flag": True, "city": "y", "use": None}
    values = dict(zip(FITTED.feature_names_out_, FITTED.transform(_columns([row]))[0].tolist(), strict=True))
    assert math.isnan(values["ratio"]) and values["share"] == 4_000 and values["difference"] == 12_000
    assert (
        math.isnan(values["product"])
        and values["sum"] == pytest.approx(24_000.12)
        and values["total"] == pytest.approx(36_000.24)
    )
    assert values["free"] == 1_000 and round(values["own_rate"], 2) == 1_066.19 and values["missing"] == 0
    assert (values["city"], values["flag"]) == (1.0, 1.0) and math.isnan(values["use"])


@pytest.mark.parametrize("operation", sorted(derived.OPERATIONS))
def test_no_operation_changes_its_input(operation: str) -> None:
    columns = {"a": np.array([1.0, 0.0, np.nan]), "b": np.array([0.0, 2.0, 4.0])}
    before = {n: c.copy() for n, c in columns.items()}
    arity = derived.OPERATIONS[operation][1] or 2
    with derived.undefined_is_missing():
        derived.OPERATIONS[operation][0](*[columns["a"], columns["b"], 0.06][:arity])
    assert all(np.array_equal(columns[n], before[n], equal_nan=True) for n in columns)


def test_no_rows_give_no_rows() -> None:
    assert FITTED.transform({n: [] for n in (*NUMERIC, *CATEGORICAL)}).shape == (0, len(FITTED.feature_names_out_))
    assert TabularEncoder(categorical=["city"]).fit({"city": ["x"]}).transform({"city": ["x"]}).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"a": [1e300], "b": [1e-300]}, "ratio", "the ratio of a, b"),
        ({"b": ["many"]}, "b", "must hold numbers"),
        ({"b": [10**400]}, "b", "must hold numbers"),
    ],
)
def test_the_error_names_the_column_without_its_value(change: dict[str, Any], field: str, message: str) -> None:
    row = {"a": 1.0, "b": 2.0, "c": 0.1, "months": 12, "flag": None, "city": None, "use": None}
    with pytest.raises(FeatureError) as raised:
        FITTED.transform(_columns([row]) | change)
    problem = not_computable(raised.value)
    assert problem.status == 422 and problem.details[0]["field"] == field and message in problem.message
    assert "many" not in problem.message.replace("must hold numbers", "") and "e+300" not in problem.message


@pytest.mark.parametrize("absent", ["a", "b", "city"])
def test_a_column_that_is_not_there_is_named(absent: str) -> None:
    columns = {n: c for n, c in _columns([]).items() if n != absent}
    for table in (columns, pl.DataFrame(columns)):
        with pytest.raises(FeatureError, match=f"column '{absent}' is missing"):
            FITTED.transform(table)
