"""Names of models: from the command line, and from the keys `task` and `name` of a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from features.yaml_config import Layer
from tests.conftest import ROOT
from training.config import load_config
from training.model_name import config_path, model_name, name_in

FILE = ROOT / "configs" / "credit_risk.yaml"


def _north(folder: Path, content: str = "{task: credit_risk, name: north}") -> Path:
    path = folder / "north.yaml"
    path.write_text(content)
    return path


def test_the_key_name_makes_a_model_of_its_own() -> None:
    config = load_config("credit_risk", FILE, settings=["name=north"])
    assert (config.task, config.name, config.definition.name) == ("credit_risk.north", "north", "credit_risk.north")
    assert config.definition.problem is load_config("credit_risk", FILE).definition.problem
    assert load_config(None, FILE).task == "credit_risk"
    assert load_config("credit_risk.north", FILE, settings=["name=north"]).task == "credit_risk.north"


def test_task_and_name_are_read_from_the_file_if_the_command_names_neither(tmp_path: Path) -> None:
    file = _north(tmp_path)
    for requested in (None, "credit_risk", "credit_risk.north"):
        assert model_name(requested, file) == "credit_risk.north"
    assert model_name("credit_risk.south", None) == "credit_risk.south"


def test_the_default_configuration_of_a_named_model_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "credit_risk.north.yaml").write_text("{task: credit_risk, name: north}")
    monkeypatch.chdir(tmp_path)
    assert config_path("credit_risk.north", None) == Path("configs/credit_risk.north.yaml")
    with pytest.raises(ConfigError, match=r"configs/credit_risk\.south\.yaml: no such file; .*`name: south` by --conf"):
        config_path("credit_risk.south", None)


@pytest.mark.parametrize(
    ("requested", "content", "message"),
    [
        (None, "{name: north}", r"north\.yaml: task: is missing; add one of recommendation, .*command line"),
        (None, "{task: credit}", r"north\.yaml: task: must be one of recommendation, .*, got 'credit'$"),
        (None, "{task: credit_risk.north}", r"got 'credit_risk\.north'; write the part after the full stop as `name`"),
        (None, "{task: [credit_risk]}", r"task: must be one of recommendation, .*, got \['credit_risk'\]"),
        (
            "credit_risk.north",
            "{task: credit_risk}",
            r"name: is missing, so this is the .* of credit_risk, not of cre",
        ),
        (
            "credit_risk.north",
            "{task: credit_risk, name: south}",
            r"name: is 'south', so this is .*credit_risk\.south",
        ),
        ("lead_scoring", "{task: credit_risk, name: north}", r"task: must be 'lead_scoring', got 'credit_risk'; pass"),
        ("credit_risk", "{name: North}", r"name: must have 1 to 40 characters, each a lower-case .*, got 'North'$"),
        (
            "credit_risk",
            "{name: 2024}",
            r"name: must have .*, got 2024; write a text, in quotes in the file: name: '2024'",
        ),
        ("credit_risk", f"{{name: {'n' * 41}}}", r"name: must have 1 to 40 characters"),
        ("credit_risk", "{name: ''}", r"name: must have 1 to 40 characters, .*, got ''"),
        ("credit_risk", "{name: a/b}", r"name: must have 1 to 40 characters, .*, got 'a/b'"),
    ],
)
def test_a_file_that_disagrees_with_the_command_or_breaks_the_rule_is_refused(
    tmp_path: Path, requested: str | None, content: str, message: str
) -> None:
    file = _north(tmp_path, content)
    with pytest.raises(ConfigError, match=message):
        model_name(requested, file)
    with pytest.raises(ConfigError, match=message):
        load_config(requested, file)


def test_neither_task_nor_configuration_is_an_error() -> None:
    for call in (model_name, load_config):
        with pytest.raises(ConfigError, match=r"TASK: is missing; name one of recommendation, .* with --config"):
            call(None, None)


@pytest.mark.parametrize("name", ["true", "[]", "1.5"])
def test_no_text_is_proposed_that_would_be_refused(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        name_in("credit_risk", [Layer.from_text(f"name: {name}", "a.yaml")])
    assert "name: must have 1 to 40 characters" in str(error.value) and "in quotes" not in str(error.value)
