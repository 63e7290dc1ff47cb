"""Parser of all YAML files: scalars of YAML 1.2, unique keys, and `${NAME}` from the environment.

YAML 1.1 reads `no` as false, `12:30` as 750 and `2024-01-31` as a date; in YAML 1.2 these are texts. Integers are
decimal; digits with a leading zero stay text, because they are a code (`010`). Merge keys (`<<`) and type tags other
than those of JSON are not supported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from typing import Any

import yaml

from features.errors import ConfigError

MAX_DEPTH = 50
MAX_VALUES = 100_000  # counted with aliases expanded: nested aliases could otherwise exhaust the memory
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012  (names and types of PyYAML; filled below)
    yaml_constructors = {}  # noqa: RUF012

    def fetch_flow_collection_start(self, token: Any) -> None:
        """Check the depth while scanning, because PyYAML's run time grows with its square."""
        if self.flow_level >= MAX_DEPTH:
            raise yaml.scanner.ScannerError(None, None, f"nested more than {MAX_DEPTH} levels deep", self.get_mark())
        super().fetch_flow_collection_start(token)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    content: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.constructor.ConstructorError(None, None, "a key must be text or a number", key_node.start_mark)
        if key in content:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` is given twice", key_node.start_mark)
        content[key] = loader.construct_object(value_node, deep=True)
    return content


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)
for _name in ("null", "bool", "int", "float", "str", "seq"):
    _Loader.add_constructor(_TAG + _name, getattr(yaml.SafeLoader, f"construct_yaml_{_name}"))
_Loader.add_constructor(_TAG + "map", _mapping)
_Loader.add_constructor(None, yaml.SafeLoader.construct_undefined)  # type: ignore[type-var]


def parse_yaml(text: str, origin: str) -> Any:
    """Parse one YAML document into dicts, lists and scalars; `${NAME}` is left as it is.

    Parameters
    ----------
    text : str
        The document.
    origin : str
        Path of the file, or name of the option, for error messages.

    Returns
    -------
    dict, list or scalar
        Scalars are None, bool, int, float or str; dates stay text. None for an empty document.

    Raises
    ------
    ConfigError
        The text is not valid YAML, repeats a key, is nested too deeply or has too many values. The message names the
        line but does not quote it, because the line may contain a password.

    Examples
    --------
    >>> parse_yaml("{sold: no, code: 010, share: 1e-3, day: 2024-01-31}", "shop.yaml")
    {'sold': 'no', 'code': '010', 'share': 0.001, 'day': '2024-01-31'}
    >>> parse_yaml("{a: 1, a: 2}", "shop.yaml")
    Traceback (most recent call last):
    features.errors.ConfigError: shop.yaml: not valid YAML: line 1, column 8: key `a` is given twice; correct that line
    """
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = ", ".join(text for text in (error.context, error.problem) if text)
        raise ConfigError(f"{origin}: not valid YAML: {place}{problem}; correct that line") from None
    except (yaml.YAMLError, ValueError, KeyError) as error:
        raise ConfigError(f"{origin}: not valid YAML: {' '.join(str(error).split())}; correct the text") from None
    except RecursionError:
        raise ConfigError(f"{origin}: nested more than {MAX_DEPTH} levels deep; flatten it") from None
    check_size(content, origin)
    return content


def check_size(content: Any, origin: str) -> None:
    """Check that parsed YAML is nested at most 50 levels deep and has at most 100,000 values.

    `parse_yaml` and `parse_settings` call it; `content` is a dict, list or scalar.

    Parameters
    ----------
    content : dict, list or scalar
        As returned by `features.yaml_config.parsing.parse_yaml`.
    origin : str
        Path or option, with which the message begins.

    Raises
    ------
    ConfigError
        A limit is exceeded; the message begins with `origin`, a path or an option.

    Examples
    --------
    >>> check_size(list(range(200_000)), "shop.yaml")
    Traceback (most recent call last):
    features.errors.ConfigError: shop.yaml: more than 100,000 values with aliases expanded; make it smaller
    """
    count, stack = 0, [(content, 0)]
    while stack:
        value, depth = stack.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise ConfigError(f"{origin}: nested more than {MAX_DEPTH} levels deep; flatten it")
        if count > MAX_VALUES:
            raise ConfigError(f"{origin}: more than {MAX_VALUES:,} values with aliases expanded; make it smaller")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        stack.extend((item, depth + 1) for item in inner)


def fill_variables(content: Any, origin: str, key_path: str = "") -> Any:
    """Replace `${NAME}` and `${NAME:-default}` in every text value from the environment.

    Variables are filled in after parsing, so that a password may contain any character. An empty variable with a
    default is replaced by the default.

    Parameters
    ----------
    content : dict, list or scalar
        Parsed YAML, as returned by `parse_yaml`.
    origin, key_path : str
        File or option, and position of `content` in it, for error messages.

    Returns
    -------
    dict, list or scalar
        A copy with the values filled in.

    Raises
    ------
    ConfigError
        A variable that has no default is not set.

    Examples
    --------
    >>> fill_variables({"city": "${SHOP_CITY:-Pudong}", "places": 3}, "shop.yaml")
    {'city': 'Pudong', 'places': 3}
    """
    if isinstance(content, dict):
        return {k: fill_variables(v, origin, f"{key_path}.{k}".lstrip(".")) for k, v in content.items()}
    if isinstance(content, list):
        return [fill_variables(v, origin, f"{key_path}[{i}]") for i, v in enumerate(content)]
    if not isinstance(content, str):
        return content

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        text = os.environ.get(name)
        if text is None and default is None:
            raise ConfigError(
                f"{origin}: {key_path or 'value'}: environment variable {name} is not set; set it, or write "
                f"${{{name}:-default}}"
            )
        return str(default) if default is not None and not text else str(text)

    return VARIABLE.sub(value, content)
