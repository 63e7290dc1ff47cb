"""Scalars of YAML 1.2, and texts that would exhaust the memory or the stack."""

from __future__ import annotations

import math
from typing import Any

import pytest

from features.errors import ConfigError
from features.yaml_config.parsing import fill_variables, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("12:30", "12:30"), ("2024-01-31", "2024-01-31"), ("010", "010"),
        ("1_000", "1_000"), ("0x1f", "0x1f"), ("1e3", 1000.0), ("-1.5E-2", -0.015), (".5", 0.5), ("5.", 5.0),
        ("-0", 0), ("+7", 7),
        ("true", True), ("FALSE", False), ("~", None), ("Null", None), ("", None), ("# nothing", None),
        ("-.inf", -math.inf), ("e3", "e3"), ("1e", "1e"), (".", "."), ("-", [None]), ("'1'", "1"),
        ("車", "車"), ("<<", "<<"),
        ("{1: a, '1': b}", {1: "a", "1": "b"}), ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}), ("!!str 5", "5"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    assert parse_yaml(text, "a.yaml") == value
    assert type(parse_yaml(text, "a.yaml")) is type(value)
    assert math.isnan(parse_yaml(".nan", "a.yaml"))


LAUGHS = "a0: &a0 [ha, ha]\n" + "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
MERGES = "a0: &a0 {x: 1}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{a: 1, a: 2}", "line 1, column 8: key `a` is given twice; correct that line"),
        ("a: {b: 1,\n  c: 2,\n  b: 3}", "line 3, column 3: key `b` is given twice"),
        ("{1: a, 1.0: b}", r"key `1\.0` is given twice"),
        ("a: [", "not valid YAML: line 1, column 5"),
        ("a:\n\t- b", "line 2, column 1: .*cannot start any token"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: *b", "undefined alias"),
        ("a: &a {b: *a}", "recursive"),
        ("&a [*a]", "recursive|nested more than 50"),
        ("{[1]: 2}", "a key must be text or a number"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: !!timestamp x", "could not determine a constructor"),
        ("a: !!int many", "invalid literal"),
        ("a: !!bool maybe", "not valid YAML: 'maybe'"),
        ("a: !!map b", "not valid YAML"),
        ("a: " + "9" * 5000, "limit"),
        ("a: \x00", "not valid YAML"),
        ("[" * 10_000, "nested more than 50 levels deep"),
        ("[" * 60 + "]" * 60, "nested more than 50 levels deep"),
        ("a: " * 2, "mapping values are not allowed here"),
        (LAUGHS, "more than 100,000 values with aliases expanded"),
        (MERGES, "more than 100,000 values with aliases expanded"),
    ],
)
def test_a_text_that_is_refused_names_origin_line_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match="^a.yaml: .*" + message) as raised:
        parse_yaml(text, "a.yaml")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


def test_an_error_does_not_repeat_the_line() -> None:
    with pytest.raises(ConfigError, match="line 1") as raised:
        parse_yaml("password: geheim: 5", "a.yaml")
    assert "geheim" not in str(raised.value)


def test_variables_are_filled_in_wherever_a_text_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", "a: {b}")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("CITY", raising=False)
    content = {"x": ["${SHOP}/${CITY:-Pudong}", 5], "y": {"z": "${EMPTY:-none}", "e": "${EMPTY}"}}
    assert fill_variables(content, "a.yaml") == {"x": ["a: {b}/Pudong", 5], "y": {"z": "none", "e": ""}}
    with pytest.raises(ConfigError, match=r"^a\.yaml: x\.y\[0\]: environment variable CITY is not set; set it"):
        fill_variables({"x": {"y": ["${CITY}"]}}, "a.yaml")
