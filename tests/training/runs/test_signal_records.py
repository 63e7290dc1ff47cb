"""Pairs from the records of a configuration: undated counts, complaints by job, strata."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from features.errors import DataError
from ml.report.sections import Bars
from tests.commands import chehang
from tests.small.counted_faults import write_complaints, write_pairs
from training.config import load_config
from training.runs import signal_report
from training.runs.signal_records import read_pair_lines
from training.runs.signals import signals_of_records


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))


def test_counts_without_dates_are_ranked_and_drawn(tmp_path: Path) -> None:
    path, out = write_pairs(tmp_path), tmp_path / "ranked.csv"
    result = signals_of_records(load_config("fault_rate", path), out=out)
    first = result.table.row(0, named=True)
    assert (first["model"], first["component"]) == ("M03", "C05") and first["eb05"] > 2
    assert result.total == pl.read_csv(tmp_path / "pairs.csv")["件数"].sum()
    assert [f.name for f in result.files] == ["ranked.csv", "ranked.png"] and all(f.exists() for f in result.files)
    within = (pl.col("eb05") <= pl.col("ebgm")) & (pl.col("ebgm") <= pl.col("eb95"))
    assert result.table.select(within.all()).item()


def test_lines_of_one_complaint_count_once(tmp_path: Path) -> None:
    """Two lines of one job on the same component are one event; a routine line and one without model are none."""
    path = write_pairs(tmp_path)
    pl.DataFrame(
        {
            "车型": ["A", "A", "A", None, "B"],
            "部件": ["x", "x", "y", "x", "x"],
            "件数": [1, 1, 1, 1, 3],
            "job_id": ["J1", "J1", "J1", "J2", None],
            "fault": [True, True, True, True, False],
        }
    ).write_csv(tmp_path / "pairs.csv")
    lines, notes = read_pair_lines(load_config("fault_rate", path))
    assert sorted(lines.rows()) == [("A", "x", 1), ("A", "y", 1)]
    assert notes == (
        "left out: 1 record without a fault", "left out: 1 record without model, component or stratum",
        "merged: 1 line on the fault of the same job and component",
    )  # fmt: skip


def test_model_years_are_strata(tmp_path: Path) -> None:
    config = load_config("fault_rate", write_complaints(tmp_path))
    lines, notes = read_pair_lines(config, stratum="model_year")
    assert set(lines["model_year"]) == {"2020", "2021", "2022"} and "without model, component or stratum" in notes[0]
    with pytest.raises(DataError, match=r"service_records\.region: the column is missing; map it in sources.yaml"):
        read_pair_lines(config, stratum="region")


def test_the_command_prints_titles_in_both_languages(tmp_path: Path) -> None:
    path = write_pairs(tmp_path)
    done = chehang("signals", "-c", str(path), "--json", "--limit", "1", home=tmp_path / "home")
    content = json.loads(done.stdout)
    assert content["signals"] == 1 and content["columns"]["ebgm"]["zh"] == "EBGM（收缩后的倍数）（倍）"
    refused = chehang("train", "fault_rate", "-c", str(path), home=tmp_path / "home", check=False)
    assert "without dates run: chehang signals" in refused.stderr
    for arguments in ((), (str(tmp_path / "pairs.csv"), "-c", str(path))):
        refused = chehang("signals", *arguments, home=tmp_path / "home", check=False)
        assert "give a file of pairs or a configuration" in refused.stderr
    refused = chehang("signals", "-c", str(path), "--count", "n", home=tmp_path / "home", check=False)
    assert "map them in sources.yaml" in refused.stderr


def test_bars_hold_their_interval(tmp_path: Path) -> None:
    table = signals_of_records(load_config("fault_rate", write_pairs(tmp_path))).table
    bars = signal_report.pair_bars(table)
    assert isinstance(bars, Bars) and len(bars.rows) == signal_report.DRAWN
    assert bars.rows[0]["pair"] == "M03: C05"
    assert all(row["eb05"] <= row["ebgm"] <= row["eb95"] for row in bars.rows)  # type: ignore[operator]
