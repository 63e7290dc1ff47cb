"""Files and options as layers, their merge, and the layer that a value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from features.yaml_config.merging import Layer, merge, origin_of, parse_settings, read_layer


def test_a_later_layer_replaces_single_keys_and_leaves_the_earlier_as_it_was() -> None:
    under: dict[str, Any] = {"split": {"train": 0.6, "values": {"a": 1}}, "gate": {"x": 1}, "time": "none"}
    over = {"split": {"values": {"b": 2}}, "gate": None, "time": {"a": 1}}
    assert merge(under, over) == {
        "split": {"train": 0.6, "values": {"a": 1, "b": 2}}, "gate": None, "time": {"a": 1},
    }  # fmt: skip
    assert under["split"] == {"train": 0.6, "values": {"a": 1}} and merge() == {}


def test_settings_are_read_in_the_same_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARE", "geheim")
    layer = parse_settings(["a.b=", "a.c=no", "d=010", "e=1e-3", "f=[x, '${SHARE}']", "g.h={i: 1}", "g.h.j=k=l"])
    assert layer.content == {
        "a": {"b": None, "c": "no"}, "d": "010", "e": 0.001, "f": ["x", "geheim"], "g": {"h": {"i": 1, "j": "k=l"}},
    }  # fmt: skip
    assert layer.written["f"] == ["x", "${SHARE}"]
    assert parse_settings([]).content == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["a.b"], r"--set 'a\.b': must be dotted\.name=value"),
        (["=1"], r"--set '=1': must be dotted\.name=value"),
        ([".a=1"], r"must be dotted\.name=value"),
        (["a..b=1"], r"must be dotted\.name=value"),
        (["a.=1"], r"must be dotted\.name=value"),
        ([""], r"must be dotted\.name=value"),
        (["a=[1"], "--set a: not valid YAML"),
        (["a={b: 1, b: 2}"], "--set a: not valid YAML: .*key `b` is given twice"),
        (["a.b=1", "a.b=2"], r"--set: a\.b: is given twice"),
        (["a={b: 1}", "a.b=2"], r"--set: a\.b: is given twice"),
        (["a.b=2", "a=1"], "--set: a: is given twice"),
        (["a=" + "[" * 10_000], "--set a: .*nested more than 50 levels deep"),
        (["a." * 10_000 + "b=1"], "nested more than 50 levels deep"),
        (["a=${NO_SUCH_VARIABLE}"], "--set: a: environment variable NO_SUCH_VARIABLE is not set"),
    ],
)
def test_a_setting_that_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        parse_settings(settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a", "must be keys and values, as in .*, got a list"),
        (b"text", "must be .* got a str"),
        (b"false", "must be .* got a bool"),
        ("a: 车".encode("gb18030"), "not UTF-8 at byte 3; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "not UTF-8 at byte 0"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.yaml: " + message):
        read_layer(tmp_path / "a.yaml")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file; give the path"):
        read_layer(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_layer(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: embedded null byte"):
        read_layer(Path("a\0b"))


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"\xef\xbb\xbf", b"{}"])
def test_an_empty_file_is_an_empty_mapping(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    assert read_layer(tmp_path / "a.yaml").content == {}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_layer(tmp_path / "a.yaml").content == {"a": 1, "b": 2}


def test_a_value_comes_from_the_last_layer_that_contains_its_key() -> None:
    layers = [Layer(n, c, c) for n, c in (("a", {"x": [{"y": 1}], "z": 1}), ("b", {"z": 2}))]
    paths: list[tuple[int | str, ...]] = [("x", 0, "y"), ("x", 1), ("z",), ("x", "y"), ("z", "u"), ()]
    assert [origin_of(path, layers).origin for path in paths] == ["a", "a", "b", "a", "a", "b"]
