"""Stock by push: the whole, one store, changes; a car that is gone is gone from every path at the next request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ml import champions
from ml.registry import TASKS
from serving.asgi import App
from serving.doors.caller import Caller
from serving.feedback.pushes import LocalCounters
from serving.feedback.stock_app import StockApp
from serving.model_store import LoadedChampion, ModelStore
from tests.conftest import ROOT, Trained
from tests.serving.feedback.requests import AT, application, rows, send

PAGE = "/v1/recommendation"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of configurations whose vehicles are pushed."""
    monkeypatch.setenv("CHEHANG_FEEDBACK_STORE", f"sqlite:///{tmp_path}/feedback.db")
    (tmp_path / "sources.yaml").write_text("tables: {vehicles: {store: feedback}}")
    return tmp_path


@pytest.fixture
def champion(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> LoadedChampion:
    """Return the small champion of recommendation."""
    monkeypatch.setenv("CHEHANG_HOME", str(recommendation.home))
    version = champions.champion("recommendation")
    assert version is not None
    return LoadedChampion(1, champions.load(version))


class Store(ModelStore):
    """A model store with one champion, and no thread."""

    def __init__(self, champion: LoadedChampion, configs: Path) -> None:
        super().__init__(poll_seconds=60, configs=configs)
        self._loaded = {"recommendation": champion}
        self._checked.set()


def car(name: str, **fields: Any) -> dict[str, Any]:
    """Return a used car, of the model suv1 unless another one is named."""
    values = {"kind": "unit", "condition": "used", "brand": "B1", "model": "suv1", "body_type": "suv", "price": 66000.0}
    return {"vehicle_id": name, **values, "energy_type": "combustion", **fields}


def new_cars() -> list[dict[str, Any]]:
    """Return an entry of the catalogue with two units."""
    new = {"condition": "new", "model": "sedan0", "body_type": "sedan", "price": 100000.0}
    units = [car(f"n{i}", **new, catalogue_id="C1", store_id="S1") for i in (1, 2)]
    return [car("C1", **new) | {"kind": "catalogue"}, *units]


def put(app: App, *cars: dict[str, Any], **fields: Any) -> Any:
    return send(app, "PUT", "/v1/stock", {"vehicles": list(cars), **fields})


def change(app: App, *changes: dict[str, Any]) -> Any:
    return send(app, "POST", "/v1/stock/changes", {"changes": list(changes)})


def ids(app: App, path: str = PAGE, **body: Any) -> list[str]:
    answer = send(app, "POST", path, {"n": 50, **body})
    assert answer.status_code == 200, answer.text
    return [card["vehicle_id"] for card in answer.json()["items"]]


@pytest.fixture
def app(home: Path, champion: LoadedChampion) -> App:
    """Return an application whose stock is five used cars and a new one."""
    app = application(home, store=Store(champion, home))
    answer = put(app, *(car(f"U{i}", store_id=f"S{1 + i % 2}") for i in range(5)), *new_cars())
    assert answer.json() == {"added": 8, "changed": 0, "withdrawn": 0, "off_offer": 0, "unknown": [], "stale": 0}
    return app


def test_a_push_is_the_stock_of_the_next_request(app: App, home: Path) -> None:
    assert set(ids(app)) == {"U0", "U1", "U2", "U3", "U4", "C1"}
    assert put(app, car("U0"), car("U9", own_features={"paint": "red"})).json()["withdrawn"] == 7
    assert set(ids(app)) == {"U0", "U9"}
    stored = dict(rows(home, "vehicles", "vehicle_id", "withdrawn_at"))
    assert len(stored) == 9 and [name for name, at in stored.items() if at is None] == ["U0", "U9"]
    assert put(app, car("U1"), car("U0")).json() == {
        "added": 0, "changed": 2, "withdrawn": 1, "off_offer": 0, "unknown": [], "stale": 0,
    }  # fmt: skip
    assert set(ids(app)) == {"U0", "U1"}


def test_the_stock_of_one_store(app: App) -> None:
    answer = put(app, car("U1"), car("NEW", price=50000.0), store_id="S2")
    assert answer.json()["withdrawn"] == 1 and answer.json()["added"] == 1
    assert set(ids(app)) == {"U0", "U2", "U4", "U1", "NEW", "C1"}
    assert set(ids(app, store_id="S2")) == {"U1", "NEW", "C1"}
    assert put(app, store_id="S2").json()["withdrawn"] == 2
    assert set(ids(app)) == {"U0", "U2", "U4", "C1"}


def every_path(app: App, name: str, other: str) -> dict[str, bool]:
    """Return by path whether a vehicle is on it."""
    seen_first = {"vehicle_id": name, "event_type": "favourite"}
    similar = send(app, "POST", f"{PAGE}/similar", {"vehicle_id": name}).status_code == 200
    batch = send(app, "POST", f"{PAGE}/batch", {"items": [{"n": 50}]}).json()["items"][0]
    return {
        "page": name in ids(app),
        "known customer": name in ids(app, customer_id="C001"),
        "session": name in ids(app, session=[seen_first]),
        "profile": name in ids(app, profile={"body_type": "suv"}),
        "off": name in ids(app, personalise=False),
        "later": name in ids(app, at=(datetime.now(UTC) + timedelta(days=1)).isoformat()),
        "filtered": name in ids(app, filters={"condition": "used"}),
        "batch": name in [card["vehicle_id"] for card in batch["items"]],
        "similar to another": name in ids(app, f"{PAGE}/similar", vehicle_id=other),
        "similar to it": similar,
    }


@pytest.fixture
def rules(app: App, home: Path) -> None:
    """Pin U0 to the first place, and explore every used car."""
    (home / "recommendation_rules.yaml").write_text(
        "{exploration_share: 0.5, new_days: 365, rules: [{action: pin, where: {vehicle_id: [U0]}, place: 1}]}"
    )
    listed = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert put(app, *(car(f"U{i}", listed_at=listed) for i in range(5))).status_code == 200
    assert ids(app, n=2)[0] == "U0"


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("kind", ["sold", "reserved", "deleted"])
def test_a_car_is_gone_from_every_path_at_the_next_request_and_comes_back(app: App, kind: str) -> None:
    assert set(every_path(app, "U0", "U1").values()) == {True}
    assert change(app, {"type": kind, "vehicle_id": "U0"}).json()["changed"] == 1
    assert set(every_path(app, "U0", "U1").values()) == {False}
    pages = [ids(app, n=2, visitor_id=f"w{i}") for i in range(20)]  # pins and draws of exploration
    assert all("U0" not in page and len(page) == 2 for page in pages)
    change(app, {"type": "released", "vehicle_id": "U0"})
    assert set(every_path(app, "U0", "U1").values()) == {True} and ids(app, n=2)[0] == "U0"


def test_an_entry_of_the_catalogue_is_gone_with_its_last_unit(app: App, home: Path) -> None:
    change(app, {"type": "sold", "vehicle_id": "n1"})
    assert "C1" in ids(app)
    change(app, {"type": "reserved", "vehicle_id": "n2"})
    assert "C1" not in ids(app)
    change(app, {"type": "released", "vehicle_id": "n2"})
    assert "C1" in ids(app)
    change(app, {"type": "deleted", "vehicle_id": "n2"})
    (home / "recommendation_rules.yaml").write_text("{made_to_order: true}")
    change(app, {"type": "price", "vehicle_id": "U1", "price": 1000})
    assert "C1" in ids(app)


def test_prices_and_listings(app: App) -> None:
    answer = change(
        app,
        {"type": "price", "vehicle_id": "U1", "price": 12345.67},
        {"type": "listed", "vehicle": car("U2", price=777.0)},
        {"type": "listed", "vehicle": car("U7")},
    )
    assert answer.json()["added"] == 1 and answer.json()["changed"] == 2
    cards = {c["vehicle_id"]: c for c in send(app, "POST", PAGE, {"n": 50}).json()["items"]}
    assert (cards["U1"]["price"], cards["U2"]["price"]) == (12345.67, 777.0) and "U7" in cards


def test_a_list_made_before_a_sale_does_not_bring_the_car_back(app: App) -> None:
    change(app, {"type": "sold", "vehicle_id": "U0"}, {"type": "deleted", "vehicle_id": "U1"})
    answer = put(app, car("U0"), car("U1"), car("U2"))
    assert answer.json()["off_offer"] == 1 and set(ids(app)) == {"U1", "U2"}  # a deleted car is listed again
    change(app, {"type": "released", "vehicle_id": "U0"})
    assert set(ids(app)) == {"U0", "U1", "U2"}


def test_an_older_change_has_no_effect(app: App) -> None:
    change(app, {"type": "sold", "vehicle_id": "U0", "at": "2026-03-01T10:00:00+08:00"})
    answer = change(app, {"type": "released", "vehicle_id": "U0", "at": AT})
    assert answer.json()["stale"] == 1 and "U0" not in ids(app)


def test_a_clock_that_runs_ahead_does_not_make_later_changes_old(app: App) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    change(app, {"type": "sold", "vehicle_id": "U0", "at": soon})
    assert "U0" not in ids(app)
    assert change(app, {"type": "released", "vehicle_id": "U0"}).json()["stale"] == 0 and "U0" in ids(app)


def test_changes_are_applied_all_or_none(app: App, home: Path) -> None:
    before = rows(home, "vehicles")
    answer = change(app, {"type": "sold", "vehicle_id": "U0"}, {"type": "price", "vehicle_id": "no", "price": 1})
    assert answer.status_code == 422 and answer.json()["error"]["details"][0]["field"] == "changes.1.vehicle_id"
    assert rows(home, "vehicles") == before and "U0" in ids(app)


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "rule"),
    [
        ("PUT", "", {"vehicles": []}, "vehicles", "too_short"),
        ("PUT", "", {"vehicles": [car("A"), car("A")]}, "vehicles.0.vehicle_id", "repeated"),
        ("PUT", "", {"vehicles": [car("A", price=-1)]}, "vehicles.0.price", "greater_than_equal"),
        ("PUT", "", {"vehicles": [car("A", sold_at="2096-01-01T00:00:00Z")]}, "vehicles.0.sold_at", "future"),
        ("PUT", "", {"vehicles": [car("A", colour="red")]}, "vehicles.0.colour", "extra_forbidden"),
        ("PUT", "", {"vehicles": [car("A", own_features={"a": [1]})]}, None, None),
        ("PUT", "", {"vehicles": [car("A", store_id="S2")], "store_id": "S1"}, "vehicles.0.store_id", "wrong_store"),
        ("POST", "/changes", {"changes": []}, "changes", "length"),
        ("POST", "/changes", {"changes": [{"type": "gone", "vehicle_id": "A"}]}, "changes.0.type", "union_tag_invalid"),
        ("POST", "/changes", {"changes": [{"type": "sold"}]}, "changes.0.vehicle_id", "missing"),
        ("POST", "/changes", {"changes": [{"type": "price", "vehicle_id": "A", "price": -1}]}, "changes.0.price", None),
        (
            "POST",
            "/changes",
            {"changes": [{"type": "listed", "vehicle": {}}]},
            "changes.0.vehicle.vehicle_id",
            "missing",
        ),
        ("POST", "/changes", {"sold": ["A"]}, "changes", "missing"),
        (
            "POST",
            "/changes",
            {"changes": [{"type": "sold", "vehicle_id": "A", "at": "2096-01-01T00:00:00Z"}]},
            "changes.0.at",
            "future",
        ),
    ],
)
def test_an_invalid_push_is_422_and_changes_nothing(
    app: App, home: Path, method: str, path: str, body: dict[str, Any], field: str | None, rule: str | None
) -> None:
    before = rows(home, "vehicles")
    answer = send(app, method, f"/v1/stock{path}", body)
    detail = answer.json()["error"]["details"][0]
    assert answer.status_code == 422 and detail["field"] == (field or detail["field"])
    assert detail["rule"] == (rule or detail["rule"]) and rows(home, "vehicles") == before


