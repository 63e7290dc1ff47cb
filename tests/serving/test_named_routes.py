"""Routes of named models: `/v1/credit_risk.north` and its further paths, names that do not exist, and later ones."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml import champions
from ml.demand_forecast.orders import ORDERS
from ml.endpoint import Endpoint, no_rules
from ml.registry import TASKS
from serving.api import build_app
from serving.endpoints import MountedEndpoint, mounted_endpoints
from serving.guard import Guard, routes_of
from serving.metrics import REGISTRY
from serving.metrics.exposition import exposition
from serving.model_store import ModelStore
from serving.named_routes import NamedRoutes, named_endpoints
from serving.settings import Settings
from tests.conftest import ROOT, Trained
from tests.serving.in_process import Amount, Champions, Doubled, application, ask, champion, double, doubling, problem
from training import tracking

NORTH = "credit_risk.north"
LOADED = {"credit_risk": champion(), NORTH: champion(NORTH, version=7)}


def test_a_named_model_answers_at_its_own_paths() -> None:
    app = application(LOADED)
    body = b'{"amount": 2}'
    answers = {path: ask(app, path, body).json() for path in ("/v1/credit_risk", f"/v1/{NORTH}")}
    assert answers == {
        "/v1/credit_risk": {"amount": 4, "explained": True, "model_version": 3},
        f"/v1/{NORTH}": {"amount": 4, "explained": True, "model_version": 7},
    }
    batch = ask(app, f"/v1/{NORTH}/batch?explain=false", b'{"items": [{"amount": 1}, {"amount": 2}]}').json()
    assert [item["amount"] for item in batch["items"]] == [2, 4] and batch["model_version"] == 7
    assert ask(app, f"/v1/{NORTH}/example").json() == {"amount": 21}
    assert problem(ask(app, f"/v1/{NORTH}", b'{"amount": -1}'), 422)["code"] == "invalid"


def test_a_further_endpoint_reads_the_champion_of_its_own_model_and_the_unnamed_ones_of_other_tasks() -> None:
    calls: list[dict[str, int]] = []

    def respond(rules: Any, loaded: Any, requests: Any, explain: bool) -> list[Doubled]:
        calls.append({task: one.version for task, one in loaded.items()})
        return double(rules, loaded, requests, explain)

    further: Endpoint[Any, Any, Any] = Endpoint(
        path="further", summary={"zh": "", "en": ""}, request=lambda loaded: Amount, response=Doubled, respond=respond,
        example=lambda loaded: {"amount": 1}, rules=no_rules, required_tasks=("residual_value",),
    )  # fmt: skip
    loaded = {**LOADED, "residual_value": champion("residual_value", version=2)}
    app = application(loaded, [MountedEndpoint("credit_risk", further)])
    answer = ask(app, f"/v1/{NORTH}/further", b'{"amount": 2}').json()
    assert answer["model_versions"] == {NORTH: 7, "residual_value": 2}
    assert calls == [{"credit_risk": 7, "residual_value": 2}]


@pytest.mark.parametrize("body", [None, b'{"amount": 2}'])
def test_a_name_that_does_not_exist_is_404_and_lists_those_that_do(body: bytes | None) -> None:
    error = problem(ask(application(LOADED), "/v1/credit_risk.nort/example", body), 404)
    assert error["code"] == "no_model" and error["message"] == (
        "credit_risk has no model of this data set; its models are: credit_risk, credit_risk.north"
    )
    error = problem(ask(application(LOADED), "/v1/loans.north/offers", body), 404)
    assert error["message"] == "loans has no models of data sets; its paths begin with /v1/loans/"
    for path in ("/v1/nothing.north", f"/v1/{NORTH}/nothing", f"/v2/{NORTH}", "/v1/credit_risk.", f"/v1/{NORTH}."):
        assert problem(ask(application(LOADED), path, body), 404)["code"] in ("not_found", "no_model"), path


def test_another_method_is_405() -> None:
    app = application(LOADED)
    answer = ask(app, f"/v1/{NORTH}")
    assert problem(answer, 405)["code"] == "wrong_method" and answer.headers["allow"] == "POST"
    assert ask(app, f"/v1/{NORTH}/example", b"{}").headers["allow"] == "GET"


def test_a_named_model_without_a_champion_is_503_and_says_which_command_promotes() -> None:
    store = Champions({"credit_risk": champion()})
    store._names = (NORTH,)
    app = build_app(store, Settings(), [doubling("credit_risk")])
    error = problem(ask(app, f"/v1/{NORTH}", b'{"amount": 2}'), 503)
    assert error["message"] == f"{NORTH} has no champion; promote a trained version with: chehang promote {NORTH}"
    assert ask(app, "/readyz").json()["without_champion"][-1] == NORTH
    loading = build_app(ModelStore(poll_seconds=60), Settings(), [doubling("credit_risk")])
    error = problem(ask(loading, f"/v1/{NORTH}", b'{"amount": 2}'), 503)
    assert error["message"] == f"the champion of {NORTH} is being loaded; try again in a few seconds"


def test_operators_see_the_named_models() -> None:
    app = application(LOADED)
    assert ask(app, "/readyz").json()["champions"] == {"credit_risk": 3, NORTH: 7}
    document = ask(app, "/openapi.json").json()
    assert {f"/v1/{NORTH}", f"/v1/{NORTH}/batch", f"/v1/{NORTH}/example"} <= set(document["paths"])
    assert NORTH in [tag["name"] for tag in document["tags"]]
    identifiers = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(identifiers) == len(set(identifiers))


def test_only_names_that_exist_are_labels_of_the_metrics() -> None:
    app: Any = application(LOADED)
    routes = routes_of(app)
    named = routes["named"]
    guard = Guard(app, max_body_bytes=100, max_bulk_bytes=100, timeout_seconds=5, **routes)
    assert isinstance(named, NamedRoutes) and named.post_app("/v1/credit_risk.nort") is None
    for name in (NORTH, "credit_risk.nort"):
        ask(guard, f"/v1/{name}", b'{"amount": 2}')
    unsupported = ask(guard, f"/v1/{NORTH}", b"x", **{"content-type": "text/plain"})
    assert problem(unsupported, 415)["code"] == "not_json"
    text = exposition(REGISTRY).decode()
    assert f'route="/v1/{NORTH}"' in text and 'nort"' not in text


def test_rules_of_the_data_set_come_first(tmp_path: Path) -> None:
    own = [MountedEndpoint("demand_forecast", ORDERS)]
    (mounted,) = named_endpoints(own, "demand_forecast.north")
    assert mounted.path == "/v1/demand_forecast.north/orders"
    shutil.copy(ROOT / "configs" / "order_planning.yaml", tmp_path / "order_planning.yaml")
    (tmp_path / "order_planning.north.yaml").write_text("lead_days: 3")
    assert [ORDERS.rules(tmp_path, name).lead_days for name in ("", "north", "south")] == [21, 3, 21]


def test_a_model_that_is_registered_later_is_served_without_a_restart(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(credit_risk.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = ModelStore(poll_seconds=60)
    store.load_champions()
    app = build_app(store, Settings(), mounted_endpoints())
    example = ask(app, "/v1/credit_risk/example").content
    assert problem(ask(app, f"/v1/{NORTH}", example), 404)["message"].endswith("its models are: credit_risk")

    model = champions.load(champions.version("credit_risk", 1))
    tracking.register(replace(model, task=TASKS[NORTH]), metrics={}, params={}, tags={})
    store.refresh()
    assert store.names == (NORTH,)
    assert f"chehang promote {NORTH}" in problem(ask(app, f"/v1/{NORTH}", example), 503)["message"]
    champions.promote(NORTH, 1, who="a test", reason="the same model", force=True)
    store.refresh()
    both = [ask(app, f"/v1/{name}", example).json() for name in ("credit_risk", NORTH)]
    assert both[0] == both[1] and both[1]["model_version"] == 1
    document = ask(app, "/openapi.json").json()
    body = document["paths"][f"/v1/{NORTH}"]["post"]["requestBody"]["content"]["application/json"]
    reference = body["schema"]["$ref"].rpartition("/")[2]
    assert "loan_amount" in document["components"]["schemas"][reference]["properties"]
    assert body["example"] == json.loads(example)
