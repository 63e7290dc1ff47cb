"""Compute the reasons of a decision again, from its inputs and the model version that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from features.errors import ChehangError
from ml import champions
from ml.model import Model
from ml.registry import TASKS
from serving.model_store import ModelStore


def reasons_of(content: Mapping[str, Any], inputs: Mapping[str, Any] | None, store: ModelStore) -> list[Any] | None:
    """Return the reasons of a decision: those of the log, or computed again.

    Parameters
    ----------
    content : mapping
        Content of the entry of the decision.
    inputs : mapping or None
        Inputs of the personal part; None if they are not stored or were purged.
    store : ModelStore
        Holds the present champions; another version is read from the model registry.

    Returns
    -------
    list or None
        Reasons with `code`, `zh`, `en` and `points`. None if the log has none and they cannot be computed: without
        inputs or the version, for loan offers (a request says itself whether it wants reasons), or if the version now
        gives another result.
    """
    if content.get("reasons") is not None or inputs is None:
        return content.get("reasons")
    name = content["endpoint"].removeprefix("/v1/")
    if name not in TASKS or name not in content["models"]:
        return None
    version, task = content["models"][name]["version"], TASKS[name]
    if task.endpoint.decision is None or task.endpoint.explains is None:
        return None
    loaded = store.current(name)
    try:
        model = loaded.model if loaded is not None and loaded.version == version else _version(name, version)
        request = model.request().model_validate_json(json.dumps(inputs))
        answer = model.answers([request], explain=True)[0]
    except (ChehangError, ValueError):
        return None
    again = from_json(to_json(task.endpoint.decision(request, answer)))
    same = {field for field in again if field != "reasons"}
    return again["reasons"] if all(again[field] == content.get(field) for field in same) else None


@lru_cache(maxsize=2)
def _version(name: str, number: int) -> Model:
    return champions.load(champions.version(name, number))
