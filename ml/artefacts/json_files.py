"""JSON files of fitted estimators; their keys are checked when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from features.errors import DataError, ModelNotFound


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return a mapping as UTF-8 JSON that keeps every number exactly; `from_json` reads it.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    TypeError
        A value is no JSON type, such as an ndarray.

    Examples
    --------
    >>> to_json({"a": [0.1]})
    b'{"a": [0.1]}'
    """
    return json.dumps(content, allow_nan=False, ensure_ascii=False).encode()


def content_of(files: Mapping[str, bytes], name: str) -> bytes:
    """Return the content of a file of a model.

    Parameters
    ----------
    files : mapping of str to bytes
        Files of the model, content by name, as returned by an estimator's `to_files`.
    name : str
        Name of the file.

    Raises
    ------
    ModelNotFound
        The model lacks the file.

    Examples
    --------
    >>> content_of({"a.json": b"{}"}, "a.json")
    b'{}'
    """
    if name not in files:
        raise ModelNotFound(f"the model lacks the file {name!r}; it has {sorted(files)}: restore it or train again")
    return files[name]


def from_json(files: Mapping[str, bytes], name: str, *, keys: frozenset[str]) -> dict[str, Any]:
    """Return the object in a JSON file of a model.

    Parameters
    ----------
    files : mapping of str to bytes
        Files of the model, content by name, as returned by an estimator's `to_files`.
    name : str
        Name of the file.
    keys : frozenset of str
        Keys that the object must have, and no others.

    Returns
    -------
    dict
        Values by key, as `json.loads` reads them.

    Raises
    ------
    ModelNotFound
        The model lacks the file.
    DataError
        The file is not JSON, or its keys differ.

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
        actual = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise damaged(name, f"it must have the keys {sorted(keys)}, got {actual}")
    return content


def damaged(name: str, what: str) -> DataError:
    """Return (not raise) the error for a model file or array with wrong content.

    Examples
    --------
    >>> raise damaged("a.json", "it is empty")
    Traceback (most recent call last):
    ...
    features.errors.DataError: the model file 'a.json' is damaged: it is empty; restore it or train again
    """
    return DataError(f"the model file {name!r} is damaged: {what}; restore it or train again")