@pytest.fixture
def followed(home: Path, champion: LoadedChampion, recommendation: Trained) -> App:
    """Return an application whose stock is a file."""
    for name in ("sources.yaml", "vehicles.parquet"):
        shutil.copy(recommendation.config.parent / name, home / name)
    cars = pl.read_parquet(home / "vehicles.parquet")
    cars.with_columns(sold_at=pl.lit(None, dtype=pl.Int64)).write_parquet(home / "vehicles.parquet")
    store = Store(champion, home)
    store.update_live_data("recommendation")
    return application(home, store=store)


def test_beside_a_file_pushes_take_cars_off_offer_and_nothing_else(followed: App, home: Path) -> None:
    assert "U07" in ids(followed, n=200)
    for answer in (
        put(followed, car("X")),
        change(followed, {"type": "listed", "vehicle": car("X")}),
        change(followed, {"type": "price", "vehicle_id": "U07", "price": 1}),
    ):
        assert answer.status_code == 409 and "sources.yaml" in answer.json()["error"]["message"]
    answer = change(followed, {"type": "sold", "vehicle_id": "U07"}, {"type": "reserved", "vehicle_id": "U08"})
    assert answer.json()["changed"] == 2 and answer.json()["unknown"] == ["U07", "U08"]
    assert not {"U07", "U08"} & set(ids(followed, n=200))
    cars = pl.read_parquet(home / "vehicles.parquet")
    cars.write_parquet(home / "vehicles.parquet")  # a new export that still has the car
    change(followed, {"type": "released", "vehicle_id": "U08"})
    assert "U07" not in ids(followed, n=200) and "U08" in ids(followed, n=200)


