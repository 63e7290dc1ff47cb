"""Layers of configuration, each a file or an option of a command, merged key by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import ConfigError
from features.yaml_config.parsing import check_size, fill_variables, parse_yaml

SETTING = "--set"


@dataclass(frozen=True)
class Layer:
    """Keys and values of one origin.

    Attributes
    ----------
    origin : str
        The path or the option, for error messages.
    written : mapping
        The content with its variables as they are written: what an error may show.
    content : mapping
        The content with the values of its variables.
    """

    origin: str
    written: Mapping[str, Any]
    content: Mapping[str, Any]

    @classmethod
    def from_text(cls, text: str, origin: str) -> Layer:
        """Parse a YAML text that holds a mapping; an empty text holds none of its keys.

        Raises
        ------
        ConfigError
            As for `parse_yaml` and `fill_variables`, or the text holds something else.
        """
        written = parse_yaml(text, origin)
        written = {} if written is None else written
        if not isinstance(written, dict):
            raise ConfigError(f"{origin}: must hold keys and values (`key: value`), got a {type(written).__name__}")
        return cls(origin, written, fill_variables(written, origin))


def read_layer(path: Path) -> Layer:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ConfigError
        The file cannot be read, or as for `Layer.from_text`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of an existing YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {reason}; check the path and its permissions") from None
    return Layer.from_text(text, str(path))


def parse_settings(settings: Iterable[str]) -> Layer:
    """Parse single values, `dotted.name=value` each, the value in YAML, into one layer.

    Raises
    ------
    ConfigError
        The form is another, the value is not YAML, or a name is given twice.

    Examples
    --------
    >>> parse_settings(["params.grades={A: 0.5}", "params.folds=3", "gate="]).content
    {'params': {'grades': {'A': 0.5}, 'folds': 3}, 'gate': None}
    >>> parse_settings(["folds=3", "folds=4"])
    Traceback (most recent call last):
    features.errors.ConfigError: --set: folds: is given twice; give it once
    """
    written: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        *parents, last = name.split(".")
        if not equals or not all((*parents, last)):
            raise ConfigError(f"{SETTING} {setting!r}: must be dotted.name=value, as in params.target_bad_rate=0.02")
        content: Any = {last: parse_yaml(value, f"{SETTING} {name}")}
        for parent in reversed(parents):
            content = {parent: content}
        check_size(content, f"{SETTING} {setting[:60]}")
        if clash := _first_in_both(written, content):
            raise ConfigError(f"{SETTING}: {clash}: is given twice; give it once")
        written = merge(written, content)
    return Layer(SETTING, written, fill_variables(written, SETTING))


def _first_in_both(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Dotted name of a value that two nested mappings both give."""
    for key in one.keys() & other.keys():
        if not (isinstance(one[key], dict) and isinstance(other[key], dict)):
            return str(key)
        if inner := _first_in_both(one[key], other[key]):
            return f"{key}.{inner}"
    return None


def merge(*contents: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings: a later one replaces single keys of the earlier ones.

    Examples
    --------
    >>> merge({"split": {"train": 0.6, "seed": 7}, "time": "none"}, {"split": {"seed": 8}})
    {'split': {'train': 0.6, 'seed': 8}, 'time': 'none'}
    """
    result: dict[str, Any] = {}
    for content in contents:
        for key, value in content.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merge(result[key], value) if both else value
    return result


def origin_of(place: Sequence[int | str], layers: Sequence[Layer]) -> Layer:
    """Return the last layer that gives the value at a place, or the first layer where none does.

    Examples
    --------
    >>> file, option = (Layer(n, c, c) for n, c in (("a.yaml", {"x": {"y": 1}}), ("--set", {"x": {"z": 2}})))
    >>> [origin_of(place, [file, option]).origin for place in (("x", "z"), ("x", "y"), ("w",))]
    ['--set', 'a.yaml', 'a.yaml']
    """
    for layer in reversed(layers):
        if _gives(layer.written, place):
            return layer
    return layers[0]


def _gives(content: Any, place: Sequence[int | str]) -> bool:
    for step in place:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
