"""Keys of some stores: every request, row and filter names one of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, Field

from serving.api import build_app
from serving.asgi import Problem
from serving.doors.caller import Caller
from serving.doors.requested_stores import check_stores
from serving.endpoints import MountedEndpoint
from serving.settings import Settings
from tests.serving.in_process import Amount, Champions, Doubled, champion, doubling

OWN = frozenset({"S1", "S2"})


class Lead(BaseModel):
    """A row with a store."""

    store_id: str | None = None


class Queue(BaseModel):
    """Rows, without a store of its own."""

    leads: list[Lead] = Field(default=[])


class Filters(BaseModel):
    """A part that names stores."""

    store_id: list[str] = Field(default=[])


class Page(BaseModel):
    """A store, and a part with more."""

    store_id: str | None = None
    filters: Filters | None = None


class Orders(BaseModel):
    """Several stores, or the rows of a stock; none are all."""

    stores: tuple[str, ...] = ()
    stock: tuple[Lead, ...] = ()


def _rule(request: BaseModel) -> str | None:
    try:
        check_stores(OWN, [request])
    except Problem as problem:
        assert problem.status == 403 and "S9" not in problem.message and problem.message.endswith("S1, S2")
        return problem.code
    return None


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (Lead(store_id="S1"), None),
        (Lead(store_id="S9"), "wrong_store"),
        (Lead(), "store_required"),
        (Lead(store_id=""), "wrong_store"),
        (Orders(stores=("S1", "S2")), None),
        (Orders(stores=("S1", "S9")), "wrong_store"),
        (Orders(), "store_required"),
        (Orders(stock=(Lead(store_id="S1"),)), None),
        (Orders(stock=(Lead(store_id="S1"), Lead(store_id="S9"))), "wrong_store"),
        (Orders(stores=("S1",), stock=(Lead(),)), "store_required"),
        (Queue(leads=[Lead(store_id="S1"), Lead(store_id="S2")]), None),
        (Queue(leads=[Lead(store_id="S1"), Lead()]), "store_required"),
        (Queue(leads=[Lead(store_id="S9")]), "wrong_store"),
        (Page(store_id="S1"), None),
        (Page(store_id="S1", filters=Filters(store_id=["S9"])), "wrong_store"),
        (Page(filters=Filters(store_id=["S2"])), None),
        (Page(filters=Filters()), "store_required"),
        (Amount(amount=1), None),
    ],
)
def test_what_a_request_must_name(request_: BaseModel, rule: str | None) -> None:
    assert _rule(request_) == rule


def test_each_row_of_a_batch_is_checked() -> None:
    check_stores(OWN, [Lead(store_id="S1"), Lead(store_id="S2")])
    with pytest.raises(Problem, match="wrong_store"):
        check_stores(OWN, [Lead(store_id="S1"), Lead(store_id="S9")])


class StoredAmount(Amount):
    """A request with a store."""

    store_id: str | None = None


@pytest.mark.parametrize("runs_in_thread", [None, lambda request: True, lambda request: False])
def test_endpoints_refuse_before_they_compute(runs_in_thread: Any) -> None:
    computed: list[Any] = []

    def respond(rules: Any, champions: Any, requests: Any, explain: bool) -> list[Doubled]:
        computed.extend(requests)
        return [Doubled(amount=r.amount, explained=explain) for r in requests]

    own = replace(
        doubling("residual_value").endpoint,
        request=lambda champions: StoredAmount,
        respond=respond,
        runs_in_thread=runs_in_thread,
    )
    store = Champions({"residual_value": champion("residual_value")})
    app = build_app(store, Settings(), [MountedEndpoint("residual_value", own)])

    async def with_caller(scope: Any, receive: Any, send: Any) -> None:
        scope["caller"] = Caller("k_1", "desk", "sales", frozenset({"residual_value"}), OWN)
        await app(scope, receive, send)

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_caller), base_url="http://127.0.0.1") as client:
            path, right, wrong = "/v1/residual_value", {"amount": 1, "store_id": "S1"}, {"amount": 1, "store_id": "S9"}
            bodies = [(path, right), (path, wrong), (path, {"amount": 1}), (f"{path}/batch", {"items": [right, wrong]})]
            return [(await client.post(p, json=body)).status_code for p, body in bodies]

    assert asyncio.run(statuses()) == [200, 403, 403, 403]
    assert len(computed) == 1
