"""OpenAPI document, example requests and responses of the service with six champions, run in this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

UNKNOWN_FIELD = {"no_such_field": 1}
LOADED_WITHIN_SECONDS = 300
LONGEST_LIST, FIRST_ITEMS = 8, 2


@contextmanager
def _application() -> Iterator[Any]:
    """Yield the guarded application with loaded champions."""
    from serving.api import build_app
    from serving.guard import Guard, routes_of
    from serving.model_store import ModelStore
    from serving.settings import Settings

    settings = Settings(timeout_seconds=60)
    store = ModelStore(poll_seconds=60, configs=settings.configs)
    store.start()
    _await_champions(store)
    app = build_app(store, settings)
    limits = {name: getattr(settings, name) for name in ("max_body_bytes", "max_bulk_bytes", "timeout_seconds")}
    yield Guard(app, **limits, **routes_of(app))
    store.stop()


def _await_champions(store: Any) -> None:
    deadline = time.monotonic() + LOADED_WITHIN_SECONDS
    while not store.has_checked:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the champions are not loaded after {LOADED_WITHIN_SECONDS} s")
        time.sleep(0.1)


async def _all_exchanges(app: Any, printed: Any) -> dict[str, Any]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        document = (await client.get("/openapi.json")).json()
        golden: dict[str, Any] = {"service/openapi": {"same_as_printed": document == printed}}
        for path in ("/healthz", "/readyz", "/v1/no_such_path"):
            golden[f"service/{Path(path).name}"] = _content(await client.get(path))
        for path in answered_paths(document):
            parameters = document["paths"][path]["post"].get("parameters", ())
            explains = any(p["name"] == "explain" for p in parameters)
            golden[_golden_of(path)] = await _exchange(client, path, explains=explains)
    return golden


def answered_paths(document: Any) -> list[str]:
    """Return the paths of an OpenAPI document that champions and rules answer, which have an example.

    Paths that write to a store, such as those of events, have none: their answers depend on what the store holds.

    Examples
    --------
    >>> post, get = {"post": {}}, {"get": {}}
    >>> answered_paths({"paths": {"/v1/a": post, "/v1/a/batch": post, "/v1/a/example": get, "/v1/events": post}})
    ['/v1/a', '/v1/a/batch']
    """
    paths = document["paths"]
    return [p for p in paths if "post" in paths[p] and f"{p.removesuffix('/batch')}/example" in paths]


async def _exchange(client: httpx.AsyncClient, path: str, *, explains: bool) -> dict[str, Any]:
    own = path.removesuffix("/batch")
    example = (await client.get(f"{own}/example")).json()
    request = example if own == path else {"items": [example]}
    params = {"explain": str(own == path).lower()} if explains else {}
    answer = await client.post(path, json=request, params=params)
    refused = await client.post(path, json=UNKNOWN_FIELD)
    return {
        "path": path,
        "request": shortened(request),
        "answer": shortened(_content(answer)),
        "refusal": shortened(_content(refused)),
    }


def _golden_of(path: str) -> str:
    """Return the golden file of a path: one folder for each task."""
    first, *others = path.removeprefix("/v1/").split("/")
    return "/".join(["service", first, ".".join(["answer", *others])])


def shortened(content: Any) -> Any:
    """Return the content with long lists of objects shortened to the first objects and the sums of all.

    Examples
    --------
    >>> shortened([{"n": i} for i in range(100)])
    [{'n': 0}, {'n': 1}, {'of': 100, 'sums': {'n': 4950}}]
    """
    if isinstance(content, dict):
        return {k: shortened(v) for k, v in content.items()}
    if not isinstance(content, list):
        return content
    if len(content) <= LONGEST_LIST or not all(isinstance(v, dict) for v in content):
        return [shortened(v) for v in content]
    sums: dict[str, Any] = {}
    for name, value in ((n, v) for item in content for n, v in item.items()):
        if isinstance(value, int | float):
            sums[name] = sums.get(name, 0) + value
    return [*(shortened(v) for v in content[:FIRST_ITEMS]), {"of": len(content), "sums": sums}]


def _content(answer: httpx.Response) -> dict[str, Any]:
    return {"status": answer.status_code, "content": json.loads(answer.text)}


def exchanges(printed: Any) -> dict[str, Any]:
    """Return golden content by name, from the champions in CHEHANG_HOME.

    Parameters
    ----------
    printed : dict
        OpenAPI document that `chehang openapi` prints for the same home.
    """
    with _application() as app:
        return asyncio.run(_all_exchanges(app, printed))
