"""Folders for unfinished files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.backup.work_folder import work_folder


def test_folders_of_killed_processes_are_deleted_and_those_in_use_are_not(tmp_path: Path) -> None:
    killed = tmp_path / ".work-killed"
    killed.mkdir()
    (killed / "part").touch()
    (tmp_path / ".other-x").mkdir()
    with work_folder(tmp_path, ".work-") as one:
        assert not killed.exists() and one.stat().st_mode & 0o777 == 0o700
        with work_folder(tmp_path, ".work-") as other:
            assert one.exists() and one != other
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".work-")] == [one.name]
    assert [p.name for p in tmp_path.iterdir()] == [".other-x"]


def test_an_error_of_the_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    full = pytest.raises(ConfigError, match=r"^/data/archive: No space left on device; free space there")
    with full, work_folder(tmp_path, ".work-"):
        raise OSError(28, os.strerror(28), "/data/archive")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file: File exists; free space"), work_folder(tmp_path / "file", ".work-"):
        pass
