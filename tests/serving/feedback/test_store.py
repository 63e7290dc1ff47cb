"""The store of a worker, and writing to PostgreSQL from several threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from serving.asgi import Problem
from serving.feedback.events import EVENT
from serving.feedback.pushes import FreshStock, LocalCounters, with_fresh_stock
from serving.feedback.recording import record
from serving.feedback.routes import feedback_routes
from serving.feedback.rows import event_rows
from serving.feedback.stock_requests import CHANGE, StockPush
from serving.feedback.stock_writing import apply_changes, replace_stock, vehicle_row
from serving.feedback.store import FeedbackStore
from serving.model_store import ModelStore
from serving.settings import Settings
from tests.serving.databases import postgresql
from tests.serving.feedback.requests import AT_US, event, shown, view

NOW = AT_US + 1


def test_a_failed_write_is_a_problem_without_the_address(tmp_path: Path) -> None:
    store = FeedbackStore(f"sqlite:///{tmp_path}/feedback.db")

    def fail(engine: sa.Engine) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM nothing")

    with pytest.raises(Problem) as problem:
        store.run(fail)
    assert problem.value.status == 503 and str(tmp_path) not in problem.value.message
    assert store.run(lambda engine: sa.inspect(engine).has_table("events"))


def test_routes_and_their_limits() -> None:
    routes = feedback_routes(Settings(), LocalCounters())
    assert all(route.app.is_bulk for route in routes)  # type: ignore[attr-defined]
    adapted = with_fresh_stock(routes[:1], ModelStore(poll_seconds=60), LocalCounters())
    assert not isinstance(adapted[0].app, FreshStock)  # events have no stock


def parsed(*events: dict[str, Any]) -> list[Any]:
    return [(i, event_rows(EVENT.validate_python(e), now=NOW)) for i, e in enumerate(events)]


@pytest.mark.postgres
def test_postgresql() -> None:
    with postgresql() as url:
        store = FeedbackStore(url)
        results: list[Any] = []

        def work() -> None:
            events = parsed(*(view(i) for i in range(200)), shown(500), event("lead", 501, lead_id="L1"))
            results.append(store.run(lambda engine: record(engine, events)))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(r.stored for r in results) == 202 and sum(r.duplicates for r in results) == 3 * 202
        push: Any = StockPush.model_validate({"vehicles": [{"vehicle_id": "V1", "price": 5.0}, {"vehicle_id": "V2"}]})
        rows = [vehicle_row(v, store=None, now=NOW) for v in push.vehicles]
        assert store.run(lambda engine: replace_stock(engine, rows, store=None, now=NOW)).added == 2
        assert store.run(lambda engine: replace_stock(engine, rows[:1], store=None, now=NOW)).withdrawn == 1
        changes = [CHANGE.validate_python({"type": "sold", "vehicle_id": "V1"})]
        answer = store.run(lambda engine: apply_changes(engine, changes, rows=[None], now=NOW, stores=None))
        assert answer.changed == 1
        with store.open().connect() as connection:
            query = "SELECT vehicle_id, price, sold_at, withdrawn_at FROM vehicles ORDER BY 1"
            assert connection.exec_driver_sql(query).all() == [("V1", 500, NOW, None), ("V2", None, None, NOW)]
            assert connection.exec_driver_sql("SELECT listings, states FROM stock_head").one() == (2, 3)
