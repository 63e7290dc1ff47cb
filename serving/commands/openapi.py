"""`chehang openapi`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ml.registry import TASKS
from serving.endpoints import mounted
from serving.model_store import ModelStore
from serving.openapi import describe
from serving.settings import load_settings


def openapi(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Accepted as everywhere; the document is JSON.")] = False,
) -> None:
    """Print the OpenAPI document of the present champions, without a server."""
    settings = load_settings(config)
    store = ModelStore(poll_seconds=settings.poll_seconds, configs=settings.configs)
    store.look_once()
    champions = {name: store.current(name) for name in TASKS}
    for name, loaded in champions.items():
        if loaded is None:
            print(f"· {store.without_champion(name)}; its request is described as any object", file=sys.stderr)
    document = describe(champions, mounted(), max_rows=settings.max_batch_rows)
    print(json.dumps(document, ensure_ascii=False, indent=1))
