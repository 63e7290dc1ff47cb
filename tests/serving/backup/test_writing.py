"""Archives: complete, consistent while other processes write, and whole or not there."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.backup.restoring import restore
from serving.backup.snapshots import rows_of
from serving.backup.writing import back_up
from tests.commands import chehang_apart, python
from tests.serving.backup.homes import sources


def test_an_archive_has_all_stores_and_files_with_their_checksums(home: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    result = back_up(sources(home), tmp_path / "b.tar.gz", progress=lambda done, total: calls.append((done, total)))
    assert result.path.stat().st_mode & 0o777 == 0o600 and result.bytes == result.path.stat().st_size
    assert result.sha256 == hashlib.sha256(result.path.read_bytes()).hexdigest()
    with tarfile.open(result.path) as tar:
        names = tar.getnames()
        contents = {n: tar.extractfile(n).read() for n in names}  # type: ignore[union-attr]
    assert names[0] == "chehang-backup.json" and names[-1] == "manifest.json"
    manifest = json.loads(contents["manifest.json"])
    assert {n: e["sha256"] for n, e in manifest["files"].items()} == {
        n: hashlib.sha256(contents[n]).hexdigest() for n in names[1:-1]
    }
    assert {"home/decisions.db", "home/mlflow.db", "home/plan.csv", "configs/loans/products.yaml"} <= set(names)
    assert not [n for n in names if "quarantine" in n or "/." in n or "-wal" in n]
    with sqlite3.connect(home / "decisions.db") as database:
        sequence, head = database.execute("SELECT sequence, hash FROM decision_head").fetchone()
    assert result.head == manifest["head"] == f"{sequence}:{head}" and sequence == 1
    assert [done for done, _ in calls] == sorted(done for done, _ in calls) and calls[-1][0] == calls[-1][1]


def test_every_version_that_the_log_names_is_in_the_archive_although_others_write_meanwhile(
    home: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(home / "decisions.db") as log, sqlite3.connect(home / "mlflow.db") as models:
        log.execute("CREATE TABLE named (version)")
        models.execute("CREATE TABLE registered (version)")
    stop = threading.Event()

    def register_and_log() -> None:
        with (
            closing(sqlite3.connect(home / "mlflow.db", timeout=30)) as models,
            closing(sqlite3.connect(home / "decisions.db", timeout=30)) as log,
        ):
            for version in itertools.count(1):
                if stop.is_set():
                    return
                (home / "artifacts" / f"model-{version}").write_bytes(b"model")
                with models:
                    models.execute("INSERT INTO registered VALUES (?)", (version,))
                with log:
                    log.execute("INSERT INTO named VALUES (?)", (version,))

    writer = threading.Thread(target=register_and_log)
    writer.start()
    sizes: list[int] = []
    try:
        while len(sizes) < 4 or sizes[-1] < sizes[0] + 3:
            assert writer.is_alive()
            back_up(sources(home), tmp_path / f"{len(sizes)}.tar.gz")
            restored = restore(tmp_path / f"{len(sizes)}.tar.gz", tmp_path / str(len(sizes))).home
            named = rows_of(restored / "decisions.db", "SELECT version FROM named")
            registered = rows_of(restored / "mlflow.db", "SELECT version FROM registered")
            assert set(named) <= set(registered), "a version in the log is missing"
            assert all((restored / "artifacts" / f"model-{version}").is_file() for (version,) in registered)
            sizes.append(len(named))
    finally:
        stop.set()
        writer.join()


def test_an_existing_file_and_one_in_the_home_are_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("an earlier backup")
    with pytest.raises(ConfigError, match=r"b\.tar\.gz: already exists, and a backup overwrites nothing"):
        back_up(sources(home), tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "an earlier backup"
    with pytest.raises(ConfigError, match="lies in the home folder, with which it would be lost"):
        back_up(sources(home), home / "b.tar.gz")


def test_two_backups_at_once_are_two_whole_archives(home: Path, tmp_path: Path) -> None:
    (home / "artifacts" / "large").write_bytes(os.urandom(20_000_000))
    command = [sys.executable, "-m", "chehang", "backup", "--json"]
    environment = {**os.environ, "CHEHANG_CONFIGS": str(home.parent / "configs")}
    processes = [
        subprocess.Popen([*command, str(tmp_path / name)], env=environment, stdout=subprocess.PIPE) for name in "ab"
    ]
    for process, name in zip(processes, "ab", strict=True):
        assert json.loads(process.communicate()[0])["path"] == str(tmp_path / name)
        assert restore(tmp_path / name, tmp_path / f"home {name}").files > 5
    assert not list(tmp_path.glob(".chehang-*"))


@pytest.mark.parametrize("large", ["a file", "a database"])
def test_a_full_disk_is_one_error_and_leaves_nothing(home: Path, tmp_path: Path, large: str) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    (tmp_path / "to").mkdir()
    if large == "a file":
        (home / "artifacts" / "large").write_bytes(os.urandom(1_000_000))
    else:
        with sqlite3.connect(home / "keys.db") as database:
            database.executescript("CREATE TABLE large (x); INSERT INTO large VALUES (zeroblob(1000000))")
    done = python("-m", "chehang", "backup", str(tmp_path / "to" / "b"), home=home, before=small)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and "free space" in line, line
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.slow
def test_a_killed_backup_leaves_no_archive_and_the_next_one_clears_up(home: Path, tmp_path: Path) -> None:
    (home / "artifacts" / "large").write_bytes(os.urandom(60_000_000))
    (tmp_path / "to").mkdir()
    target = tmp_path / "to" / "b.tar.gz"
    for delay in (0.0, 0.2, 0.6):
        process = subprocess.Popen([sys.executable, "-m", "chehang", "backup", str(target)], env=os.environ)
        while not list((tmp_path / "to").glob(".chehang-backup-*/archive")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not target.exists() and list((tmp_path / "to").iterdir())
    done = chehang_apart("backup", str(target), "--json", home=home)
    assert [p.name for p in (tmp_path / "to").iterdir()] == [target.name]
    assert json.loads(done.stdout)["bytes"] == target.stat().st_size
    with gzip.open(target) as file:
        assert file.read(512).startswith(b"chehang-backup.json")
