"""JSON artefacts of the estimators: written whole, checked when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from features.errors import DataError, ModelNotFound


def to_json(content: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON with every number exact; NaN and infinity are refused.

    >>> to_json({"a": [0.1]})
    b'{"a": [0.1]}'
    """
    return json.dumps(content, allow_nan=False, ensure_ascii=False).encode()


def content_of(files: Mapping[str, bytes], name: str) -> bytes:
    """The file of that name.

    Raises
    ------
    ModelNotFound
        The artefact lacks it.

    Examples
    --------
    >>> content_of({"a.json": b"{}"}, "a.json")
    b'{}'
    """
    if name not in files:
        raise ModelNotFound(f"the artefact lacks the file {name!r}, it has {sorted(files)}: restore it or train again")
    return files[name]


def from_json(files: Mapping[str, bytes], name: str, *, keys: frozenset[str]) -> dict[str, Any]:
    """The object in a JSON file, which must have exactly these keys.

    Raises
    ------
    ModelNotFound
        The artefact lacks the file.
    DataError
        The file is not JSON, or has other keys.

    Examples
    --------
    >>> from_json({"a.json": b'{"x": 1}'}, "a.json", keys=frozenset({"x"}))
    {'x': 1}
    """
    try:
        content = json.loads(content_of(files, name))
    except ValueError as e:  # includes text that is not UTF-8
        raise damaged(name, f"it is not JSON ({e})") from None
    if not isinstance(content, dict) or set(content) != keys:
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise damaged(name, f"it must hold the keys {sorted(keys)}, got {found}")
    return content


def damaged(name: str, what: str) -> DataError:
    """The error for a file whose content is wrong.

    >>> raise damaged("a.json", "it is empty")
    Traceback (most recent call last):
    ...
    features.errors.DataError: the artefact file 'a.json' is damaged: it is empty; restore it or train again
    """
    return DataError(f"the artefact file {name!r} is damaged: {what}; restore it or train again")
