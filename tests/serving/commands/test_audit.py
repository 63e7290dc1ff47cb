"""`chehang audit`: the pack with and without fairness, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

from serving.audit.opening import BROKEN
from serving.commands.audit import audit
from tests.commands import chehang
from tests.serving.audit.content import sample_log
from tests.serving.commands.test_decisions import KEYS
from tests.serving.decisions.tampering import FILE, tamper


def test_the_pack_is_written_with_the_state_of_the_log(tmp_path: Path) -> None:
    assert audit.__name__ == "audit"
    sample_log(tmp_path / "home").dispose()
    run = {"home": tmp_path / "home", "CHEHANG_LOG_KEYS": KEYS}
    process = chehang("audit", "--out", str(tmp_path / "a"), "--from", "2026-01-01", "--to", "2026-01-31", **run)
    assert "4 decisions" in process.stdout and "the log is whole; its last entry is 9:" in process.stdout
    assert "Not computed" in (tmp_path / "a" / "report.en.html").read_text()
    assert "2026-01-01 – 2026-01-31 (Asia/Shanghai)" in (tmp_path / "a" / "report.en.html").read_text()

    personal = ("--personal", "--who", "auditor", "--why", "yearly audit")
    process = chehang("audit", "--out", str(tmp_path / "b.zip"), *personal, "--json", **run)
    content = json.loads(process.stdout)
    assert content["verification"]["whole"] and "tables/fairness_gender.csv" in content["files"]
    shown = chehang("decisions", "list", "--limit", "1", "--json", **run).stdout
    (entry,) = json.loads(shown)
    assert (entry["kind"], entry["content"]["who"], entry["content"]["why"]) == ("access", "auditor", "yearly audit")

    tamper(tmp_path / "home" / FILE, "UPDATE decision_entries SET content = '[]' WHERE sequence = 4")
    process = chehang("audit", "--out", str(tmp_path / "c"), check=False, **run)
    assert process.returncode == BROKEN and "the log is broken, first at entry 4" in process.stdout
    assert (tmp_path / "c" / "manifest.json").exists(), "an auditor needs the pack of a broken log, too"

    process = chehang("audit", "--out", str(tmp_path / "c"), check=False, **run)
    assert process.returncode == 1 and "exists; a pack is never overwritten" in process.stderr
    process = chehang("audit", "--out", str(tmp_path / "d"), "--personal", check=False, **run)
    assert process.returncode == 1 and "--personal: needs --who and --why" in process.stderr
