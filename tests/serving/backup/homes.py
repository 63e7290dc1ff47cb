"""A small home folder with all stores, and a process that writes it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from ml import champions
from ml.champions.store import artifacts_folder
from serving.backup.sources import Sources, sources_of
from serving.decisions.appending import append
from serving.decisions.entries import NewEntry
from serving.settings import load_settings
from serving.stores import open_store, writing
from tests.ml.champions.registry import TASK, make_store

RULES = "store: ../alarms/fault_alarms.db\nsnapshot: ../alarms/none.npz\n"


def make_home(folder: Path) -> Path:
    """Write a home with two versions, three stores, an alarm store, results and working files; return it."""
    home = folder / "home"
    home.mkdir(parents=True)
    os.environ["CHEHANG_HOME"] = str(home)  # the caller restores the environment
    make_store(home, versions=2)
    for name in ("keys", "decisions", "feedback"):
        open_store(f"sqlite:///{home}/{name}.db", name).dispose()
    log(home, 2)
    with sqlite3.connect(home / "fault_alarms.db") as database:
        database.executescript("CREATE TABLE alarms (id); INSERT INTO alarms VALUES (7)")
    for name, text in {
        "plan.csv": "a", "tuning/a.journal": "b", "locks/x.lock": "", "quarantine/leads.parquet": "Li Lei",
        "serving/127.0.0.1-1/m.db": "c", ".part": "d", "artifacts/.model.12/x": "e",
    }.items():  # fmt: skip
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    configs = folder / "configs"
    (configs / "loans").mkdir(parents=True)
    (configs / "loans" / "products.yaml").write_text("products: []\n")
    return home


def log(home: Path, version: int) -> None:
    """Append a decision of a model version to the log."""
    engine = open_store(f"sqlite:///{home}/decisions.db", "decisions")
    with writing(engine) as connection:
        append(connection, [NewEntry("decision", f"d{version}", json.dumps({"version": version}))], None)
    engine.dispose()


def sources(home: Path, **environment: str) -> Sources:
    """Return what a backup of the home reads; the configurations lie beside it."""
    environment = {"CHEHANG_CONFIGS": str(home.parent / "configs"), **environment}
    return sources_of(home, load_settings(environment=environment))


def versions_of(home: Path) -> tuple[set[int], set[int]]:
    """Return the versions that the log names, and those that are registered and have their files."""
    with sqlite3.connect(home / "decisions.db") as database:
        named = {json.loads(row[0])["version"] for row in database.execute("SELECT content FROM decision_entries")}
    os.environ["CHEHANG_HOME"] = str(home)
    complete = set()
    for version in champions.versions(TASK):
        folder = artifacts_folder(TASK) / version.run_id / "artifacts"
        complete |= {version.number} if any(folder.rglob("*")) else set()
    return named, complete
