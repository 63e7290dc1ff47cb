"""Free-text workshop lines are classified by a rule file; implausible odometer readings become null."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from features.errors import ConfigError, DataError
from features.sources.config import load_sources
from features.sources.lines import LineRules, classify, load_line_rules
from features.sources.reading import RawTables, read_tables
from tests.conftest import ROOT
from training.simulator.faults import COMPONENTS
from training.simulator.workshop import ROUTINE

RULES: dict[str, Any] = {
    "labour": ["labou?r"],
    "routine": {"oil": ["engine oil"], "tyres": ["tyre"]},
    "components": {"brakes": ["brake", "制动"], "clutch": ["clutch"]},
    "fault": ["leak"],
    "no_fault": ["clean", "check"],
}


def kinds(*texts: str, **changes: Any) -> list[tuple[Any, ...]]:
    classes = classify(pl.Series(texts, dtype=pl.String), LineRules.model_validate(RULES | changes))
    return classes.select("component", "kind", "matched_by").rows()


def test_the_first_pattern_decides_in_upper_and_lower_case() -> None:
    assert kinds("ENGINE OIL", "Brake shoe", "制动异响", "brake labour", "clean  brake") == [
        ("oil", "routine", "rule"),
        ("brakes", "fault", "rule"),
        ("brakes", "fault", "rule"),
        (None, "labour", None),
        ("brakes", "routine", "rule"),
    ]


def test_a_word_for_a_fault_makes_one_of_routine_work() -> None:
    assert kinds("engine oil leak", "engine oil change")[0][1:] == ("fault", "rule")


def test_a_slip_of_the_pen_goes_with_the_most_similar_text() -> None:
    assert kinds("clutch cable", "clucth cable", "stickers")[1:] == [
        ("clutch", "fault", "similarity"),
        (None, "unmapped", None),
    ]
    assert kinds("clutch cable", "clucth cable", similarity=None)[1] == (None, "unmapped", None)


def test_nothing_to_compare_with_and_nothing_at_all_are_fine() -> None:
    assert kinds("stickers", "") == [(None, "unmapped", None)] * 2
    assert kinds() == []


def test_shipped_rules_read_the_sample_dealership_as_it_was_meant() -> None:
    written = {row[5]: (name, True) for name, row in COMPONENTS.items()}
    written |= {row[2]: (name, False) for name, row in ROUTINE.items()} | {"工时费": (None, False)}
    classes = classify(pl.Series(list(written)), load_line_rules(ROOT / "configs" / "service_lines.yaml"))
    assert dict(zip(classes["text"], classes.select("component", "fault").rows(), strict=True)) == written


def read(folder: Path, rules: Any = RULES, **changes: Any) -> RawTables:
    folder.mkdir(exist_ok=True)
    days = ["01-02-24", "2024/02/03", "31-02-24", "05-02-24", "06-02-24", "07-02-24"]
    pl.DataFrame(
        {
            "bike": ["B1"] * 6,
            "day": days,
            "what": ["brake shoe", "engine oil", "brake", "labour", None, "brake pad"],
            "km": [1_000, 1_200, 1_300, 14_000, 1_500, 900],
        }
    ).write_parquet(folder / "jobs.parquet")
    if rules is not None:
        (folder / "lines.yaml").write_text(yaml.safe_dump(rules, allow_unicode=True))
    table = {
        "parquet": "jobs.parquet",
        "lines": {"text": "what", "rules": "lines.yaml"},
        "check_odometer": True,
        "columns": {
            "record_id": {"row_number": True},
            "vehicle_id": "bike",
            "serviced_at": {"from": "day", "format": ["%d-%m-%y", "%Y/%m/%d"]},
            "odometer_km": "km",
        },
    } | changes
    (folder / "sources.yaml").write_text(
        yaml.safe_dump({"max_quarantined_share": 0.5, "tables": {"service_records": table}})
    )
    return read_tables(
        load_sources(folder / "sources.yaml"), ["service_records"], quarantine_folder=folder / "quarantine"
    )


def test_a_table_of_free_text_is_read_by_configuration_alone(tmp_path: Path) -> None:
    raw = read(tmp_path)
    rows, report = raw.frames["service_records"].collect(), raw.reports["service_records"]
    assert rows.height == 5 and report.rows_quarantined == 1  # the 31st of February
    assert rows["component"].to_list() == ["brakes", "oil", None, None, "brakes"]
    assert rows["fault"].to_list() == [True, False, False, False, True]
    assert rows["odometer_km"].to_list() == [1_000, 1_200, None, 1_500, None]
    assert report.rules["odometer_km: ten times too large"] == 1 and report.rules["odometer_km: runs backwards"] == 1
    assert "4 of 6 lines (66.7%) have a component" in report.notes[-3] and "1 are labour" in report.notes[-3]
    assert pl.read_csv(tmp_path / "quarantine" / "service_records.unmapped.csv").rows() == [(None, 1)]
    readings = pl.read_parquet(tmp_path / "quarantine" / "service_records.odometer.parquet")
    assert readings.sort("odometer_km")["reason"].to_list() == ["runs backwards", "ten times too large"]


def test_lines_that_are_left_out_are_not_classified(tmp_path: Path) -> None:
    report = read(tmp_path, only={"what": ["brake shoe", "labour"]}, check_odometer=False).reports["service_records"]
    assert report.notes[-2] == "4 rows whose `what` is not 'brake shoe' or 'labour' were left out by `only`"
    assert "1 of 2 lines (50.0%) have a component" in report.notes[-1]


@pytest.mark.parametrize(
    ("rules", "match"),
    [
        ({"components": {"brakes": ["("]}}, r"brakes: pattern '\(' is not a regular expression"),
        ({"components": {"brakes": ["(?i)brake"]}}, r"components\.brakes: .* is not a regular expression"),
        ({"components": {"brakes": [r"(a)\1"]}}, "has a named group or a back-reference"),
        ({"components": {"brakes": ["brake", "a*"]}}, "matches every text"),
        ({"components": {}}, "has no component; add patterns"),
        ({"components": {"a": ["x"]}, "routine": {"a": ["y"]}}, "rename one of them"),
        ({"components": {"a": ["x"]}, "similarity": {"at_least": 2}}, "similarity.at_least"),
        ({"components": {"a": ["x"]}, "colour": 1}, "colour"),
        (None, r"lines\.yaml"),
    ],
)
def test_a_bad_file_of_rules_names_its_key(tmp_path: Path, rules: Any, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        read(tmp_path, rules)


def test_invalid_options_of_service_lines_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column `text`, used in `lines\.text`"):
        read(tmp_path, lines={"text": "text", "rules": "lines.yaml"})
    with pytest.raises(DataError, match="check_odometer needs the column vehicle_id"):
        read(tmp_path, columns={"record_id": {"row_number": True}, "serviced_at": {"constant": "2024-01-01"}})
    with pytest.raises(ConfigError, match="apply to service_records only"):
        (tmp_path / "other.yaml").write_text("tables: {fleet: {parquet: x.parquet, check_odometer: true}}")
        load_sources(tmp_path / "other.yaml")
