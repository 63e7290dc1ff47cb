"""Where the registry is, and what a store that fails says."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from ml import champions
from ml.champions import StoreError, store
from ml.champions.store import (
    artifacts_folder,
    current_location,
    embedded_database,
    import_mlflow,
    store_client,
    store_uri,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_store_is_the_server_that_is_named_else_a_file_in_the_home(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_uri() == f"sqlite:///{home}/mlflow.db" and embedded_database() == home / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert store_uri() == "http://mlflow:5000" and embedded_database() is None
    monkeypatch.setenv("MLFLOW_RUN_ID", "1")  # started by `mlflow run`
    assert store_uri() == "http://mlflow:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////tmp/mlflow.db")
    assert embedded_database() == home / "mlflow.db"


def test_reading_makes_no_store(home: Path) -> None:
    assert champions.versions("credit_risk") == [] and champions.history("credit_risk") == []
    assert champions.champion("credit_risk") is None and champions.champion_number("credit_risk") is None
    assert not home.exists()


def test_a_database_that_is_down_is_one_line_without_its_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_mlflow()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for scheme, password in (("postgresql+psycopg", "s3cr@t/7"), ("http", "s3cr")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://reader:{password}@127.0.0.1:{port}/mlflow")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        started = time.monotonic()
        with pytest.raises(StoreError) as failure:
            champions.champion_number("credit_risk")
        text = str(failure.value)
        assert "failed while reading the champion" in text and "MLFLOW_TRACKING_URI" in text
        assert "\n" not in text and "s3cr" not in text and "reader" not in text
        assert time.monotonic() - started < 30


def test_a_database_that_does_not_answer_is_one_line_soon(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_mlflow()
    monkeypatch.setattr(store, "CONNECT_SECONDS", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"postgresql+psycopg://127.0.0.1:{silent.getsockname()[1]}/mlflow"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(StoreError, match=r"failed while reading the history: .*timeout"):
            champions.history("credit_risk")


def test_a_damaged_database_is_one_line(home: Path) -> None:
    home.mkdir()
    (home / "mlflow.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="failed while listing versions: file is not a database"):
        champions.versions("credit_risk")


def test_what_is_no_failure_of_the_store_passes_through(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), store_client("testing"):
        _ = 1 // 0


def test_files_of_an_embedded_store_are_looked_for_in_its_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = artifacts_folder("credit_risk")
    for old in ("/old", "/a/artifacts/credit_risk/old"):
        assert current_location(f"{old}/artifacts/credit_risk/7/artifacts", "credit_risk") == f"{own}/7/artifacts"
    assert current_location("file:///old/artifacts/credit_risk/7/artifacts", "credit_risk") == f"{own}/7/artifacts"
    assert current_location("/old/artifacts/lead_scoring/7", "credit_risk") == "/old/artifacts/lead_scoring/7"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert current_location("/old/artifacts/credit_risk/7", "credit_risk") == "/old/artifacts/credit_risk/7"