def test_two_workers_and_a_restart(home: Path, recommendation: Trained, champion: LoadedChampion) -> None:
    counters = LocalCounters()
    other = LoadedChampion(1, champions.load(champions.champion("recommendation")))  # type: ignore[arg-type]
    apps = [application(home, store=Store(c, home), counters=counters) for c in (champion, other)]
    put(apps[0], car("U1"), car("U2"))
    assert [set(ids(app)) for app in apps] == [{"U1", "U2"}] * 2
    change(apps[1], {"type": "sold", "vehicle_id": "U1"})
    assert [ids(app) for app in apps] == [["U2"]] * 2
    restarted = Store(LoadedChampion(1, champions.load(champions.champion("recommendation"))), home)  # type: ignore[arg-type]
    restarted.update_live_data("recommendation")  # as the thread does
    assert ids(application(home, store=restarted)) == ["U2"]


def test_another_replica_sees_a_push_within_a_poll(app: App, home: Path, champion: LoadedChampion) -> None:
    other = LoadedChampion(1, champions.load(champions.champion("recommendation")))  # type: ignore[arg-type]
    store = Store(other, home)
    replica = application(home, store=store)  # has counters of its own, as on another machine
    store.update_live_data("recommendation")
    change(app, {"type": "sold", "vehicle_id": "U1"})
    store.update_live_data("recommendation")  # the next poll
    assert "U1" not in ids(replica) and "U2" in ids(replica)


