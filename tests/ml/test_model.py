"""Models on disk: round trip, changed files and failed writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from features.errors import ModelNotFound
from ml import model as module
from ml.model import CARD, MANIFEST, Model, read_card


@dataclass(frozen=True)
class Estimator:
    """Stand-in whose fitted state is a number."""

    number: int

    def to_files(self) -> dict[str, bytes]:
        return {"number.json": json.dumps(self.number).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Estimator:
        return cls(json.loads(files["number.json"]))


class _Task:
    name, estimator = "credit_risk", Estimator


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    task: Any = _Task()
    monkeypatch.setattr(module, "TASKS", {"credit_risk": task})
    return Model(task, Estimator(7), {"trained_at": "today"})


def test_what_was_written_is_read(model: Model, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m", sha256=sha256)
    assert again.estimator == Estimator(7) and again.card == {"trained_at": "today"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"]
    with pytest.raises(FileExistsError, match="never overwritten"):
        model.save(tmp_path / "m")


def test_a_manifest_other_than_the_registered_one_or_a_changed_file_is_refused(model: Model, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "m")
    with pytest.raises(ModelNotFound, match=r"manifest\.json: checksum .* differs from the registered 000000000000"):
        Model.load(tmp_path / "m", sha256="0" * 64)
    (tmp_path / "m" / "number.json").write_text("8")
    with pytest.raises(ModelNotFound, match=r"number\.json: checksum"):
        Model.load(tmp_path / "m", sha256=sha256)
    (tmp_path / "m" / MANIFEST).unlink()
    with pytest.raises(ModelNotFound, match=r"manifest\.json: No such file or directory; the model is incomplete"):
        Model.load(tmp_path / "m")


def test_a_card_is_read_without_the_other_files_and_only_if_it_is_unchanged(model: Model, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "m")
    (tmp_path / "m" / "number.json").unlink()
    assert read_card(tmp_path / "m", sha256=sha256) == {"trained_at": "today"}
    with pytest.raises(ModelNotFound, match=r"manifest\.json: checksum"):
        read_card(tmp_path / "m", sha256="0" * 64)
    (tmp_path / "m" / CARD).write_text("{}")
    with pytest.raises(ModelNotFound, match=r"card\.json: checksum"):
        read_card(tmp_path / "m", sha256=sha256)


def test_a_write_that_fails_leaves_nothing(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(module, "_sha256", full)
    with pytest.raises(OSError, match="no space left"):
        model.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
