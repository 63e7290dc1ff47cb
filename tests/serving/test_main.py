"""The command becomes the BentoML server: settings from options, and its own folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from serving.__main__ import main

Started = Callable[..., list[str]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Call the command with options, and return the command that replaces the process."""
    becomes: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: becomes.append(command))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHEHANG_", "BENTOML_", "FORWARDED_"))}
    with mock.patch.dict(os.environ, {**environment, "CHEHANG_HOME": str(tmp_path / "home")}, clear=True):

        def call(*options: str) -> list[str]:
            monkeypatch.setattr(sys, "argv", ["chehang serve", *options])
            main()
            return becomes[-1]

        yield call


def test_options_win_and_reach_the_workers_by_the_environment(start: Started, tmp_path: Path) -> None:
    os.environ["CHEHANG_PORT"] = "9001"
    os.environ["CHEHANG_WORKERS"] = "2"
    command = start("--port", "9002", "--host", "::1")
    assert command == [
        sys.executable, "-m", "bentoml", "serve", "serving.service:Chehang", "--host", "::1", "--port", "9002"
    ]  # fmt: skip
    assert (os.environ["CHEHANG_PORT"], os.environ["CHEHANG_WORKERS"]) == ("9002", "2")
    assert os.environ["CHEHANG_MAX_BATCH_ROWS"] == "1000", "defaults are passed on too"
    assert os.environ["BENTOML_DO_NOT_TRACK"] == "true"
    own = tmp_path / "home" / "serving" / "__1-9002"
    assert own.is_dir() and os.environ["BENTOML_HOME"] == str(own)


def test_addresses_that_a_client_invents_do_not_count(start: Started) -> None:
    start()
    assert os.environ["FORWARDED_ALLOW_IPS"] == ""
    os.environ["FORWARDED_ALLOW_IPS"] = "10.0.0.7"  # a proxy that the operator trusts
    start()
    assert os.environ["FORWARDED_ALLOW_IPS"] == "10.0.0.7"


def test_the_start_warns_that_keys_travel_unencrypted(start: Started, capfd: pytest.CaptureFixture[str]) -> None:
    os.environ |= {"CHEHANG_JWT_ISSUER": "https://login.example", "CHEHANG_JWT_AUDIENCE": "chehang"}
    start()
    assert "unencrypted" not in capfd.readouterr().err
    os.environ["CHEHANG_LOG_KEYS"] = "2027:" + "A" * 43 + "="
    start("--host", "0.0.0.0")
    assert "no tls_certificate: keys, inputs and answers travel unencrypted" in capfd.readouterr().err


def test_a_file_of_settings(start: Started, tmp_path: Path) -> None:
    file = tmp_path / "serving.yaml"
    file.write_text("port: 9003\n")
    assert start("--config", str(file))[-1] == "9003"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", "0"), r"^error: CHEHANG_PORT: port: input should be greater than or equal to 1, got '0'"),
        (("--workers", "many"), "^error: CHEHANG_WORKERS: "),
        (("--config", "none.yaml"), r"^error: none\.yaml: no such file"),
    ],
)
def test_a_wrong_setting_is_one_line(start: Started, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        start(*options)


def test_a_relative_home_is_that_of_the_rules_too(
    start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.environ["CHEHANG_HOME"] = "own"
    start()
    assert os.environ["CHEHANG_HOME"] == str(tmp_path / "own"), "fault_alarms.yaml refers to it from its own folder"


def test_a_home_that_cannot_be_written_is_named(start: Started, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SystemExit, match=r"error: CHEHANG_HOME: .*home is not a folder; name a folder"):
        start()
    (tmp_path / "home").unlink()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "serving").write_text("a file")
    with pytest.raises(
        SystemExit, match=r"error: .*home/serving/.*: Not a directory; make it writable, or set CHEHANG_HOME"
    ):
        start()
