"""Versions of a task, their gate results and their files, also in a home folder that was copied."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import mlflow
import pytest

from features.errors import ModelNotFound
from ml import champions
from ml.champions import model_versions
from tests.ml.champions.registry import TASK, copy_home, store_gate_result


def test_versions_come_with_what_their_runs_logged(registry: Path) -> None:
    assert [v.number for v in champions.versions(TASK)] == [1, 2, 3]
    second = champions.version(TASK, 2)
    assert (second.metrics, second.tags, second.gate) == ({"roc_auc": 0.2}, {"estimator": "none"}, None)
    assert champions.version(TASK).number == 3
    assert champions.champion(TASK) is None
    with pytest.raises(ModelNotFound, match="has no champion; make one with: chehang promote lead_scoring"):
        champions.version_or_champion(TASK)
    with pytest.raises(ModelNotFound, match="has no version 7; it has 1, 2, 3"):
        champions.version_or_champion(TASK, 7)


def test_the_result_of_the_gate_is_read_back_and_a_new_one_replaces_it(registry: Path) -> None:
    store_gate_result(1, None)
    store_gate_result(1, 3, passed=False)
    gate = champions.version(TASK, 1).gate
    assert gate is not None and gate.champion == 3 and not gate.passed and gate.code_version == "90d490"
    assert gate.failures == "roc_auc beats the champion: gain: +0.1 [0.05, 0.15]"


def test_a_copied_or_moved_home_reads_its_own_files(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = registry.rename(tmp_path / "elsewhere")
    other = copy_home(moved, tmp_path / "other")
    for report in other.rglob("report.json"):
        report.write_text("other")
    for home, content in ((moved, "2"), (other, "other")):
        monkeypatch.setenv("CHEHANG_HOME", str(home))
        with champions.report_files(champions.version(TASK, 2)) as folder:
            assert (folder / "report.json").read_text() == content


def test_a_version_that_another_tool_registered_is_listed_and_not_loaded(registry: Path) -> None:
    with model_versions.store_client("registering a stranger") as client:
        assert client is not None
        client.create_model_version(TASK, source="/nowhere")
    stranger = champions.version(TASK)
    assert (stranger.number, stranger.metrics, stranger.sha256) == (4, {}, "")
    with pytest.raises(ModelNotFound, match="no registered checksum"):
        champions.load(stranger)


def test_the_card_of_a_version_is_read_from_its_model(registry: Path) -> None:
    version = champions.version(TASK, 2)
    folder = next((registry / "artifacts").rglob(f"{version.run_id}/artifacts")) / "data" / "model"
    folder.mkdir(parents=True)
    content = b'{"trained_at": "today"}'
    manifest = json.dumps({"files": {"card.json": sha256(content).hexdigest()}}).encode()
    (folder / "card.json").write_bytes(content)
    (folder / "manifest.json").write_bytes(manifest)
    assert champions.card(replace(version, sha256=sha256(manifest).hexdigest())) == {"trained_at": "today"}


def test_files_that_are_away_are_worth_another_try(registry: Path) -> None:
    (registry / "artifacts").rename(registry / "away")
    message = (
        rf"^{registry}/artifacts/{TASK}/.*: no such folder, but it has files of {TASK} version 1; .* bring the folder"
    )
    with pytest.raises(champions.StoreError, match=message):
        champions.load(champions.version(TASK, 1))


def test_nothing_global_changes(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ), mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    store_gate_result(1, None)
    champions.promote(TASK, 1, who="anna")
    with champions.report_files(champions.version(TASK, 1)):
        pass
    champions.history(TASK)
    assert (dict(os.environ), mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
