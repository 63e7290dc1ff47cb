from __future__ import annotations

from pathlib import Path

from features.sources.bad_lines import ROW, TOO_FEW, ReadLog
from features.sources.csv_header import Header
from features.sources.csv_repair import copy_rows


def test_bad_lines_become_blank_and_rows_keep_their_positions(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t\na¦b\n1¦2\n3\n\n4¦5\n", encoding="utf-8")
    header = Header(("a", "b"), 2, "¦", line=2, n_lines=2, notes=())
    options = {"separator": ",", "encoding": "utf-8", "ends_with_cr": False}
    repair = copy_rows(tmp_path / "a.csv", header, tmp_path / "b.csv", **options)
    assert (tmp_path / "b.csv").read_text() == '"1","2"\n\n\n"4","5"\n'
    assert repair.bad.select(ROW, "line", "rule", "text").rows() == [(1, 4, TOO_FEW, "3")]
    assert repair.lines_read == 3


def test_a_note_is_kept_once() -> None:
    log = ReadLog()
    log.add_note("a")
    log.add_note("a")
    assert log.notes == ["a"]