@pytest.fixture
def limited(app: App) -> Iterator[App]:
    """Return the application behind a key for store S1."""
    caller = Caller("k", "shop", "storefront", frozenset({"stock:write"}), frozenset({"S1"}))

    async def behind_doors(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "caller": caller}, receive, send)

    yield behind_doors


def test_a_key_for_some_stores_pushes_their_stock_only(limited: App) -> None:
    assert put(limited, car("A")).status_code == 403
    assert put(limited, car("A"), store_id="S2").status_code == 403
    assert put(limited, car("A"), car("U0"), store_id="S1").status_code == 200
    assert change(limited, {"type": "sold", "vehicle_id": "U0"}).status_code == 200
    assert change(limited, {"type": "sold", "vehicle_id": "U1"}).status_code == 422  # of store S2
    assert change(limited, {"type": "sold", "vehicle_id": "nothing"}).status_code == 422
    assert change(limited, {"type": "listed", "vehicle": car("B", store_id="S2")}).status_code == 422
    assert change(limited, {"type": "listed", "vehicle": car("B", store_id="S1")}).status_code == 200


def test_a_key_for_some_stores_cannot_take_a_vehicle_of_another_store(app: App, limited: App) -> None:
    before = ids(app)
    answer = put(limited, car("A", price=1000.0), car("U1", price=1000.0), store_id="S1")
    assert answer.status_code == 422
    assert [(d["field"], d["rule"]) for d in answer.json()["error"]["details"]] == [
        ("vehicles.1.vehicle_id", "wrong_store")
    ]
    assert ids(app) == before
    assert put(app, store_id="S2").json()["withdrawn"] == 2  # the other store gives its vehicles up
    assert put(limited, car("U1"), store_id="S1").status_code == 200
    assert "U1" in ids(app)


def test_the_tasks_with_a_stock() -> None:
    assert [n for n in TASKS if getattr(TASKS[n].refresh, "follows_pushed_stock", False)] == ["recommendation"]
    assert (ROOT / "configs" / "recommendation_rules.yaml").read_text().count("made_to_order") == 1


def test_who_owns_the_vehicles(home: Path) -> None:
    from serving.feedback.stock_app import put_stock
    from serving.feedback.store import FeedbackStore

    def owns(yaml: str, name: str = "sources.yaml") -> bool:
        (home / name).write_text(yaml)
        return StockApp(FeedbackStore(f"sqlite:///{home}/feedback.db"), LocalCounters(), home, put_stock).owns_vehicles

    assert owns("tables: {vehicles: {store: feedback}}")
    assert not owns("tables: {vehicles: {csv: cars.csv}}") and not owns("tables: {events: {store: feedback}}")
    assert not owns("tables: {vehicles: {store: 'sqlite:///other.db'}}")
    assert owns("tables: {vehicles: {store: 'sqlite:///feedback.db'}}", "sources.north.yaml")
