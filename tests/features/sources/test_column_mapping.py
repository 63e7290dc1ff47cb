"""Which source column feeds which contract column, settled from names alone."""

from __future__ import annotations

from typing import Any

import pytest

from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures, TableSource
from features.tables import APPLICATIONS

PRESENT = ("application_id", "submitted_at", "Amount", "visits")


def bound(present: tuple[str, ...] = PRESENT, extra: ExtraFeatures | None = None, **source: Any) -> ColumnMapping:
    return map_columns(
        APPLICATIONS,
        TableSource(csv="a.csv", **source),
        present,
        extra=extra or ExtraFeatures(),
        undated=source.get("time") == "none",
        file="sources.yaml",
    )


def test_columns_feed_by_their_name_or_by_their_mapping_in_the_contract_s_order() -> None:
    mapping = bound(
        columns={"loan_amount": {"from": "Amount", "factor": 100}}, extra=ExtraFeatures(numeric=("visits",))
    )
    assert mapping.problems == () and (mapping.key, mapping.time) == (("application_id",), "submitted_at")
    assert [(f.name, f.spec.source, f.kind, f.contract, f.required) for f in mapping.columns] == [
        ("application_id", "application_id", "text", True, True),
        ("submitted_at", "submitted_at", "instant", True, True),
        ("loan_amount", "Amount", "money", True, False),
        ("visits", "visits", "number", False, False),
    ]


@pytest.mark.parametrize(
    ("present", "source", "extra", "message"),
    [
        (("submitted_at",), {}, None, "no column `application_id`; .*row_number: true"),
        (("application_id",), {}, None, "no column `submitted_at`; .*this table has no time"),
        (PRESENT, {"columns": {"loan_amount": {"from": "amount"}}}, None, "`amount`; did you mean `Amount`"),
        (PRESENT, {"columns": {"housing": {"from": "Amount", "factor": 2}}}, None, "`factor` multiplies numbers"),
        (PRESENT, {"columns": {"housing": {"from": "Amount", "unit": "s"}}}, None, "`unit` reads instants"),
        (PRESENT, {"only": {"colour": ["red"]}}, None, r"tables\.applications\.only: .* no column `colour`"),
        (PRESENT, {}, ExtraFeatures(numeric=("visit",)), "`visit`; .*remove it from extra_features"),
        (PRESENT, {}, ExtraFeatures(numeric=("loan_amount",)), "`loan_amount` is a contract column already"),
    ],
)
def test_what_stops_the_read_is_told_with_its_remedy(
    present: tuple[str, ...], source: dict[str, Any], extra: ExtraFeatures | None, message: str
) -> None:
    problem = bound(present, extra, **source).problems[0]
    with pytest.raises(type(problem), match=message):
        raise problem


def test_a_mapped_name_of_nothing_is_ignored_by_name() -> None:
    assert bound(columns={"paint": {"from": "Amount"}}).ignored == ("paint",)
