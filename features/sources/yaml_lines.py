"""Entries of `columns` in sources.yaml, written out in one line for messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from features.errors import ConfigError
from features.sources.column_source import ColumnSource
from features.sources.column_values import written
from features.yaml_config.parsing import parse_yaml

TO_FILL_IN = "..."  # a value that the reader has to decide on


def column_line(name: str, spec: ColumnSource, **changes: Any) -> str:
    """Return the entry of a column with some keys changed, ready to be put under `columns` in sources.yaml.

    Parameters
    ----------
    name : str
        Contract column or extra feature.
    spec : ColumnSource
        Its present entry, or the one by equal name.
    **changes
        Keys of `ColumnSource` by their names in YAML, such as ``factor=100`` or ``map={"SUV": "suv"}``.

    Returns
    -------
    str
        One line of YAML in backquotes.

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> column_line("defaulted", ColumnSource(source="bad"), map={1: False, 2: True})
    '`defaulted: {from: bad, map: {1: false, 2: true}}`'
    >>> column_line("price", ColumnSource(source="Price, net", factor=100), nulls=["n/a", "-", "5"])
    '`price: {from: "Price, net", factor: 100, nulls: [n/a, -, "5"]}`'
    """
    return f"`{scalar(name)}: {flow({**written(spec), **changes})}`"


def flow(value: Any) -> str:
    """Return a value in the flow style of YAML.

    Examples
    --------
    >>> flow({"map": {"no": False, "1": True, 2.0: None}})
    '{map: {no: false, "1": true, 2: null}}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """Return a scalar as YAML, in quotes only where a plain one would be read as something else.

    Examples
    --------
    >>> [scalar(v) for v in (True, None, 100.0, 0.5, "ok", "true", "a: b", "1e3", float("inf"))]
    ['true', 'null', '100', '0.5', 'ok', '"true"', '"a: b"', '"1e3"', '.inf']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return text if text == TO_FILL_IN or _is_plain(text) else _quoted(text)


def _is_plain(text: str) -> bool:
    try:
        return bool(parse_yaml(f"[{text}, {{{text}: {text}}}]", "") == [text, {text: text}])
    except ConfigError:
        return False


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
