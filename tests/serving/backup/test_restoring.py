"""Restored homes: the same content elsewhere, and archives that are refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import ChehangError, ConfigError
from ml import champions
from serving.backup.archive import ArchiveError
from serving.backup.restoring import restore
from serving.backup.writing import back_up
from tests.ml.champions.registry import TASK
from tests.serving.backup.homes import sources, versions_of


@pytest.fixture
def archive(home: Path, tmp_path: Path) -> Path:
    """Return an archive of the home, which is then moved away."""
    back_up(sources(home), tmp_path / "b.tar.gz")
    home.rename(tmp_path / "away")
    return tmp_path / "b.tar.gz"


def test_a_restored_home_has_its_models_stores_and_files_in_another_place(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = restore(archive, tmp_path / "new" / "home")
    away, home = tmp_path / "away", tmp_path / "new" / "home"
    assert result.home == home and result.moved == {} and result.external == []
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    assert [v.number for v in champions.versions(TASK)] == [1, 2] and versions_of(home)[0] == {2}
    with champions.report_files(champions.version(TASK, 2)) as folder:
        assert folder.is_relative_to(home) and (folder / "report.json").read_text() == "2"
    for name in ("decisions.db", "keys.db", "feedback.db", "fault_alarms.db", "mlflow.db"):
        with sqlite3.connect(home / name) as one, sqlite3.connect(away / name) as other:
            assert list(one.iterdump()) == list(other.iterdump())
    assert (home / "plan.csv").read_text() == "a" and (home / "configs" / "loans" / "products.yaml").is_file()
    assert (home / "decisions.db").stat().st_mode & 0o777 == 0o600 and home.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["home"]


def test_an_empty_folder_may_be_restored_into_and_another_one_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert restore(archive, tmp_path / "empty").files > 5
    for name in ("empty", "b.tar.gz"):
        with pytest.raises(ConfigError, match=f"{name}: is not empty, and a restore overwrites nothing"):
            restore(archive, tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="link: is a link; name the folder itself"):
        restore(archive, tmp_path / "link")
    with pytest.raises(ConfigError, match=r"none\.tar\.gz: No such file or directory; name a file that chehang backup"):
        restore(tmp_path / "none.tar.gz", tmp_path / "new")


def test_an_archive_that_was_exchanged_is_refused_by_its_checksum(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=f"not the expected {'0' * 64}: do not use it"):
        restore(archive, tmp_path / "new", sha256="0" * 64)
    assert not (tmp_path / "new").exists()


def test_an_archive_that_is_cut_or_changed_at_any_place_is_refused(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    damaged = tmp_path / "damaged.tar.gz"
    accepted = 0
    for place in range(0, len(whole), len(whole) // 25):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        for content in (whole[:place], bytes(changed), whole + whole[: place + 1]):
            damaged.write_bytes(content)
            try:
                restore(damaged, tmp_path / "new")
            except ChehangError as e:
                assert str(e).startswith(str(damaged))
            else:  # the same zeros, compressed in another way
                assert content == bytes(changed) and gzip.decompress(content) == gzip.decompress(whole)
                shutil.rmtree(tmp_path / "new")
                accepted += 1
            assert not (tmp_path / "new").exists() and not list(tmp_path.glob(".chehang-*"))
    assert accepted < 10


def rewritten(archive: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    """Return an archive with changed entries and valid compression."""
    with tarfile.open(archive) as tar:
        entries = [(entry, tar.extractfile(entry).read()) for entry in tar]  # type: ignore[union-attr]
    change(entries)
    path = archive.with_name("changed.tar.gz")
    with gzip.open(path, "wb", compresslevel=1) as file, tarfile.open(fileobj=file, mode="w|") as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def entry(name: str, content: bytes = b"x", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return an entry of an archive."""
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def _other_content(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    index = next(i for i, (e, _) in enumerate(entries) if e.name == "home/plan.csv")
    entries[index] = (entries[index][0], b"z")


def _newer(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries[0] = (entries[0][0], json.dumps({**json.loads(entries[0][1]), "chehang": "99.1"}).encode())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_content, r"the content of home/plan\.csv differs from its checksum"),
        (lambda e: e.pop(3), "differs from its checksum"),
        (lambda e: e.pop(), "is truncated; copy it again"),
        (lambda e: e.pop(0), "is no backup of chehang"),
        (lambda e: e.insert(1, entry("home/new")), r"the content of home/new differs"),
        (lambda e: e.insert(2, entry(e[1][0].name)), "has two entries"),
        (lambda e: e.append(entry("home/late")), "'home/late' that no backup writes"),
        (lambda e: e.insert(1, entry("home/../../evil")), r"'home/\.\./\.\./evil' that no backup writes"),
        (lambda e: e.insert(1, entry("/tmp/evil")), "'/tmp/evil' that no backup writes"),
        (lambda e: e.insert(1, entry("home/l", b"", type=tarfile.SYMTYPE, linkname="/etc")), "'home/l' that no backup"),
        (lambda e: e.insert(1, entry("home/d", b"", type=tarfile.CHRTYPE)), "'home/d' that no backup writes"),
        (_newer, r"written by chehang 99\.1 \(format 1\), but this is chehang"),
    ],
)
def test_an_archive_with_entries_that_no_backup_writes_is_refused(
    archive: Path, tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(ArchiveError, match=message):
        restore(rewritten(archive, change), tmp_path / "new")
    assert not (tmp_path / "new").exists() and not (tmp_path / "evil").exists() and not list(tmp_path.glob(".che*"))


@pytest.mark.slow
def test_a_killed_restore_leaves_no_home_and_the_next_one_clears_up(home: Path, tmp_path: Path) -> None:
    (home / "artifacts" / "large").write_bytes(os.urandom(80_000_000))
    back_up(sources(home), tmp_path / "b.tar.gz")
    to = tmp_path / "to" / "home"
    for delay in (0.0, 0.1):
        command = [sys.executable, "-m", "chehang", "restore", str(tmp_path / "b.tar.gz"), "--to", str(to)]
        process = subprocess.Popen(command, env=os.environ)
        while not list(tmp_path.glob("to/.chehang-restore-*/*/keys.db")):
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not to.exists() and list((tmp_path / "to").iterdir())
    assert restore(tmp_path / "b.tar.gz", to).home == to and list((tmp_path / "to").iterdir()) == [to]
