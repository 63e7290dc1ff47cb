"""`chehang openapi`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ml.registry import TASKS
from serving.endpoints import mounted_endpoints
from serving.model_store import ModelStore
from serving.named_routes import named_endpoints
from serving.openapi import describe
from serving.settings import load_settings


def openapi(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="No effect: the document is always JSON.")] = False,
) -> None:
    """Print the OpenAPI document for the current champions, without a server."""
    settings = load_settings(config)
    store = ModelStore(poll_seconds=settings.poll_seconds, configs=settings.configs)
    store.load_champions()
    champions = {name: store.current(name) for name in (*TASKS, *store.names)}
    for name, loaded in champions.items():
        if loaded is None:
            print(f"· {store.missing_champion(name)}; until then its request schema is any object", file=sys.stderr)
    endpoints = mounted_endpoints()
    named = [mounted for name in store.names for mounted in named_endpoints(endpoints, name)]
    document = describe(champions, [*endpoints, *named], max_rows=settings.max_batch_rows)
    print(json.dumps(document, ensure_ascii=False, indent=1))
