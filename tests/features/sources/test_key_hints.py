"""Causes of keys without a partner: said only if they explain the keys, with a remedy that works on the same tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources.key_hints import HintSide, key_hint, spelling_hint
from features.tables import TABLES
from tests.features.sources.test_key_matches import DAY, loans, match_of, read


def side(name: str, rows: dict[str, Any], column: str, source: pl.DataFrame | None = None, **options: Any) -> HintSide:
    frame = pl.LazyFrame(rows)
    source_rows = frame if source is None else source.lazy()
    is_query, timezone = options.get("is_query", False), options.get("timezone", "Asia/Shanghai")
    return HintSide(TABLES[name], column, column, frame, lambda: source_rows, is_query, timezone)


def test_a_remedy_in_the_yaml_is_given_for_few_keys_and_works(tmp_path: Path) -> None:
    tables = loans(["A1", "A2", "A3"], ["a1", "A2", "A3"])
    with pytest.raises(DataError, match=r"In upper case 1 of 1 keys has a partner \('a1' is 'A1' in applications\)"):
        read(tmp_path, tables)
    columns = {"application_id": {"from": "application_id", "map": {"a1": "A1"}, "map_other": "keep"}}
    raw = read(tmp_path, tables, {"loan_outcomes": {"columns": columns}})
    assert match_of(raw, "loan_outcomes.application_id").unmatched_rows == 0


def test_the_query_is_the_place_to_correct_many_keys() -> None:
    keys = [f"a{i}" for i in range(30)]
    outcomes = side("loan_outcomes", {"application_id": keys}, "application_id", is_query=True)
    applications = side("applications", {"application_id": [k.upper() for k in keys]}, "application_id")
    hint = spelling_hint(pl.Series(keys), pl.Series(keys).str.to_uppercase(), outcomes, applications)
    assert hint is not None
    assert hint.endswith("write both alike in one of the sources, such as in the `sql` of tables.loan_outcomes")


def test_customers_that_are_visitors_are_recognised_by_the_column_of_the_same_rows() -> None:
    rows = {"customer_id": ["x1", "x2", "C1"], "visitor_id": ["x1", "x2", "x3"]}
    hint = key_hint(
        pl.Series(["x1", "x2"]),
        pl.Series(["C1"]),
        side("events", rows, "customer_id"),
        side("customers", {}, "customer_id"),
    )
    assert hint is not None
    assert hint.startswith("in 2 of these 2 rows `customer_id` has the value of `visitor_id`")
    assert hint.endswith("or leave it out with `customer_id: null`")


def test_another_column_of_the_source_that_has_the_keys_is_named_and_its_mapping_works(tmp_path: Path) -> None:
    tables = loans(["A1", "A2", "A3"], ["x", "y", "z"])
    tables["loan_outcomes"] |= {"app_no": ["A1", "A2", "A3"], "months": [1, 2, 3]}
    with pytest.raises(
        DataError, match=r"`app_no` has keys of applications in 3 of 3 rows: map it at tables\.loan_outc"
    ):
        read(tmp_path, tables)
    raw = read(tmp_path, tables, {"loan_outcomes": {"columns": {"application_id": "app_no"}}})
    assert match_of(raw, "loan_outcomes.application_id").unmatched_rows == 0


def test_another_column_of_the_other_source_is_named_if_it_identifies_its_rows(tmp_path: Path) -> None:
    records = {"record_id": ["1", "2"], "serviced_at": [DAY * 9_000] * 2, "vehicle_id": ["LSV1", "LSV2"]}
    fleet = {"vehicle_id": ["v1", "v2"], "entered_service_at": [DAY * 8_000] * 2, "plate": ["LSV1", "LSV2"]}
    tables = {"service_records": records, "fleet": fleet}
    with pytest.raises(
        DataError, match=r"2 of 2 keys are values of the source column `plate` of fleet: map it at tables\.f"
    ):
        read(tmp_path, tables)
    raw = read(tmp_path, tables, {"fleet": {"columns": {"vehicle_id": "plate"}}})
    assert match_of(raw, "service_records.vehicle_id").unmatched_rows == 0
    fleet |= {
        "vehicle_id": ["v1", "v2", "v3"],
        "entered_service_at": [DAY * 8_000] * 3,
        "plate": ["LSV1", "LSV2", "LSV2"],
    }
    with pytest.raises(DataError, match="which does not identify its rows"):
        read(tmp_path, tables)


def test_keys_with_the_same_digits_are_proposed_last_and_with_a_check(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'C' in place of 'K' 2 of 2 keys .* check that both number the same things"):
        read(tmp_path, loans(["C1", "C2"], ["K1", "K2"]))


def test_a_column_with_few_values_does_not_hold_keys_by_chance(tmp_path: Path) -> None:
    tables = loans([str(i) for i in range(20)], [f"x{i}y" for i in range(20)])
    tables["loan_outcomes"]["term"] = [12] * 20
    with pytest.raises(DataError) as error:
        read(tmp_path, tables)
    assert "`term`" not in str(error.value)


def test_rows_before_the_other_table_begins_are_recognised_and_since_is_the_remedy() -> None:
    leads = {"customer_id": ["a", "b", "c", "d"], "created_at": [DAY * n for n in (100, 101, 200, 201)]}
    customers = {"customer_id": ["c", "d"], "created_at": [DAY * 199, DAY * 200]}
    both = side("leads", leads, "customer_id"), side("customers", customers, "customer_id")
    assert key_hint(pl.Series(["a", "b"]), pl.Series(["c", "d"]), *both) == (
        "2 of these 2 rows are dated before the first row of customers (1970-07-19): add the rows that customers lacks"
        ", or leave these out with `since: 1970-07-19` at tables.leads"
    )


def test_the_time_is_not_the_cause_if_rows_of_the_same_time_have_a_partner() -> None:
    leads = {"customer_id": ["a", "b", "c", "d"], "created_at": [DAY * n for n in (100, 200, 100, 200)]}
    customers = {"customer_id": ["c", "d"], "created_at": [DAY * 150, DAY * 150]}
    both = side("leads", leads, "customer_id"), side("customers", customers, "customer_id")
    assert key_hint(pl.Series(["a", "b"]), pl.Series(["c", "d"]), *both) is None


def test_outcomes_after_the_last_application_are_normal() -> None:
    outcomes = {"application_id": ["x", "y"], "observed_at": [DAY * 900, DAY * 901]}
    applications = {"application_id": ["a"], "submitted_at": [DAY * 100]}
    both = side("loan_outcomes", outcomes, "application_id"), side("applications", applications, "application_id")
    assert key_hint(pl.Series(["x", "y"]), pl.Series(["a"]), *both) is None


def test_leads_none_of_which_has_an_event_stop_only_if_another_spelling_matches(tmp_path: Path) -> None:
    def tables(customer: str) -> dict[str, Any]:
        event = {"event_id": ["1"], "event_at": [DAY * 8_000], "customer_id": [customer]}
        return {"leads": {"lead_id": ["L"], "created_at": [DAY * 8_001], "customer_id": ["C07"]}, "events": event}

    with pytest.raises(DataError, match=r"leads: 0 of 1 rows have an event .* In upper case 1 of 1 keys has a partner"):
        read(tmp_path, tables("c07"))
    raw = read(tmp_path, tables("Z99"))
    assert raw.key_notes == ("leads: 0 of 1 rows have an event of their customer in events, 1 has none",)
