"""A storefront without a data warehouse pushes stock and events, and trains, serves and evaluates from these alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.conftest import ROOT
from tests.serving.running import WITH_KEY, Server, serving, until

SOURCES = "tables: {events: {store: feedback}, vehicles: {store: feedback}, exposures: {store: feedback}}\n"
BATCH = 1_000


def run(home: Path, *arguments: str) -> str:
    """Run a command; it must succeed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "CHEHANG_"))}
    environment |= {"CHEHANG_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "chehang", *arguments]
    result = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def sent(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON content: instants as text, without null."""
    texts = {n: v.isoformat() if isinstance(v, datetime) else v for n, v in row.items()}
    return {n: v for n, v in texts.items() if v is not None}


def vehicles(tables: Path) -> list[dict[str, Any]]:
    rows = pl.read_parquet(tables / "vehicles.parquet").with_columns(pl.col("price", "cost") / 100)
    return [sent(row) for row in rows.iter_rows(named=True)]


def events(tables: Path) -> list[dict[str, Any]]:
    """Return what the sample dealership's visitors did, and the pages that they were shown."""
    rows = pl.read_parquet(tables / "events.parquet").filter(pl.col("event_type") != "impression")
    actions = rows.rename({"event_type": "type", "event_at": "at"})
    pages = pl.read_parquet(tables / "exposures.parquet").group_by("request_id", maintain_order=True).agg(pl.all())
    shown = []
    for page in pages.iter_rows(named=True):
        cards = zip(page["vehicle_id"], page["place"], page["propensity"], strict=True)
        cars = [{"vehicle_id": v, "place": p, "propensity": q} for v, p, q in cards]
        names = ("visitor_id", "store_id", "model_version")
        one = {n: page[n][0] for n in names} | {"at": page["shown_at"][0], "request_id": page["request_id"]}
        shown.append(sent({"type": "shown", "event_id": f"p-{page['request_id']}", **one}) | {"vehicles": cars})
    return [*(sent(row) for row in actions.iter_rows(named=True)), *shown]


def push(server: Server, items: list[dict[str, Any]]) -> int:
    """Send events in batches; return how many are stored."""
    stored = 0
    for start in range(0, len(items), BATCH):
        answer = server.client.post("/v1/events", json={"events": items[start : start + BATCH]})
        assert answer.status_code == 200 and not answer.json()["refused"], answer.text[:500]
        stored += answer.json()["stored"]
    return stored


@pytest.mark.slow
def test_a_storefront_trains_from_what_it_sends(tmp_path: Path) -> None:
    home, configs = tmp_path / "home", tmp_path / "configs"
    home.mkdir()
    configs.mkdir()
    run(home, "sample-data", "--stores", "2", "--customers", "2500", "--months", "8")
    tables = home / "sample" / "tables"
    config = yaml.safe_load((ROOT / "configs" / "recommendation.yaml").read_text())
    config["params"]["ranker"]["n_estimators"] = 60
    config["gate"] = {"ndcg_at_10": {"at_least": 0.0}}
    config |= {"bootstraps": 50, "split": {"train": 0.5, "calibrate": 0.1, "test": 0.4}}
    (configs / "recommendation.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    (configs / "sources.yaml").write_text(SOURCES)
    task = ("recommendation", "--config", str(configs / "recommendation.yaml"))
    cars, actions = vehicles(tables), events(tables)
    options = {"CHEHANG_CONFIGS": str(configs), "CHEHANG_WORKERS": "2", "CHEHANG_KEY_RATE": "10000"}
    with serving(home, tmp_path / "server.log", ready=False, **options) as server:
        answer = server.client.put("/v1/stock", json={"vehicles": cars})
        assert answer.status_code == 200 and answer.json()["added"] == len(cars), answer.text[:500]
        assert push(server, actions) == len(actions)
        assert push(server, actions[: 2 * BATCH]) == 0  # a retry
        run(home, "train", *task)
        run(home, "promote", *task)
        until(lambda: server.ready, seconds=60)
        check_pages(server, tables)
        report = json.loads(run(home, "evaluate", *task, "--logged", "--json"))
    protocol = report["protocol"]
    assert "exposures" in protocol and {"reward_dr", "reward_snips", "reward_ips"} <= {
        row["name"] for section in report["sections"] for row in section.get("rows", []) if "name" in row
    }


def check_pages(server: Server, tables: Path) -> None:
    """Both workers answer with the pushed stock, and without a car from the request after its sale."""
    import httpx

    def page(**body: Any) -> dict[str, Any]:
        # A connection of its own for each request, so that both workers answer.
        answer = httpx.post(f"{server.url}/v1/recommendation", json={"n": 10, **body}, headers=WITH_KEY)
        assert answer.status_code == 200, answer.text
        return dict(answer.json(), request_id=answer.headers["x-request-id"])

    unsold = pl.read_parquet(tables / "vehicles.parquet").filter(pl.col("sold_at").is_null())
    first = page(visitor_id="W1")
    assert {card["vehicle_id"] for card in first["items"]} <= set(unsold["vehicle_id"])
    shown = [{n: card[n] for n in ("vehicle_id", "place", "propensity")} for card in first["items"]]
    used = [card["vehicle_id"] for card in first["items"] if card["condition"] == "used"][:1]
    body = {"type": "shown", "event_id": "live-1", "at": datetime.now().astimezone().isoformat(), "visitor_id": "W1"}
    live = {**body, "request_id": first["request_id"], "model_version": first["model_version"], "vehicles": shown}
    assert push(server, [live]) == 1
    for name in used or [first["items"][0]["vehicle_id"]]:
        change = {"changes": [{"type": "sold", "vehicle_id": name}]}
        assert server.client.post("/v1/stock/changes", json=change).status_code == 200
        for number in range(20):
            assert name not in {card["vehicle_id"] for card in page(n=200, visitor_id=f"W{number}")["items"]}
    later = page(visitor_id="W1", page_token=first["next_page_token"])
    assert not {c["vehicle_id"] for c in first["items"]} & {c["vehicle_id"] for c in later["items"]}
