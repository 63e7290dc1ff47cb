"""`chehang signals` prints, writes and refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tests.commands import chehang
from training.commands import signals as command
from training.runs import signal_report


def _write(path: Path) -> Path:
    """Ten models by ten components; one pair has too many events."""
    lines = [(f"M{m}", f"C{c}", 40 if m == c == 2 else 3 + (m * c) % 4) for m in range(10) for c in range(10)]
    pl.DataFrame(lines, schema=["model", "component", "count"], orient="row").write_csv(path)
    return path


def test_signals_are_printed_and_written(tmp_path: Path) -> None:
    path, out = _write(tmp_path / "pairs.csv"), tmp_path / "ranked.parquet"
    printed = chehang("signals", str(path), "--out", str(out), "--limit", "3", home=tmp_path / "home").stdout
    assert f"1 of 100 pairs have an EB05 of at least {signal_report.SIGNAL:g}" in printed and "M2" in printed
    content = json.loads(chehang("signals", str(path), "--json", "--limit", "2", home=tmp_path / "home").stdout)
    assert (content["pairs"], content["signals"], len(content["ranked"])) == (100, 1, 2)
    first = content["ranked"][0]
    assert first == pl.read_parquet(out).row(0, named=True) and (first["model"], first["component"]) == ("M2", "C2")


def test_a_bad_table_is_one_line(tmp_path: Path) -> None:
    done = chehang("signals", str(_write(tmp_path / "p.csv")), "--count", "n", home=tmp_path / "home", check=False)
    assert done.returncode == 1 and "has no column 'n'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_help_names_both_sources(tmp_path: Path) -> None:
    assert "time: none" in (command.__doc__ or "") + (command.signals.__doc__ or "")
