"""The home folder, locks, atomic writes and the folder of the configurations."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from features.errors import ConfigError
from ml.home import (
    INSTALLED_CONFIGS,
    config_file,
    config_folder,
    home,
    locked,
    missing_rules,
    rules_file,
    write_atomically,
)


def test_the_home_folder_is_set_by_the_environment_or_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "own"))
    assert home() == tmp_path / "own"
    monkeypatch.setenv("CHEHANG_HOME", "")
    monkeypatch.chdir(tmp_path)
    assert home() == tmp_path / "var"
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigError, match=r"CHEHANG_HOME: .*var is not a folder"):
        home()


def test_a_lock_is_held_inside_the_block_and_free_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))

    def free() -> bool:
        with (tmp_path / "locks" / "one.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    with pytest.raises(RuntimeError), locked("one"):
        assert not free()
        raise RuntimeError
    assert free()


def test_a_file_is_replaced_atomically_and_no_partial_file_remains(tmp_path: Path) -> None:
    write_atomically(tmp_path / "folder" / "a.json", b"old")
    write_atomically(tmp_path / "folder" / "a.json", b"new")
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "folder").iterdir()] == [("a.json", b"new")]
    with pytest.raises(ConfigError, match=r"a\.json/b\.json: .*free space there or choose another place"):
        write_atomically(tmp_path / "folder" / "a.json" / "b.json", b"x")


def test_configurations_come_from_the_working_folder_or_else_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHEHANG_HOME", "")
    assert config_file("loans/rules.yaml") == INSTALLED_CONFIGS / "loans" / "rules.yaml"
    assert config_file("loans/rules.yaml").is_file()
    assert os.environ["CHEHANG_HOME"] == str(tmp_path / "var"), "installed configurations refer to it"
    assert config_file("loans/rules.yaml", Path("mine.yaml")) == Path("mine.yaml")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "credit_risk.yaml").touch()
    assert config_folder() == Path("configs")
    assert config_file("credit_risk.yaml") == Path("configs/credit_risk.yaml")
    with pytest.raises(ConfigError, match=r"^configs/sources\.yaml: no such file; .* from /.*chehang/configs; add the"):
        config_file("sources.yaml")


def test_rules_lie_beside_the_configuration_or_in_configs_and_those_of_the_data_set_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own, configs = tmp_path / "data", Path("configs")
    own.mkdir()
    configs.mkdir()

    def place(data_set: str = "") -> Path | None:
        return rules_file("rules.yaml", beside=own / "task.yaml", data_set=data_set)

    assert place() is None and place("north") is None
    for path in (configs / "rules.yaml", own / "rules.yaml"):
        path.touch()
        assert place() == place("north") == path
    (own / "rules.north.yaml").touch()
    assert (place(), place("north"), place("south")) == (own / "rules.yaml", own / "rules.north.yaml", place())
    assert rules_file("rules.yaml", beside=own / "task.yaml", path=configs / "rules.yaml") == configs / "rules.yaml"
    with pytest.raises(ConfigError, match=r"^--rules none\.yaml: no such file; give the path"):
        rules_file("rules.yaml", beside=own / "task.yaml", path=Path("none.yaml"))
    assert missing_rules("rules.yaml").startswith("rules.yaml is neither beside the configuration nor in configs/")
