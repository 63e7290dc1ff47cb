"""What a backup contains, and what it says of stores elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.backup.sources import External, config_files, home_files, is_database
from tests.serving.backup.homes import RULES, sources


def test_the_log_is_read_before_the_keys_and_the_models_that_it_names(home: Path) -> None:
    names = list(sources(home).databases)
    assert names == ["feedback.db", "decisions.db", "keys.db", "fault_alarms.db", "mlflow.db"]
    assert sources(home).moved == {} and sources(home).external == []
    assert is_database(home / "mlflow.db") and not is_database(home / "plan.csv") and not is_database(home)


def test_working_hidden_and_quarantined_files_are_left_out(home: Path) -> None:
    (home / "configs").mkdir()
    (home / "configs" / "old.yaml").touch()
    (home / "decisions.db-wal").touch()
    (home / "link").symlink_to(home)  # a folder that contains itself
    names = [p.relative_to(home).as_posix() for p in home_files(home)]
    assert [n for n in names if not n.startswith("artifacts/")] == [
        "decisions.db", "fault_alarms.db", "feedback.db", "keys.db", "mlflow.db", "plan.csv", "tuning/a.journal",
    ]  # fmt: skip
    assert sum(n.endswith("report.json") for n in names) == 2 and not any("/." in n for n in names)
    assert [p.name for p in config_files(home.parent / "configs")] == ["products.yaml"]


def test_a_folder_behind_a_link_belongs_to_the_home(home: Path, tmp_path: Path) -> None:
    (home / "artifacts").rename(tmp_path / "disk")
    (home / "artifacts").symlink_to(tmp_path / "disk")
    assert sum(p.name == "report.json" for p in home_files(home)) == 2


def test_databases_outside_the_home_get_their_usual_names_in_it(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (home / "decisions.db").rename(tmp_path / "elsewhere" / "log.sqlite")
    (home.parent / "configs" / "fault_alarms.yaml").write_text(RULES)
    (home.parent / "alarms").mkdir()
    (home / "fault_alarms.db").rename(home.parent / "alarms" / "fault_alarms.db")
    (home.parent / "alarms" / "none.npz").touch()
    read = sources(home, CHEHANG_DECISION_STORE=f"sqlite:///{tmp_path}/elsewhere/log.sqlite")
    assert list(read.databases) == ["feedback.db", "decisions.db", "keys.db", "fault_alarms.db", "mlflow.db"]
    assert read.moved == {
        "decisions.db": f"{tmp_path}/elsewhere/log.sqlite",
        "fault_alarms.db": str(home.parent / "alarms" / "fault_alarms.db"),
        "none.npz": str(home.parent / "alarms" / "none.npz"),
    }
    assert list(read.files) == ["none.npz"]


def test_a_file_that_the_settings_do_not_name_is_not_taken_for_the_store(home: Path) -> None:
    read = sources(home, CHEHANG_DECISION_STORE="postgresql://log:s3cret@db:5433/chehang?sslmode=require")
    assert "decisions.db" not in read.databases and "mlflow.db" in read.databases


def test_stores_on_servers_are_named_with_a_command_without_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = "postgresql+psycopg://log:s3cret@db:5433/chehang?password=s3cret"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:pa55@db/mlflow")
    assert sources(home, CHEHANG_DECISION_STORE=log).external == [
        External(
            "decision_store", "before",
            "pg_dump --format=custom --file=decisions.dump postgresql://log@db:5433/chehang",
        ),
        External(
            "MLFLOW_TRACKING_URI", "after", "pg_dump --format=custom --file=mlflow.dump postgresql://mlflow@db/mlflow"
        ),
    ]  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:pa55@mlflow:5000")
    (store,) = sources(home).external
    assert (store.when, "MLflow server" in store.command, "pa55" in store.command) == ("after", True, False)


def test_a_home_that_does_not_exist_and_a_url_that_is_none_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^CHEHANG_HOME: .*nowhere does not exist; set CHEHANG_HOME to the folder"):
        sources(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"^decision_store: is not a SQLAlchemy URL") as failure:
        sources(home, CHEHANG_DECISION_STORE="log:s3cret")
    assert "s3cret" not in str(failure.value)
