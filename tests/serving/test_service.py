"""The service on a real server: answers, refusals, and the change of champion under load."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Lender
from tests.lending import chehang

PATH = "/v1/credit_risk"


@contextmanager
def _server(home: Path) -> Iterator[httpx.Client]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    # MLflow leaves the last store used in this process in the environment.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    env |= {"CHEHANG_HOME": str(home), "CHEHANG_POLL_SECONDS": "0.2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for _ in range(300):
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def client(lender: Lender) -> Iterator[httpx.Client]:
    with _server(lender.home) as client:
        yield client


@pytest.fixture
def example(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get(f"{PATH}/example").json())


def test_an_applicant_is_answered_with_reasons(client: httpx.Client, example: dict[str, Any]) -> None:
    worse = {**example, "bureau_delinquencies_24m": 5, "application_id": "A1"}
    good, bad = client.post(PATH, json=example).json(), client.post(PATH, json=worse).json()
    assert bad["application_id"] == "A1" and bad["model_version"] == 1
    assert bad["probability_of_default"] > good["probability_of_default"] and bad["score"] < good["score"]
    assert bad["reasons"][0]["code"] == "PAST_DUE" and bad["reasons"][0]["zh"] and bad["reasons"][0]["points"] < 0
    assert len(bad["reasons"]) <= 4
    assert client.post(f"{PATH}?explain=false", json=worse).json()["reasons"] is None


def test_batch_equals_one_by_one(client: httpx.Client, example: dict[str, Any]) -> None:
    asked = [{**example, "bureau_delinquencies_24m": n} for n in range(4)]
    batch = client.post(f"{PATH}/batch", json={"items": asked}).json()
    single = [client.post(PATH, json=one).json() for one in asked]
    for one in single:
        one.pop("model_version")
    assert batch["items"] == single


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"loan_amount": "many"}, "loan_amount"),
        ({"loan_amount": -5}, "loan_amount"),
        ({"loan_amount": None}, "loan_amount"),
        ({"term_months": 12.5}, "term_months"),
        ({"housing": "castle"}, "housing"),
    ],
)
def test_422_names_the_field_and_not_its_value(
    client: httpx.Client, example: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    answer = client.post(PATH, json={**example, **change})
    assert answer.status_code == 422
    assert [d["field"] for d in answer.json()["error"]["details"]] == [field]
    assert "castle" not in answer.json()["error"]["message"].replace("'castle'", "castle") or field == "housing"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_must_be_finite(client: httpx.Client, example: dict[str, Any], text: str) -> None:
    body = json.dumps({**example, "loan_amount": 0}).replace('"loan_amount": 0', f'"loan_amount": {text}')
    for path, content in ((PATH, body), (f"{PATH}/batch", f'{{"items": [{body}]}}')):
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 422 and "loan_amount" in answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 5_000, b"\xff\xfe", b'"x"'])
def test_nonsense_bodies_are_422(client: httpx.Client, body: bytes) -> None:
    for path in (PATH, f"{PATH}/batch"):
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422 and answer.json()["error"]["message"]


def test_other_refusals_have_the_same_shape(client: httpx.Client, example: dict[str, Any]) -> None:
    big = client.post(PATH, content=b" " * 1_100_000, headers={"content-type": "application/json"})
    text = client.post(PATH, content=b"{}", headers={"content-type": "text/plain"})
    many = client.post(f"{PATH}/batch", json={"items": [example] * 1_001})
    found = [
        big,
        text,
        many,
        client.get("/nope"),
        client.get(PATH),
        client.post(f"{PATH}?explain=perhaps", json=example),
    ]
    assert [a.status_code for a in found] == [413, 415, 422, 404, 405, 422]
    assert all(set(a.json()["error"]) == {"code", "message", "details"} for a in found)


def test_request_id_is_kept_or_made(client: httpx.Client, example: dict[str, Any]) -> None:
    kept = client.post(PATH, json=example, headers={"x-request-id": "abc-1"})
    made = client.post(PATH, json=example, headers={"x-request-id": "no spaces allowed"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])


def test_metrics_are_labelled_by_known_routes_only(client: httpx.Client, example: dict[str, Any]) -> None:
    client.post(PATH, json=example)
    client.get("/secret-path")
    told = client.get("/metrics").text
    assert f'route="{PATH}",status="200"' in told and 'chehang_model_version{task="credit_risk"} 1.0' in told
    assert "secret-path" not in told and 'route="unmatched",status="404"' in told


def test_openapi_describes_the_champion(client: httpx.Client, example: dict[str, Any]) -> None:
    doc = client.get("/openapi.json").json()
    body = doc["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    schema = doc["components"]["schemas"][body["schema"]["$ref"].split("/")[-1]]
    assert doc["openapi"].startswith("3.1") and schema["additionalProperties"] is False
    assert {"loan_amount", "showroom_visits"} <= set(schema["properties"]) and "loan_amount" in schema["required"]
    assert body["example"] == example


def test_pages_load_nothing_from_outside(client: httpx.Client) -> None:
    for path in ("/", "/docs"):
        page = client.get(path)
        assert page.status_code == 200 and not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", page.text)
        assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.browser
def test_docs_page_shows_the_fields(client: httpx.Client, tmp_path: Path) -> None:
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = ["chromium", *options.split(), f"--user-data-dir={tmp_path}", "--virtual-time-budget=4000", "--dump-dom"]
    told = subprocess.run(
        [*command, f"{client.base_url}/docs"], capture_output=True, text=True, timeout=90, check=False
    )
    assert "loan_amount" in told.stdout and "接口文档" in told.stdout


def test_no_champion_is_503_naming_the_command(tmp_path: Path) -> None:
    with _server(tmp_path) as client:
        for answer in (client.post(PATH, json={}), client.get("/readyz"), client.get(f"{PATH}/example")):
            assert answer.status_code == 503
            assert "chehang promote credit_risk" in answer.json()["error"]["message"]
        assert client.get("/healthz").status_code == 200


def test_champion_changes_under_load_without_a_failed_request(tmp_path: Path, lender: Lender) -> None:
    home = tmp_path / "home"
    chehang("train", "credit_risk", "-c", str(lender.config), home=home)
    chehang("promote", "credit_risk", home=home)
    chehang("train", "credit_risk", "-c", str(lender.config), "--set", "params.boosted_trees.num_leaves=4", home=home)
    with _server(home) as client:
        example = client.get(f"{PATH}/example").json()
        seen: list[tuple[int, int]] = []
        stop = threading.Event()

        def load() -> None:
            with httpx.Client(base_url=client.base_url, timeout=10) as own:
                while not stop.is_set() and len(seen) < 100_000:
                    answer = own.post(PATH, json=example)
                    seen.append((answer.status_code, answer.json().get("model_version", 0)))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        chehang("promote", "credit_risk", "--version", "2", "--force", "--reason", "swap under load", home=home)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not any(v == 2 for _, v in seen[-50:]):
            time.sleep(0.1)
        time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {1, 2} and len(seen) > 200


def test_corrupt_champion_is_refused_and_the_old_one_stays(tmp_path: Path, lender: Lender) -> None:
    home = tmp_path / "home"
    chehang("train", "credit_risk", "-c", str(lender.config), home=home)
    chehang("promote", "credit_risk", home=home)
    chehang("train", "credit_risk", "-c", str(lender.config), "--set", "params.boosted_trees.num_leaves=4", home=home)
    with _server(home) as client:
        example = client.get(f"{PATH}/example").json()
        victims = sorted((home / "artifacts").rglob("learner.booster_0.txt"), key=lambda p: p.stat().st_mtime)
        kept = victims[-1].read_bytes()
        chehang(
            "promote",
            "credit_risk",
            "--version",
            "2",
            "--force",
            "--reason",
            "test",
            home=tmp_path / "other",
            check=False,
        )
        shutil.copytree(victims[-1].parent, tmp_path / "whole")
        chehang("promote", "credit_risk", "--version", "2", "--force", "--reason", "test", home=home)
        chehang("rollback", "credit_risk", home=home)
        time.sleep(1)
        victims[-1].write_bytes(kept + b" ")
        moved = chehang(
            "promote", "credit_risk", "--version", "2", "--force", "--reason", "test", home=home, check=False
        )
        assert moved.returncode == 1 and "checksum" in moved.stderr
        assert client.post(PATH, json=example).json()["model_version"] == 1
