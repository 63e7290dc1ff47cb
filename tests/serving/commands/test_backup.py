"""`chehang backup`: output, notes, progress and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from serving.commands.backup import percentages
from tests.commands import chehang


def test_it_prints_checksum_what_to_note_and_what_is_not_in_the_archive(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "plan.csv").write_text("a")
    log = "postgresql://log:s3cret@db/chehang"
    shown = chehang("backup", str(tmp_path / "a"), home=home, CHEHANG_DECISION_STORE=log).stdout
    assert f"{tmp_path}/a: " in shown and "SHA-256 " in shown and "CHEHANG_LOG_KEYS" in shown and "s3cret" not in shown
    assert "not in the archive: decision_store; run before each backup: pg_dump --format=custom " in shown
    content = json.loads(chehang("backup", str(tmp_path / "b"), "--json", home=home).stdout)
    assert content["path"] == str(tmp_path / "b") and content["bytes"] == (tmp_path / "b").stat().st_size
    assert (content["head"], content["external"], content["moved"]) == (None, [], {})
    done = chehang("backup", str(tmp_path / "b"), home=home, check=False)
    assert done.returncode == 1 and done.stderr.startswith(f"error: {tmp_path}/b: already exists")


def test_progress_is_shown_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    seconds = iter([100.0, 104.0, 105.0, 105.0])
    monkeypatch.setattr("serving.commands.backup.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    report = percentages(lines.append)
    report(1_000_000, 4_000_000)
    report(2_000_000, 4_000_000)
    assert lines == ["50% of 4 MB"]
