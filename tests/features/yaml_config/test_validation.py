"""A YAML file as a model: scalars, variables, and errors with their place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator

from features.errors import ConfigError
from features.yaml_config import Layer, Section, load_yaml, name_hint, validate
from features.yaml_config.validation import MAX_ERRORS


class Part(Section):
    """A nested section."""

    limit: int = 0
    password: int = 0


@dataclass(frozen=True)
class Size:
    """A dataclass field, as the tasks' arithmetic uses."""

    width: float = 1.0


class Shop(Section):
    """The contents of a file."""

    name: str = "x"
    texts: dict[str, str] = Field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    size: Size = Size()
    refused: str = "x"
    quoted: str = "x"

    @model_validator(mode="after")
    def _checks(self) -> Self:
        if self.quoted != "x":
            raise ValueError(f"quoted {self.quoted} must be x")
        return self

    @field_validator("refused")
    @classmethod
    def _refuses(cls, value: str) -> str:
        if value != "x":
            raise ValueError(f"{value!r} must be x")
        return value


def load(folder: Path, text: str) -> Shop:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return load_yaml(folder / "shop.yaml", Shop)


def test_a_file_becomes_the_model(tmp_path: Path) -> None:
    assert load(tmp_path, "texts: {no: off, '1': 010}\nparts: [{limit: 3}]").parts == (Part(limit=3),)
    assert load(tmp_path, "") == Shop()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not valid YAML"),
        ("{name: a, name: b}", "key `name` is given twice"),
        ("parts: [{limit: many}]", r"shop\.yaml: parts\.0\.limit: .*, got 'many'"),
        ("parts: [{limmit: 1}]", r"parts\.0\.limmit: unknown key; did you mean `limit`\?"),
        ("size: {widht: 1}", r"size\.widht: unknown key; did you mean `width`\?"),
        ("5: red", "5: keys must be text; put this key in quotes"),
        ("colour: red", r"colour: unknown key; available: `name`, `parts`, `quoted`, `refused`, `size`, `texts`"),
    ],
)
def test_an_error_has_the_key_path_and_a_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"parts\.0\.password") as raised:
        load(tmp_path, "parts: [{password: geheim}]")
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "parts: [{limit: '${SECRET}'}]",
        "parts: ['${SECRET}']",
        "refused: '${SECRET}'",
        "refused: 'x${SECRET}y'",
        "quoted: '${SECRET}'",
        "parts: [{limit: 'a very long text before the secret, so that only a part of it is shown: ${SECRET}'}]",
    ],
)
@pytest.mark.parametrize("secret", ["Geheim 'n\" wort\\", "geheim"])
def test_the_value_of_a_variable_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, secret: str
) -> None:
    monkeypatch.setenv("SECRET", secret)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert "eheim" not in str(raised.value)
    if "very long" not in text:
        assert "${SECRET}" in str(raised.value)


def test_an_error_names_the_layer_that_gives_the_value() -> None:
    layers = [Layer("shop.yaml", c := {"name": "a", "parts": [{"limit": 1}]}, c)]
    for origin, content in (("more.yaml", {"nmae": "b"}), ("--set", {"texts": {"a": [1]}})):
        with pytest.raises(ConfigError, match=f"^{origin}: "):
            validate({**layers[0].content, **content}, Shop, [*layers, Layer(origin, content, content)])
    with pytest.raises(ConfigError, match=r"^shop\.yaml: parts\.0\.limit: input should be a valid integer"):
        validate({"limit": "x"}, Part, layers, within=("parts", 0))
    with pytest.raises(ConfigError, match=r"^shop\.yaml: needed: this key is required; add it$"):
        validate({}, Needy, layers)


def test_the_first_errors_are_listed_and_the_others_counted() -> None:
    content = {f"k{i}": i for i in range(MAX_ERRORS + 3)}
    with pytest.raises(ConfigError, match=r"; and 3 more errors$") as raised:
        validate(content, Shop, [Layer("shop.yaml", content, content)])
    assert str(raised.value).count("unknown key") == MAX_ERRORS


def test_the_hint_without_any_name() -> None:
    assert name_hint("x", []) == "available: none"


class Needy(Section):
    """With a required key."""

    needed: int


class Column(Section):
    """With an alias."""

    source: str = Field("x", alias="from")


def test_a_section_is_frozen_without_unknown_keys_and_set_by_name_or_alias() -> None:
    assert Column(**{"from": "a"}) == Column(source="a")
    with pytest.raises(ValidationError, match="frozen"):
        Column().source = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Column(form="a")  # type: ignore[call-arg]


def test_a_value_that_the_rule_shows_is_not_shown_twice() -> None:
    class Share(Section):
        share: float

        @field_validator("share")
        @classmethod
        def _below_one(cls, value: float) -> float:
            raise ValueError(f"must be below 1, got {value:g}")

    with pytest.raises(ConfigError) as raised:
        validate({"share": 2}, Share, [Layer("a.yaml", {"share": 2}, {"share": 2})])
    assert str(raised.value) == "a.yaml: share: must be below 1, got 2"
