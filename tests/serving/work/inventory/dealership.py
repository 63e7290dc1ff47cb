"""A dealer group with forecasts that can be computed by hand, and requests to its inventory endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import polars as pl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from features.errors import FeatureError
from ml.demand_forecast.coherence import AggregationLevel, Dependence
from ml.demand_forecast.forecast import GRID, ForecastTable
from ml.demand_forecast.order_models import OrdersRequest
from ml.demand_forecast.orders import answer as plan_orders
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
from serving.asgi import Problem
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.feedback.store import FeedbackStore
from serving.work.entries import WorkEntries
from serving.work.inner import InnerRequests
from serving.work.inventory import ROUTES
from serving.work.records import Records, RecordTables
from serving.work.routing import WorkContext, work_routes

NAN = float("nan")
JANUARY_2022 = (2022 - 1970) * 12
NOW = int(datetime(2022, 12, 31, 2, 30, tzinfo=UTC).timestamp()) * 1_000_000
DAY = 86_400_000_000
KEYS = [("a", "x", "north", "B1"), ("b", "x", "north", "B1"), ("a", "y", "north", "B2"), ("c", "z", "south", "B1")]
MEANS = (1.0, 2.0, 3.0, 0.0)  # a month; z has ended


def estimator(on_hand: Sequence[float], *, price: float = 10_000_000.0, scale: float = 1.0) -> Any:
    """Store a sells one x and three y a month, b two x; c sold z, which has ended. The history ends with 2022."""
    series = pl.DataFrame(KEYS, schema=["store_id", "model", "region", "brand"], orient="row")
    n = len(KEYS)
    means = scale * np.array(MEANS)
    sold = np.repeat(means[:, None], 12, axis=1)
    drivers = {"price": np.full((n, 12), price), "promotion": np.zeros((n, 12))}
    panel = Panel(series, ("store_id", "model"), "month", JANUARY_2022, sold, np.ones((n, 12)), drivers)
    monthly = np.repeat(means[:, None], 3, axis=1)
    levels = [
        AggregationLevel(("region",), np.array([0, 0, 0, 1]), [("north",), ("south",)]),
        AggregationLevel(("store_id",), np.array([0, 1, 0, 2]), [("a",), ("b",), ("c",)]),
        AggregationLevel(("model",), np.array([0, 0, 1, 2]), [("x",), ("y",), ("z",)]),
        AggregationLevel((), np.zeros(n, dtype=np.int64), [()]),
    ]
    forecaster = SimpleNamespace(
        dependence_=Dependence((0.0,), (0.0, 0.0)), is_count_=False, codes=lambda panel: [np.zeros(n, dtype=np.int64)]
    )
    return SimpleNamespace(
        panel=panel,
        origin=12,
        forecaster=forecaster,
        features=SimpleNamespace(demand=sold),
        params=SimpleNamespace(horizon=3),
        is_ended=np.array(MEANS) == 0,
        on_hand=np.array(on_hand),
        levels=levels,
        row_of_series={key[:2]: i for i, key in enumerate(KEYS)},
        series_forecasts=ForecastTable(monthly, np.repeat(monthly[:, :, None], len(GRID), axis=2).astype(np.float32)),
        cumulative_demand=lambda periods: np.repeat(periods * means[:, None], len(GRID), axis=1),
        signature=SimpleNamespace(fields=[SimpleNamespace(name=n) for n in ("price", "promotion")]),
    )


def used_car(name: str, days: int, **changes: Any) -> dict[str, Any]:
    """Return a used car of store b that has stood some days: 88,000 yuan asked, 80,000 paid."""
    return {
        "vehicle_id": name, "kind": "unit", "condition": "used", "store_id": "b", "model": "x", "brand": "B1",
        "model_year": 2019, "first_registered_at": NOW - 1_000 * DAY, "mileage_km": 50_000.0, "price": 8_800_000,
        "cost": 8_000_000, "listed_at": NOW - days * DAY,
    } | changes  # fmt: skip


@dataclass
class Dealership:
    """A group of three stores, its entries, and the questions that its endpoints were asked."""

    folder: Path
    on_hand: Sequence[float] = (0.0, 6.0, 1.0, 2.0)
    vehicles: Sequence[Mapping[str, Any]] = ()
    rules: str = ""
    price: float = 10_000_000.0
    questions: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.champions: dict[str, Any] = {}
        self.promote(1)
        store: Any = SimpleNamespaceStore(self.champions)
        (self.folder / "order_planning.yaml").write_text(self.rules or "{}")
        self.entries = WorkEntries(FeedbackStore(f"sqlite:///{self.folder}/feedback.db"), None)
        vehicles = pl.DataFrame(list(self.vehicles), infer_schema_length=None)
        frames = {"vehicles": vehicles} if self.vehicles else {}
        self.records = Records(lambda: RecordTables(frames, {}, NOW, "UTC", 1), fixed=NOW)
        self.records.load()
        self.inner = InnerRequests()
        settings: Any = SimpleNamespace(configs=self.folder)
        self.context = context = WorkContext(self.records, self.entries, self.inner, store, settings)
        stubs = [
            Route("/v1/demand_forecast/orders", self._orders, methods=["POST"]),
            Route("/v1/demand_forecast", self._forecast, methods=["POST"]),
            Route("/v1/demand_forecast/batch", self._forecasts, methods=["POST"]),
            Route("/v1/residual_value/batch", self._values, methods=["POST"]),
        ]
        handlers: Any = {Problem: refuse}
        self.app = Starlette(routes=[*work_routes(ROUTES, context), *stubs], exception_handlers=handlers)
        self.inner.app = self.app  # type: ignore[assignment]

    def promote(self, version: int, *, scale: float = 1.0) -> None:
        """Make another demand model the champion."""
        model = SimpleNamespace(estimator=estimator(self.on_hand, price=self.price, scale=scale), card={})
        self.champions["demand_forecast"] = SimpleNamespace(version=version, model=model, estimator=model.estimator)

    def price_used_cars(self) -> None:
        """Give residual values a champion: a car is worth 80,000 yuan, 79,000 after one month, 77,000 after three."""
        fields = [
            SimpleNamespace(name=n, computed=False, required=n == "mileage_km", feature=True)
            for n in ("model", "mileage_km")
        ]
        value = SimpleNamespace(signature=SimpleNamespace(fields=fields), learner_=SimpleNamespace(coverage=0.8))
        self.champions["residual_value"] = SimpleNamespace(
            version=1, estimator=value, model=SimpleNamespace(estimator=value)
        )

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        person: str = "Chen",
        stores: frozenset[str] | None = None,
        status: int = 200,
    ) -> Any:
        """Return the JSON of an answer to a planner."""
        caller = Caller("k", person, "planner", ROLES["planner"], stores)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, "caller": caller}, receive, send)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
                content = None if body is None else json.dumps(body)
                method = "GET" if body is None else "POST"
                headers = {"content-type": "application/json"}
                return await client.request(method, path, content=content, headers=headers)

        answer = asyncio.run(send())
        assert answer.status_code == status, answer.text
        return answer.json()

    def decide(self, decision: str = "confirm", *, status: int = 200, person: str = "Chen", **fields: Any) -> Any:
        """Decide about orders after reading them, unless the plan and the last sequence are given."""
        orders = self.ask("/v1/inventory/orders", person=person)
        body = {"plan": orders["plan"], "last_sequence": orders["last_sequence"], "decision": decision, **fields}
        return self.ask("/v1/inventory/orders", body, status=status, person=person)

    async def _orders(self, request: Request) -> Response:
        self.questions.append(("orders", 1))
        rules = load_planning_rules(self.folder / "order_planning.yaml") if self.rules else PlanningRules()
        body = OrdersRequest.model_validate(await request.json())
        try:
            answer = plan_orders(rules, self.champions, body)
        except FeatureError as e:
            raise Problem(422, "not_computable", str(e)) from None
        version = self.champions["demand_forecast"].version
        return JSONResponse({**answer.model_dump(), "model_version": version})

    async def _forecast(self, request: Request) -> Response:
        return JSONResponse(self._demand(await request.json()))

    async def _forecasts(self, request: Request) -> Response:
        items = (await request.json())["items"]
        self.questions.append(("forecasts", len(items)))
        return JSONResponse({"items": [self._demand(item) for item in items]})

    def _demand(self, item: Mapping[str, Any]) -> dict[str, Any]:
        columns = ("store_id", "model", "region")
        mean = sum(
            mean
            for key, mean in zip(KEYS, MEANS, strict=True)
            if all(item.get(c) in (None, v) for c, v in zip(columns, key, strict=False))
        )
        mean *= 1.0 if item.get("price") is None else self.price / 100 / item["price"]
        period = {"mean": mean, "quantiles": [mean - 1, mean, mean + 1], "drivers": []}
        periods = [{"period": f"2023-0{m}", **period} for m in (1, 2, 3)]
        return {"periods": periods, "last_period": "2022-12", "warning": None}

    async def _values(self, request: Request) -> Response:
        items = (await request.json())["items"]
        self.questions.append(("values", len(items)))
        if any(item["mileage_km"] < 0 for item in items):
            raise Problem(422, "invalid", "mileage", [{"field": "items.0.mileage_km", "rule": "x", "message": "y"}])
        future = [{"after_months": m, "value": v} for m, v in ((1, 79_000.0), (3, 77_000.0))]
        value = {"value": 80_000.0, "value_low": 75_000.0, "value_high": 85_000.0, "warnings": []}
        return JSONResponse(
            {"items": [{**value, "future_values": future if "after_months" in i else []} for i in items]}
        )


class SimpleNamespaceStore:
    """A model store with the champions of a mapping."""

    def __init__(self, champions: Mapping[str, Any]) -> None:
        self._champions = champions

    def current(self, task: str) -> Any:
        """Return a champion, or None."""
        return self._champions.get(task)

    def missing_champion(self, task: str) -> str:
        """Return why there is none."""
        return f"{task} has no champion"


async def refuse(request: Request, error: Exception) -> Response:
    """Return the response of a problem."""
    assert isinstance(error, Problem)
    return Response(error.content(), error.status, media_type="application/json")
