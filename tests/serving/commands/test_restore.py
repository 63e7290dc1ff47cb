"""`chehang restore`: output, warnings of stores elsewhere, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.commands.restore import restore
from tests.commands import chehang


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive of a home with one file."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "plan.csv").write_text("a")
    chehang("backup", str(tmp_path / "a"), home=tmp_path / "old", CHEHANG_KEY_STORE="postgresql://k:s3cret@db/keys")
    return tmp_path / "a"


def test_it_prints_what_to_check_and_which_settings_still_name_other_stores(archive: Path, tmp_path: Path) -> None:
    new = tmp_path / "new home"
    shown = chehang(
        "restore", str(archive), "--to", str(new), home=tmp_path / "old",
        CHEHANG_DECISION_STORE=f"sqlite:///{tmp_path}/old/decisions.db", MLFLOW_TRACKING_URI="http://mlflow:5000",
    ).stdout  # fmt: skip
    assert (new / "plan.csv").read_text() == "a" and (new / "configs" / "serving.yaml").is_file()
    assert f"check it with: CHEHANG_HOME='{new}' chehang decisions verify" in shown
    assert "not in the archive: key_store; restore it from: pg_dump" in shown and "s3cret" not in shown
    assert f"CHEHANG_DECISION_STORE is set: a service here would use sqlite:///{tmp_path}/old/decisions.db" in shown
    assert "MLFLOW_TRACKING_URI is set" in shown


def test_json_and_one_line_errors(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restore(archive, tmp_path / "new", as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["home"] == str(tmp_path / "new") and content["head"] is None and content["files"] > 5
    done = chehang("restore", str(archive), "--to", str(tmp_path / "new"), home=tmp_path, check=False)
    assert done.returncode == 1 and done.stderr == (
        f"error: {tmp_path}/new: is not empty, and a restore overwrites nothing; name a new folder\n"
    )
