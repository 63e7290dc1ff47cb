from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.sources import TableSource, load_sources


def _table(folder: Path, entry: str) -> TableSource:
    file = folder / "sources.yaml"
    file.write_text(f"tables: {{leads: {{{entry}}}}}", encoding="utf-8")
    return load_sources(file).tables["leads"]


def test_dates_and_instants_limit_a_table(tmp_path: Path) -> None:
    source = _table(tmp_path, "csv: a.csv, since: 2024-01-01, before: 2024-03-31 18:00")
    assert source.since == date(2024, 1, 1) and not isinstance(source.since, datetime)
    assert source.before == datetime(2024, 3, 31, 18)


def test_a_bare_number_is_the_share_of_a_sample(tmp_path: Path) -> None:
    sample = _table(tmp_path, "csv: a.csv, sample: 0.25").sample
    assert sample is not None and (sample.share, sample.by, sample.seed) == (0.25, (), 0)


def test_names_of_columns_may_be_numbers_and_dates(tmp_path: Path) -> None:
    unpivot = _table(tmp_path, "csv: a.csv, unpivot: {on: [1, 2024, 2024-01-31, Q1], variable: v, value: x}").unpivot
    assert unpivot is not None and unpivot.on == ("1", "2024", "2024-01-31", "Q1")


@pytest.mark.parametrize(("written", "codec"), [("GBK", "gbk"), ("latin-1", "iso8859-1"), ("windows-1252", "cp1252")])
def test_any_text_encoding_of_python_is_accepted(tmp_path: Path, written: str, codec: str) -> None:
    assert _table(tmp_path, f"csv: a.csv, encoding: {written}").encoding == codec


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("csv: a.csv, encoding: gb1803", "encoding: is no text encoding, got 'gb1803'; did you mean `gb18030`"),
        ("csv: a.csv, encoding: hex", "encoding: is no text encoding, got 'hex'"),
        ("csv: a.csv, sheet: Jan", "`sheet` applies to `excel` only"),
        ("csv: a.csv, excel: a.xlsx", "exactly one of `parquet`, `csv`, `excel`, `sql` and `store`"),
        ("parquet: a.parquet, skip_rows: 2", "`skip_rows` applies to `csv` and `excel` only"),
        ("csv: a.csv, since: last year", "since: must be a date such as 2024-03-31"),
        ("csv: a.csv, since: 20240101", "since: must be a date such as 2024-03-31"),  # not 1970-08-23
        ("csv: a.csv, until: []", "tables.leads.until: must be a date such as 2024-03-31"),
        ("excel: a.xlsx, sheet: 0", "tables.leads.sheet: must be the name of a sheet, or its number from 1"),
        ("excel: a.xlsx, sheet: true", "tables.leads.sheet: must be the name of a sheet"),
        ("csv: a.csv, skip_rows: true", "skip_rows: must be a number"),
        ("csv: a.csv, max_unmatched_share: true", "max_unmatched_share: must be a number"),
        ("csv: a.csv, sample: {share: true}", "sample.share: must be a number"),
        ("csv: a.csv, unpivot: {index: id, variable: v, value: x}", "unpivot.index: must be a list, such as [a, b]"),
        ("csv: a.csv, unpivot: id", "tables.leads.unpivot: must be keys and values, such as {key: value}"),
        ("csv: a.csv, before: 2024-01-01, until: 2024-01-01", "`before` and `until` both end the period"),
        ("csv: a.csv, sample: 0", "sample.share: input should be greater than 0"),
        ("csv: a.csv, latest_by: changed", "`latest_by` needs `duplicate_keys: latest`"),
        ("csv: a.csv, timezone: Shanghai", "timezone: no such time zone"),
        ("csv: a.csv, unpivot: {variable: month, value: units}", "exactly one of `index`"),
        ("csv: a.csv, unpivot: {index: [a], on: [b], variable: month, value: units}", "exactly one of `index`"),
        ("csv: a.csv, unpivot: {index: [a], variable: month, value: month}", "must be two names"),
        ("csv: a.csv, columns: {price: {from: p, decimal: ',', thousands: ','}}", "are both ','"),
        ("csv: a.csv, columns: {price: {from: p, decimal: ';'}}", "decimal: input should be '.' or ','"),
        ("csv: a.csv, columns: {price: {constant: 1, strip: USD}}", "`strip` converts a source column"),
    ],
)
def test_wrong_entries_name_the_key_the_rule_and_a_remedy(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        _table(tmp_path, entry)
    assert message in str(error.value)
