"""The service answers while its champion changes, is damaged or cannot be fetched."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mlflow import MlflowClient

from ml import champions
from tests.serving.running import JSON, PATH, WITH_KEY, Server, serving, until
from training import tracking
from training.config import load_config
from training.train import train

if TYPE_CHECKING:
    from tests.conftest import Trained

TASK = "credit_risk"


@pytest.fixture(scope="module")
def shop(credit_risk: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a store of its own: version 1 is champion, 2 and 3 are the same model registered again."""
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(folder / "home"))
        worth = "params.derived.worth={product: [showroom_visits, loan_amount]}"
        done = train(load_config(TASK, credit_risk.config, settings=[worth]))
        model = champions.load(done.version)
        for _ in range(2):
            tracking.register(model, metrics=done.version.metrics, params={}, tags={})
        champions.promote(TASK, 1, who="a test", reason="first", force=True)
        with serving(folder / "home", folder / "server.log") as shop:
            yield shop


@pytest.fixture(autouse=True)
def first(shop: Server) -> None:
    """Each test begins with version 1."""
    _point_to(shop, 1)
    until(lambda: shop.ready and shop.answer()["model_version"] == 1)


def _point_to(shop: Server, version: int) -> None:
    """Move the alias past the gate, as another tool would."""
    uri = f"sqlite:///{shop.home / 'mlflow.db'}"
    MlflowClient(tracking_uri=uri, registry_uri=uri).set_registered_model_alias(TASK, "champion", str(version))


def _files(shop: Server, version: int) -> Path:
    """Where a version's own files lie."""
    uri = f"sqlite:///{shop.home / 'mlflow.db'}"
    store = MlflowClient(tracking_uri=uri, registry_uri=uri)
    return Path(store.get_model_version_download_uri(TASK, str(version))) / "data" / "model"


def test_a_damaged_champion_is_refused_once_and_the_old_one_answers(shop: Server) -> None:
    victim = _files(shop, 2) / "learner.booster_0.txt"
    whole, before = victim.read_bytes(), shop.metric("chehang_models_refused_total")
    victim.write_bytes(whole.replace(b"1", b"2", 1))
    try:
        _point_to(shop, 2)
        until(lambda: shop.metric("chehang_models_refused_total") == before + 1)
        time.sleep(1)  # five looks at the alias
        assert shop.answer()["model_version"] == 1 and shop.ready
        assert shop.metric("chehang_models_refused_total") == before + 1, "its files are not fetched again"
        assert shop.metric("chehang_model_version") == 1
        errors = [line for line in shop.log.read_text().splitlines() if "version 2 cannot be loaded" in line]
        assert len(errors) == 1 and "checksum" in errors[0] and "present champion continues" in errors[0]
        _point_to(shop, 3)
        until(lambda: shop.answer()["model_version"] == 3)
    finally:
        victim.write_bytes(whole)


def test_loading_is_retried_until_the_files_can_be_fetched(shop: Server) -> None:
    files, before = _files(shop, 2).parents[1], shop.metric("chehang_models_refused_total")
    away = files.with_name("away")
    files.rename(away)
    try:
        _point_to(shop, 2)
        until(lambda: shop.metric("chehang_models_refused_total") >= before + 2)
        assert shop.answer()["model_version"] == 1
    finally:
        away.rename(files)
    until(lambda: shop.answer()["model_version"] == 2)
    assert "loading is retried" in shop.log.read_text()


def test_the_loaded_champion_answers_while_the_store_is_away(shop: Server) -> None:
    database, away = shop.home / "mlflow.db", shop.home / "away.db"
    database.rename(away)
    try:
        until(lambda: shop.metric("chehang_store_errors_total") >= 1)
        assert shop.answer()["model_version"] == 1 and shop.ready
        assert shop.log.read_text().count("model store cannot be read") == 1
        assert not database.exists(), "looking for a store must not make an empty one"
    finally:
        away.rename(database)
    _point_to(shop, 2)
    until(lambda: shop.answer()["model_version"] == 2)


def test_swap_and_rollback_under_load_fail_no_request(shop: Server) -> None:
    body, answers, stop = shop.example(), [], threading.Event()

    def ask(query: str) -> None:
        with httpx.Client(base_url=shop.url, timeout=20, headers=WITH_KEY) as own:
            while not stop.is_set():
                answer = own.post(PATH + query, json=body)
                answers.append((answer.status_code, answer.json().get("model_version")))

    threads = [threading.Thread(target=ask, args=(q,)) for q in ("", "", "?explain=false", "?explain=false")]
    for thread in threads:
        thread.start()
    try:
        champions.promote(TASK, 2, who="a test", reason="swap under load", force=True)
        until(lambda: (200, 2) in answers[-20:])
        assert champions.roll_back(TASK, who="a test").version == 1
        until(lambda: answers[-1] == (200, 1))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    versions = [version for _, version in answers]
    assert {status for status, _ in answers} == {200} and set(versions) == {1, 2}
    assert versions[0] == 1 and len(answers) > 100
    assert shop.metric("chehang_model_version") == 1, "the one that answers, not the highest"


@pytest.mark.wrk
def test_swap_and_rollback_fail_no_request_of_a_load_generator(shop: Server, tmp_path: Path) -> None:
    script = tmp_path / "post.lua"
    (tmp_path / "body.json").write_bytes(shop.client.get(f"{PATH}/example").content)
    script.write_text(
        f'wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "{WITH_KEY["authorization"]}"\n'
        f'wrk.body = io.open("{tmp_path / "body.json"}"):read("*a")\n'
    )
    command = ["wrk", "-t1", "-c8", "-d6s", "--timeout", "10s", "-s", str(script), f"{shop.url}{PATH}?explain=false"]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    swaps = shop.metric("chehang_model_swaps_total")
    for version in (2, 3, 1):
        time.sleep(0.5)
        _point_to(shop, version)
        until(lambda version=version: shop.answer()["model_version"] == version)  # type: ignore[misc]
        assert load.poll() is None, "the change came while requests were in flight"
    output, _ = load.communicate(timeout=30)
    assert shop.metric("chehang_model_swaps_total") == swaps + 3
    assert "Non-2xx" not in output and "Socket errors" not in output and "Requests/sec" in output, output


def test_an_overflow_is_422_and_names_the_feature(shop: Server) -> None:
    wrong: dict[str, Any] = {**shop.example(), "showroom_visits": 1.7e308}
    for path, body in ((PATH, wrong), (f"{PATH}?explain=false", wrong), (f"{PATH}/batch", {"items": [wrong]})):
        answer = shop.client.post(path, json=body, headers=JSON)
        assert answer.status_code == 422, answer.text
        details = answer.json()["error"]["details"]
        assert details[0]["field"] == "worth" and "showroom_visits, loan_amount" in details[0]["message"]
        assert "e+308" not in answer.text and "e308" not in answer.text
