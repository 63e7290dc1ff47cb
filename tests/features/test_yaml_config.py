"""A YAML file as a model: scalars as they look, variables, and faults named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import ConfigError
from features.yaml_config import Section, load_yaml, near


class Part(BaseModel):
    """Inside."""

    model_config = ConfigDict(extra="forbid")

    limit: int = 0
    password: int = 0


class Shop(BaseModel):
    """A file."""

    model_config = ConfigDict(extra="forbid")

    name: str = "x"
    texts: dict[str, str] = {}
    parts: tuple[Part, ...] = ()


def load(folder: Path, text: str) -> Shop:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return load_yaml(folder / "shop.yaml", Shop)


def test_texts_stay_as_they_look(tmp_path: Path) -> None:
    assert load(tmp_path, "texts: {no: off, '1': 010, day: 2024-01-31}").texts == {
        "no": "off", "1": "010", "day": "2024-01-31",
    }  # fmt: skip
    assert load(tmp_path, "") == Shop()


def test_variables_are_filled_in_after_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", "a: {b}")
    monkeypatch.delenv("CITY", raising=False)
    assert load(tmp_path, "name: ${SHOP}/${CITY:-Pudong}").name == "a: {b}/Pudong"
    with pytest.raises(ConfigError, match=r"shop\.yaml: name: environment variable CITY is not set"):
        load(tmp_path, "name: ${CITY}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not valid YAML"),
        ("{name: a, name: b}", "key `name` is given twice"),
        ("parts: [{limit: many}]", r"shop\.yaml: parts\.0\.limit: .*; received 'many'"),
        ("parts: [{limmit: 1}]", r"parts\.0\.limmit: unknown key; did you mean `limit`\?"),
        ("colour: red", r"colour: unknown key; there are: `name`, `parts`, `texts`"),
    ],
)
def test_a_fault_names_its_place_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"parts\.0\.password") as raised:
        load(tmp_path, "parts: [{password: geheim}]")
    assert "geheim" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml(tmp_path / "none.yaml", Shop)
    (tmp_path / "shop.yaml").write_bytes("name: 车".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"byte 6 is not UTF-8"):
        load_yaml(tmp_path / "shop.yaml", Shop)
    assert near("x", []) == "there is none"


class Column(Section):
    """One part."""

    source: str = Field("x", alias="from")


def test_a_part_is_frozen_refuses_unknown_keys_and_takes_a_key_by_both_its_names() -> None:
    assert Column(**{"from": "a"}) == Column(source="a")
    with pytest.raises(ValidationError, match="frozen"):
        Column().source = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Column(form="a")  # type: ignore[call-arg]
