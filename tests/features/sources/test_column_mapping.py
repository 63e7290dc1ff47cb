"""Mapping of source columns onto contract columns, from column names alone."""

from __future__ import annotations

from typing import Any

import pytest

from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures
from features.sources.table_source import TableSource
from features.tables import APPLICATIONS

SOURCE_COLUMNS = ("application_id", "submitted_at", "Amount", "visits")


def mapping_of(
    source_columns: tuple[str, ...] = SOURCE_COLUMNS, extra: ExtraFeatures | None = None, **source: Any
) -> ColumnMapping:
    return map_columns(
        APPLICATIONS,
        TableSource(csv="a.csv", **source),
        source_columns,
        extra=extra or ExtraFeatures(),
        undated=source.get("time") == "none",
        file="sources.yaml",
    )


def test_columns_are_mapped_by_name_or_by_entry_in_the_contract_s_order() -> None:
    mapping = mapping_of(
        columns={"loan_amount": {"from": "Amount", "factor": 100}}, extra=ExtraFeatures(numeric=("visits",))
    )
    assert mapping.problems == () and (mapping.key, mapping.time) == (("application_id",), "submitted_at")
    assert [(f.name, f.spec.source, f.kind, f.in_contract, f.required) for f in mapping.columns] == [
        ("application_id", "application_id", "text", True, True),
        ("submitted_at", "submitted_at", "timestamp", True, True),
        ("loan_amount", "Amount", "money", True, False),
        ("visits", "visits", "number", False, False),
    ]


@pytest.mark.parametrize(
    ("source_columns", "source", "extra", "message"),
    [
        (("submitted_at",), {}, None, "no column `application_id` .*row_number: true"),
        (("application_id",), {}, None, "no column `submitted_at` .*set `time: none`"),
        (SOURCE_COLUMNS, {"columns": {"loan_amount": {"from": "amount"}}}, None, "`amount`; did you mean `Amount`"),
        (
            SOURCE_COLUMNS,
            {"columns": {"housing": {"from": "Amount", "factor": 2}}},
            None,
            "`factor` multiplies",
        ),
        (SOURCE_COLUMNS, {"columns": {"housing": {"from": "Amount", "unit": "s"}}}, None, "`unit` reads timestamps"),
        (SOURCE_COLUMNS, {"only": {"colour": ["red"]}}, None, r"tables\.applications\.only: .* no column `colour`"),
        (SOURCE_COLUMNS, {}, ExtraFeatures(numeric=("visit",)), "`visit` .*remove `visit` from extra_features"),
        (
            SOURCE_COLUMNS,
            {},
            ExtraFeatures(numeric=("decided_at",)),
            r"`decided_at` is filled in after .* `columns: \{own_decided_at: \{from: decided_at\}\}`",
        ),
    ],
)
def test_a_problem_of_the_mapping_has_a_remedy(
    source_columns: tuple[str, ...], source: dict[str, Any], extra: ExtraFeatures | None, message: str
) -> None:
    problem = mapping_of(source_columns, extra, **source).problems[0]
    with pytest.raises(type(problem), match=message):
        raise problem


def test_a_mapped_name_outside_contract_and_extra_features_is_unused() -> None:
    assert mapping_of(columns={"paint": {"from": "Amount"}}).unused == ("paint",)
