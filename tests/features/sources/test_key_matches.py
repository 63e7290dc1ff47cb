"""Keys without a partner: counted, explained by quarantine and filters, and an error past the configured share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.sources.config import SourcesConfig
from features.sources.key_matches import KeyMatch, KeyTable, match_keys
from features.sources.reading import RawTables, read_tables
from features.tables import TABLES

DAY = 86_400_000_000


def read(
    folder: Path, tables: dict[str, dict[str, Any]], options: dict[str, dict[str, Any]] | None = None, **settings: Any
) -> RawTables:
    """Read tables from Parquet; `options` go to their entries, `settings` to the file or `read_tables`."""
    sources = {}
    for name, data in tables.items():
        pl.DataFrame(data, strict=False).write_parquet(folder / f"{name}.parquet")
        sources[name] = {"parquet": str(folder / f"{name}.parquet"), **(options or {}).get(name, {})}
    reading = {k: settings.pop(k) for k in ("joins", "progress") if k in settings}
    return read_tables(
        SourcesConfig(tables=sources, **settings), list(tables), quarantine_folder=folder / "quarantine", **reading
    )


def loans(applications: list[str], outcomes: list[str]) -> dict[str, dict[str, Any]]:
    return {
        "applications": {
            "application_id": applications,
            "submitted_at": [DAY * (8_000 + i) for i in range(len(applications))],
        },
        "loan_outcomes": {"application_id": outcomes, "defaulted": [False] * len(outcomes)},
    }


def match_of(raw: RawTables, column: str) -> KeyMatch:
    (match,) = [m for m in raw.key_matches if f"{m.table}.{m.column}" == column]
    return match


def test_rows_and_keys_without_a_partner_are_counted_with_examples_and_shown_in_the_progress(tmp_path):
    tables = {
        "events": {
            "event_id": list("abcdef"),
            "event_at": [DAY * 8_000] * 6,
            "vehicle_id": ["v1", "v1", "v2", "x", "x", None],
        },
        "vehicles": {"vehicle_id": ["v1", "v2", "v3"]},
    }
    lines: list[str] = []
    match = match_of(read(tmp_path, tables, max_unmatched_share=0.4, progress=lines.append), "events.vehicle_id")
    assert (match.rows, match.unmatched_rows, match.keys, match.unmatched_keys) == (5, 2, 3, 1)
    assert match.examples == ("x",)
    assert match.text in lines
    assert "2 of 5 rows (40.0%; 1 of 3 keys) have no partner in vehicles, for example 'x'" in match.text


def test_without_a_recognised_cause_the_message_shows_keys_of_both_tables(tmp_path):
    with pytest.raises(DataError) as error:
        read(tmp_path, loans(["a", "b"], ["X1", "Y1"]))
    assert "for example 'X1', 'Y1', and" in str(error.value)
    assert "No cause was recognised: keys of applications are, for example, 'a', 'b'. Correct" in str(error.value)
    with pytest.raises(DataError, match="Keys of both are written alike: applications lacks rows, or the columns"):
        read(tmp_path, loans(["APP-1", "APP-2"], ["APP-3", "APP-14"]))


def test_keys_that_are_vehicle_numbers_are_not_shown(tmp_path):
    records = {"record_id": ["1", "2"], "serviced_at": [DAY * 9_000] * 2, "vehicle_id": ["LSV11", "LSV12"]}
    fleet = {"vehicle_id": ["v1", "v2"], "entered_service_at": [DAY * 8_000] * 2, "vin": ["LSV11", "LSV12"]}
    with pytest.raises(DataError, match="values of the source column `vin` of fleet: map it at") as error:
        read(tmp_path, {"service_records": records, "fleet": fleet})
    assert "LSV11" not in str(error.value)
    fleet["vehicle_id"] = ["lsv11", "lsv12"]
    with pytest.raises(DataError, match="In upper case 2 of 2 keys have a partner: write both alike") as error:
        read(tmp_path, {"service_records": records, "fleet": fleet})
    assert "LSV11" not in str(error.value)


def test_a_share_above_the_limit_stops_with_numbers_and_both_remedies(tmp_path):
    tables = loans(["a", "b", "c"], ["a", "b", "C"])
    with pytest.raises(DataError) as error:
        read(tmp_path, tables)
    for part in (
        "loan_outcomes.application_id: 1 of 3 rows (33.3%; 1 of 3 keys) has no partner in applications",
        "for example 'C'",
        "max_unmatched_share is 20.0%",
        "tables.loan_outcomes.columns.application_id or tables.applications.columns.application_id",
        "set `max_unmatched_share: 0.34` at tables.loan_outcomes",
    ):
        assert part in str(error.value)
    read(tmp_path, tables, {"loan_outcomes": {"max_unmatched_share": 0.34}})
    read(tmp_path, tables, max_unmatched_share=0.34)
    with pytest.raises(DataError, match=r"max_unmatched_share is 10\.0%"):
        read(tmp_path, tables, {"loan_outcomes": {"max_unmatched_share": 0.1}}, max_unmatched_share=1)


def test_the_message_names_the_column_of_the_source(tmp_path):
    tables = loans(["a"], ["b"])
    tables["loan_outcomes"]["loan no"] = tables["loan_outcomes"].pop("application_id")
    with pytest.raises(DataError, match=r"loan_outcomes.application_id \(`loan no`\): 1 of 1 rows \(100.0%"):
        read(tmp_path, tables, {"loan_outcomes": {"columns": {"application_id": "loan no"}}})


def test_references_on_which_nobody_joins_are_counted_and_do_not_stop(tmp_path):
    raw = read(tmp_path, loans(["a"], ["b"]), joins=())
    assert match_of(raw, "loan_outcomes.application_id").unmatched_rows == 1
    assert len(raw.key_notes) == 2


def test_applications_without_an_outcome_are_counted_and_do_not_stop(tmp_path):
    raw = read(tmp_path, loans(["a", "b", "c", "d"], ["a"]))
    assert raw.key_notes == ("applications: 1 of 4 rows has an outcome in loan_outcomes, 3 have none",)


def test_an_outcome_of_a_quarantined_application_is_explained_and_does_not_count_towards_the_limit(tmp_path):
    tables = loans(["a", "b", "c"], ["a", "b", "c"])
    tables["applications"]["annual_rate"] = [0.1, 5.0, 0.1]
    raw = read(tmp_path, tables, max_quarantined_share=0.5, max_unmatched_share=0)
    match = match_of(raw, "loan_outcomes.application_id")
    assert (match.unmatched_rows, match.quarantined_rows, match.unexplained_share) == (1, 1, 0)
    assert "1 of them refers to quarantined rows of applications" in match.text


def test_a_filter_of_the_other_table_explains_unmatched_keys(tmp_path):
    tables = loans(["a", "b", "c"], ["a", "b", "c", "x"])
    tables["applications"]["status"] = ["funded", "refused", "funded"]
    raw = read(tmp_path, tables, {"applications": {"only": {"status": ["funded"]}}}, max_unmatched_share=0.25)
    match = match_of(raw, "loan_outcomes.application_id")
    assert (match.unmatched_rows, match.filtered_rows, match.unexplained_share) == (2, 1, 0.25)
    assert match.examples == ("x",), "examples are keys that nothing explains"
    assert "1 of them refers to rows that the filters of applications leave out" in match.text


def test_a_reference_within_a_table_does_not_stop(tmp_path):
    raw = read(tmp_path, {"vehicles": {"vehicle_id": ["u"], "catalogue_id": ["model A"]}})
    assert match_of(raw, "vehicles.catalogue_id").unmatched_rows == 1


def test_a_table_without_rows_with_a_key_has_no_share():
    frame = pl.LazyFrame({"vehicle_id": pl.Series([None], dtype=pl.String)})
    names = {"vehicle_id": "vehicle_id"}
    tables = {name: KeyTable(TABLES[name], frame, None, names, 1.0, lambda: frame) for name in ("events", "vehicles")}
    (match,) = match_keys(tables)
    assert (match.rows, match.unexplained_share) == (0, 0)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_counts_equal_those_of_python(keys: list[str], others: set[str]):
    left = pl.LazyFrame({"vehicle_id": pl.Series(keys, dtype=pl.String)})
    right = pl.LazyFrame({"vehicle_id": pl.Series(sorted(others), dtype=pl.String)})
    names = {"vehicle_id": "vehicle_id"}
    (match,) = match_keys(
        {
            "events": KeyTable(TABLES["events"], left, None, names, 1.0, lambda: left),
            "vehicles": KeyTable(TABLES["vehicles"], right, None, names, 1.0, lambda: right),
        }
    )
    unmatched = [k for k in keys if k not in others]
    assert (match.rows, match.keys) == (len(keys), len(set(keys)))
    assert (match.unmatched_rows, match.unmatched_keys) == (len(unmatched), len(set(unmatched)))
    assert match.examples == tuple(sorted(set(unmatched), key=lambda k: (-unmatched.count(k), k))[:3])
