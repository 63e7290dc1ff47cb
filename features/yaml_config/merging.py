"""Configuration layers, each from a file or a command-line option, merged key by key."""

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
    """Keys and values from one file or option; returned by `read_layer`, `parse_settings` and `Layer.from_text`.

    Attributes
    ----------
    origin : str
        Path of the file, or name of the option, for error messages.
    written : mapping
        Content with `${NAME}` as written; error messages show only this, because a variable may hold a secret.
    content : mapping
        Content with environment variables filled in.
    """

    origin: str
    written: Mapping[str, Any]
    content: Mapping[str, Any]

    @classmethod
    def from_text(cls, text: str, origin: str) -> Layer:
        """Parse a YAML mapping from `origin` (a path or an option) into a layer; an empty text is an empty mapping.

        `${NAME}` is replaced in `content` by the environment variable.

        Parameters
        ----------
        text : str
            YAML.
        origin : str
            Path or option, for error messages.

        Returns
        -------
        Layer
            With `origin`, `written` (content with `${NAME}`) and `content` (with the values of the variables).

        Raises
        ------
        ConfigError
            The text is not valid YAML or not a mapping, or an environment variable is not set.

        Examples
        --------
        >>> from features.yaml_config import Layer
        >>> Layer.from_text("port: 9000", "serving.yaml").content
        {'port': 9000}
        """
        written = parse_yaml(text, origin)
        written = {} if written is None else written
        if not isinstance(written, dict):
            raise ConfigError(f"{origin}: must be keys and values, as in `key: value`, got a {type(written).__name__}")
        return cls(origin, written, fill_variables(written, origin))


def read_layer(path: Path) -> Layer:
    """Read a YAML file of keys and values into a layer with the path as its origin.

    Parameters
    ----------
    path : Path
        An existing file; an empty file is an empty layer.

    Returns
    -------
    Layer
        `origin` (the path as text), `written` (content with `${NAME}`) and `content` (with the values of the
        variables).

    Raises
    ------
    ConfigError
        The file does not exist, is not UTF-8, is not valid YAML or not a mapping, or an environment variable is not
        set.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "shop.yaml")
    ...     _ = file.write_text("url: ${SHOP_URL:-sqlite://}")
    ...     layer = read_layer(file)
    >>> layer.written, layer.content
    ({'url': '${SHOP_URL:-sqlite://}'}, {'url': 'sqlite://'})
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of an existing YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        remedy = (
            "give this user permission to read it" if isinstance(error, PermissionError) else "give the path of a file"
        )
        raise ConfigError(f"{path}: cannot be read: {reason}; {remedy}") from None
    return Layer.from_text(text, str(path))


def parse_settings(settings: Iterable[str]) -> Layer:
    """Parse settings of the form `dotted.name=value`, with the value in YAML, into one layer of origin `--set`.

    `settings` are texts, such as `["split.seed=3"]`. `${NAME}` in a value is replaced in `content` by the environment
    variable. No setting gives an empty layer.

    Returns
    -------
    Layer
        `origin` (`--set`), `written` (content with `${NAME}`) and `content` (with the values of the variables).

    Raises
    ------
    ConfigError
        A setting has another form, its value is not valid YAML, a name occurs twice, or an environment variable is not
        set.

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
        if repeated := _first_in_both(written, content):
            raise ConfigError(f"{SETTING}: {repeated}: is given twice; give it once")
        written = merge(written, content)
    return Layer(SETTING, written, fill_variables(written, SETTING))


def _first_in_both(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Return the dotted name of a value that both nested mappings have."""
    for key in one.keys() & other.keys():
        if not (isinstance(one[key], dict) and isinstance(other[key], dict)):
            return str(key)
        if inner := _first_in_both(one[key], other[key]):
            return f"{key}.{inner}"
    return None


def merge(*contents: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; values of later mappings replace those of earlier ones, key by key.

    Only mappings are merged: a later list replaces an earlier one. The arguments are not changed.

    Returns
    -------
    dict
        Nested dicts, with all keys of the arguments.

    Examples
    --------
    >>> merge({"split": {"train": 0.6, "seed": 7}, "time": "none"}, {"split": {"seed": 8}})
    {'split': {'train': 0.6, 'seed': 8}, 'time': 'none'}
    """
    merged: dict[str, Any] = {}
    for content in contents:
        for key, value in content.items():
            are_mappings = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merge(merged[key], value) if are_mappings else value
    return merged


def origin_of(key_path: Sequence[int | str], layers: Sequence[Layer]) -> Layer:
    """Return the last layer that contains a key path, or the first layer if none does.

    Parameters
    ----------
    key_path : sequence of int and str
        Keys and list positions, such as ``("split", "seed")``.
    layers : sequence of Layer
        At least one, as returned by `read_layer` and `parse_settings`, in the order in which `merge` gets them.

    Returns
    -------
    Layer
        With `origin` (path or option), `written` and `content`.

    Examples
    --------
    >>> from features.yaml_config import Layer
    >>> file, option = (Layer(n, c, c) for n, c in (("a.yaml", {"x": {"y": 1}}), ("--set", {"x": {"z": 2}})))
    >>> [origin_of(path, [file, option]).origin for path in (("x", "z"), ("x", "y"), ("w",))]
    ['--set', 'a.yaml', 'a.yaml']
    """
    for layer in reversed(layers):
        if _contains(layer.written, key_path):
            return layer
    return layers[0]


def _contains(content: Any, key_path: Sequence[int | str]) -> bool:
    for step in key_path:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
