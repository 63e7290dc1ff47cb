"""A home folder that was moved, copied or linked: commands read and write its own files, and those of no other home."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import ModelNotFound
from ml import champions
from tests.commands import chehang, python
from tests.conftest import Trained

FAST = ("--set", "bootstraps=20")


@pytest.fixture
def original(credit_risk: Trained, tmp_path: Path) -> Path:
    """Return a home folder with version 1 as champion, trained in another folder and moved here."""
    home = tmp_path / "original"
    shutil.copytree(credit_risk.home, home)
    return home


def content(folder: Path) -> dict[str, bytes | None]:
    """Return the bytes of every file below a folder, and None for each folder; locks are no content."""
    paths = (p for p in folder.rglob("*") if "locks" not in p.relative_to(folder).parts)
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def copied(original: Path, folder: Path) -> Path:
    """Return a copy."""
    return Path(shutil.copytree(original, folder / "copy"))


def moved(original: Path, folder: Path) -> Path:
    """Return the folder, moved."""
    return original.rename(folder / "moved")


def linked(original: Path, folder: Path) -> Path:
    """Return a link to a copy."""
    (folder / "link").symlink_to(copied(original, folder))
    return folder / "link"


def copied_twice(original: Path, folder: Path) -> Path:
    """Return a copy of a copy with the path of the home in the paths of its files."""
    (folder / "artifacts" / "credit_risk").mkdir(parents=True)
    return copied(copied(original, folder), folder / "artifacts" / "credit_risk")


@pytest.mark.slow
@pytest.mark.parametrize("place", [copied, moved, linked, copied_twice])
def test_training_and_promoting_in_another_place_changes_that_place_alone(
    credit_risk: Trained, original: Path, tmp_path: Path, place: Callable[[Path, Path], Path]
) -> None:
    home = place(original, tmp_path)
    before = content(original), content(credit_risk.home)
    trained = chehang("train", "credit_risk", "-c", str(credit_risk.config), *FAST, "--json", home=home)
    report = Path(json.loads(trained.stdout)["report_folder"])
    assert report.is_relative_to(home) and (report / "report.html").is_file()
    chehang("promote", "credit_risk", "--force", "--reason", "the same data", home=home)
    assert (content(original), content(credit_risk.home)) == before
    shutil.rmtree(original, ignore_errors=True)
    rows = json.loads(chehang("compare", "credit_risk", "--json", home=home).stdout)
    assert [(row["version"], row["champion"]) for row in rows] == [(1, False), (2, True)]
    for version in ("1", "2"):
        out = str(tmp_path / "scores.parquet")
        options = ("-c", str(credit_risk.config), "--version", version, "--out", out, "--json")
        assert json.loads(chehang("score", "credit_risk", *options, home=home).stdout)["version"] == int(version)
    chehang("rollback", "credit_risk", home=home)
    with sqlite3.connect(home / "mlflow.db") as database:
        places = [row[0] for row in database.execute("SELECT artifact_location FROM experiments")]
    assert str(home / "artifacts" / "credit_risk") in places


@pytest.mark.slow
def test_two_copies_that_are_used_at_once_keep_apart(credit_risk: Trained, original: Path, tmp_path: Path) -> None:
    homes = [Path(shutil.copytree(original, tmp_path / name)) for name in ("one", "two")]
    for number in (2, 3):
        for home in homes:
            before = [content(other) for other in homes if other != home]
            trained = chehang("train", "-c", str(credit_risk.config), *FAST, "--json", home=home)
            assert json.loads(trained.stdout)["version"] == number
            assert [content(other) for other in homes if other != home] == before


@pytest.mark.slow
def test_a_relative_home_starts_at_the_working_folder(
    credit_risk: Trained, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(original.parent)
    monkeypatch.setenv("CHEHANG_HOME", "original")
    trained = chehang("train", "-c", str(credit_risk.config), *FAST, "--json", home=Path("original"))
    assert Path(json.loads(trained.stdout)["report_folder"]).is_relative_to(original)
    done = python("-c", "import chehang, os; chehang.load_config('credit_risk'); print(os.environ['CHEHANG_HOME'])",
                  home=Path("original"))  # fmt: skip
    assert done.stdout.strip() == str(original), "configurations elsewhere refer to the same folder"


def test_a_home_that_is_away_is_named_in_the_advice(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = original.rename(tmp_path / "away")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("CHEHANG_HOME", str(original))
    with pytest.raises(ModelNotFound, match=rf"\(the folder {original} has no models: if they are elsewhere, set CHEH"):
        champions.version("credit_risk")
    monkeypatch.setenv("CHEHANG_HOME", str(away))
    shutil.rmtree(away / "artifacts")
    done = chehang("promote", "credit_risk", "--version", "1", home=away, check=False)
    assert done.returncode == 1 and "the champion already" in done.stderr
    original.symlink_to(tmp_path / "unmounted")
    done = chehang("compare", "credit_risk", home=original, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        f"error: CHEHANG_HOME: {original} is a link to {tmp_path}/unmounted, which does not exist; mount the disk of "
        "that folder, or correct the link"
    )
    assert not (tmp_path / "unmounted").exists()


@pytest.mark.slow
def test_homes_that_share_a_database_register_files_of_their_own(
    credit_risk: Trained, original: Path, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/shared.db"
    shutil.copy(original / "mlflow.db", tmp_path / "shared.db")
    other = tmp_path / "other"
    options = ("-c", str(credit_risk.config))
    done = chehang("score", *options, "--out", str(tmp_path / "a.csv"), home=original, check=False,
                   MLFLOW_TRACKING_URI=database)  # fmt: skip
    assert done.returncode == 0, done.stderr
    before = content(original)
    trained = chehang("train", *options, *FAST, "--json", home=other, MLFLOW_TRACKING_URI=database)
    assert Path(json.loads(trained.stdout)["report_folder"]).is_relative_to(other) and content(original) == before
    moved_home = other.rename(tmp_path / "renamed")
    chehang("score", *options, "--version", "2", "--out", str(tmp_path / "b.csv"), home=moved_home,
            MLFLOW_TRACKING_URI=database)  # fmt: skip


@pytest.mark.slow
def test_a_search_resumes_where_home_and_sources_were_moved(
    credit_risk: Trained, original: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(credit_risk.config.parent, tmp_path / "data"))
    overlay = tmp_path / "space.yaml"
    overlay.write_text("tune: {folds: 2, space: {params.boosted_trees.num_leaves: {low: 3, high: 7, integer: true}}}\n")

    def tune(home: Path, folder: Path, trials: int) -> int:
        options = ("--with", str(overlay), "--trials", str(trials), "--out", str(tmp_path / "best.yaml"), "--json")
        done = chehang("tune", "-c", str(folder / "credit_risk.yaml"), *options, home=home)
        return int(json.loads(done.stdout)["trials"])

    assert tune(original, data, 1) == 1
    journal = {p.name: p.stat().st_size for p in (original / "tuning").iterdir()}
    elsewhere, other_data = original.rename(tmp_path / "elsewhere"), data.rename(tmp_path / "other data")
    assert tune(elsewhere, other_data, 2) == 2
    after = {p.name: p.stat().st_size for p in (elsewhere / "tuning").iterdir()}
    assert after.keys() == journal.keys() and all(after[name] > size for name, size in journal.items())
