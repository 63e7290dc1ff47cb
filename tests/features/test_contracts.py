"""Classes of the table contracts: references of the raw tables to each other."""

from __future__ import annotations

import polars as pl
import pytest

from features.contracts import Column
from features.tables import TABLES


def test_every_foreign_key_names_the_key_of_a_table_of_the_same_type() -> None:
    references = [(t, c, *target) for t in TABLES.values() for c, target in t.foreign_keys.items()]
    assert ("loan_outcomes", "application_id", "applications", "application_id") in [
        (t.name, *rest) for t, *rest in references
    ]
    for table, column, other, key in references:
        assert TABLES[other].key == (key,), f"{table.name}.{column}"
        assert TABLES[other].columns[key].dtype == table.columns[column].dtype
        assert column in table.references


def test_columns_that_identify_customers_and_vehicles_refer_to_their_tables() -> None:
    for name in ("customer_id", "vehicle_id"):
        holders = {t.name for t in TABLES.values() if name in t.columns and t.key != (name,)}
        assert holders == {t.name for t in TABLES.values() if name in t.foreign_keys}


def test_a_range_has_two_ends() -> None:
    with pytest.raises(ValueError, match="low and high"):
        Column(pl.Int64, low=1)
