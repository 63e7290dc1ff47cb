"""Endpoints without a server: required champions, refused requests, and disabled endpoints."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from features.errors import ConfigError, DataError, FeatureError
from ml.endpoint import Endpoint, no_rules, respond_each_by_rules
from ml.registry import TASKS
from serving.api import build_app
from serving.endpoints import MountedEndpoint, SingleApp, mounted_endpoints
from serving.openapi import describe
from serving.settings import Settings
from tests.conftest import ROOT
from tests.serving.in_process import Amount, Champions, application, ask, champion, problem


class Sum(BaseModel):
    """An answer."""

    total: int


def endpoint(owner: str = "sums", **parts: Any) -> MountedEndpoint:
    """Return an endpoint that adds its rules and the champions' versions to the amount; 13 is refused."""

    def answer(rules: Any, champions: Any, request: Any) -> Sum:
        if request.amount == 13:
            raise DataError("13 is above the limit of product p1")
        if request.amount == 14:
            raise FeatureError("amount", "is above the stock")
        return Sum(total=request.amount + (rules or 0) + sum(c.version for c in champions.values()))

    defaults: dict[str, Any] = {
        "path": "up", "summary": {"en": "Sums", "zh": "和"}, "request": lambda champions: Amount, "response": Sum,
        "respond": respond_each_by_rules(answer), "example": lambda champions: {"amount": 1}, "rules": no_rules,
        "public_errors": True,
    }  # fmt: skip
    return MountedEndpoint(owner, Endpoint(**{**defaults, **parts}))


TWO_TASKS = {"required_tasks": ("credit_risk",), "optional_tasks": ("residual_value",)}
CHAMPIONS = {"credit_risk": champion(version=10), "residual_value": champion("residual_value", version=100)}


@pytest.mark.parametrize(
    ("parts", "present", "total", "versions"),
    [
        ({}, ("credit_risk", "residual_value"), 5, {}),
        ({"required_tasks": ("credit_risk",)}, ("credit_risk", "residual_value"), 15, {"model_version": 10}),
        (
            TWO_TASKS,
            ("credit_risk", "residual_value"),
            115,
            {"model_versions": {"credit_risk": 10, "residual_value": 100}},
        ),
        (TWO_TASKS, ("credit_risk",), 15, {"model_versions": {"credit_risk": 10}}),
    ],
)
def test_an_endpoint_reads_its_required_and_optional_champions(
    parts: dict[str, Any], present: tuple[str, ...], total: int, versions: dict[str, Any]
) -> None:
    app = application({n: CHAMPIONS[n] for n in present}, [endpoint(**parts)])
    assert ask(app, "/v1/sums/up", b'{"amount": 5}').json() == {"total": total} | versions
    assert ask(app, "/v1/sums/up/example").json() == {"amount": 1}


def test_the_error_names_a_missing_required_champion() -> None:
    app = application({}, [endpoint(required_tasks=("residual_value",))])
    for path, body in (("/v1/sums/up", b'{"amount": 5}'), ("/v1/sums/up/example", None)):
        error = problem(ask(app, path, body), 503)
        assert error["code"] == "no_champion" and "chehang promote residual_value" in error["message"]


def test_the_error_has_the_reason_or_the_field() -> None:
    app = application({}, [endpoint()])
    error = problem(ask(app, "/v1/sums/up", b'{"amount": 13}'), 422)
    assert (error["code"], error["message"]) == ("not_possible", "13 is above the limit of product p1")
    assert problem(ask(app, "/v1/sums/up", b'{"amount": 1, "amount": 2}'), 422)["details"][0]["rule"] == "repeated"
    assert problem(ask(app, "/v1/sums/up", b'{"amount": "x"}'), 422)["details"][0]["field"] == "amount"


@pytest.mark.parametrize("public_errors", [True, False])
def test_an_error_of_one_field_names_it_in_the_details(public_errors: bool) -> None:
    app = application({}, [endpoint(public_errors=public_errors)])
    error = problem(ask(app, "/v1/sums/up", b'{"amount": 14}'), 422)
    detail = {"field": "amount", "rule": "not_computable", "message": "is above the stock"}
    assert error == {"code": "invalid", "message": "amount: is above the stock", "details": [detail]}


def test_the_style_of_a_page_is_allowed_by_its_hash_and_no_other() -> None:
    html = "<style>p { margin: 0 }</style><p style='color: red'></p><style>q {}</style>"
    app = application({}, [endpoint(page=lambda answer: html)])
    policy = ask(app, "/v1/sums/up", b'{"amount": 5}', accept="text/html").headers["content-security-policy"]
    digest = b64encode(hashlib.sha256(b"p { margin: 0 }").digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_a_page_is_sent_to_callers_that_accept_html() -> None:
    app = application({}, [endpoint(page=lambda answer: f"<p>合计 {answer.total}</p>")])
    page = ask(app, "/v1/sums/up", b'{"amount": 5}', accept="text/html")
    assert page.text == "<p>合计 5</p>" and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert ask(app, "/v1/sums/up", b'{"amount": 5}', accept="application/json").json() == {"total": 5}
    bare = application({}, [endpoint()])
    assert ask(bare, "/v1/sums/up", b'{"amount": 5}', accept="text/html").json() == {"total": 5}


def test_the_request_model_is_rebuilt_only_when_a_champion_changes() -> None:
    made: list[list[int]] = []

    def request(champions: Any) -> type[BaseModel]:
        made.append([c.version for c in champions.values()])
        return Amount

    single = SingleApp(
        endpoint(required_tasks=("credit_risk",), request=request), Champions(CHAMPIONS), None, max_rows=1
    )
    for version in (10, 10, 11):
        single.store = Champions({"credit_risk": champion(version=version)})
        assert asyncio.run(single.schema(single.champions())).model is Amount
    assert made == [[10], [11]]


def test_an_endpoint_of_a_task_requires_its_champion_and_is_below_its_path() -> None:
    mounted = endpoint("residual_value", required_tasks=("credit_risk",))
    assert mounted.path == "/v1/residual_value/up" and mounted.required_tasks == ("residual_value", "credit_risk")
    own = MountedEndpoint("residual_value", TASKS["residual_value"].endpoint)
    assert (own.name, own.path, own.required_tasks) == ("residual_value", "/v1/residual_value", ("residual_value",))
    assert [own.version_field, mounted.version_field, endpoint().version_field] == [
        "model_version", "model_versions", None,
    ]  # fmt: skip


def test_the_text_of_a_data_error_is_not_sent_unless_the_endpoint_allows_it() -> None:
    message = problem(ask(application({}, [endpoint(public_errors=False)]), "/v1/sums/up", b'{"amount": 13}'), 422)
    assert message["code"] == "invalid" and "cannot compute" in message["message"] and "p1" not in str(message)


def broken(configs: Path) -> None:
    """Raise the error of invalid rules."""
    raise ConfigError("/srv/configs/rules.yaml: rate: wrong")


def test_a_disabled_endpoint_answers_503_on_all_its_paths_the_log_has_the_reason_and_the_others_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disabled = endpoint("loans", path="offers", rules=broken, max_rows=None, required_tasks=("fault_rate",))
    app = application(None, [endpoint(rules=lambda configs: 100), disabled])
    for path, body in (("offers", b"{}"), ("offers/batch", b"{}"), ("offers/example", None)):
        error = problem(ask(app, f"/v1/loans/{path}", body), 503)
        assert error["code"] == "endpoint_disabled"
        assert error["message"].startswith("loans/offers is disabled, because its rules are invalid; the log of")
        assert "/srv" not in str(error) and "rate" not in str(error), "an outsider sees no path and no rule"
    assert "loans/offers is disabled: /srv/configs/rules.yaml: rate: wrong" in caplog.text
    assert ask(app, "/v1/sums/up", b'{"amount": 5}').json() == {"total": 105}
    assert ask(app, "/v1/credit_risk", b'{"amount": 5}').status_code == 200


def test_rules_that_endpoints_share_are_read_once_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    folders: list[Path] = []

    def rules(configs: Path) -> int:
        folders.append(configs)
        return 10

    endpoints = [endpoint(path=path, rules=rules) for path in ("up", "down")]
    app = application({}, endpoints, configs=tmp_path)
    assert ask(app, "/v1/sums/down", b'{"amount": 5}').json() == {"total": 15}
    assert folders == [tmp_path]


def test_invalid_rules_disable_only_the_endpoints_that_use_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs, ignore=shutil.ignore_patterns("examples"))
    rules = configs / "loans" / "rules.yaml"
    rules.write_text(rules.read_text().replace("commercial_combustion: 0.70", "commercial_steam: 0.70", 1))
    app = build_app(Champions({}), Settings(configs=configs))
    for path in ("offers", "schedule", "disclosure"):
        assert problem(ask(app, f"/v1/loans/{path}", b"{}"), 503)["code"] == "endpoint_disabled"
        assert f"loans/{path} is disabled: {rules}: loan_to_value.0.maximum.commercial_steam" in caplog.text
    for mounted in mounted_endpoints():
        if mounted.owner != "loans":
            assert problem(ask(app, mounted.path, b"{}"), 503)["code"] == "no_champion", mounted.path
    shipped = build_app(Champions({}), Settings(configs=ROOT / "configs"))
    for path in ("schedule", "disclosure"):
        assert ask(shipped, f"/v1/loans/{path}/example").status_code == 200


def test_an_endpoint_with_its_champions_is_described_with_its_example() -> None:
    mounted = endpoint(required_tasks=("credit_risk",))
    here = describe(CHAMPIONS, [mounted], max_rows=9)["paths"]["/v1/sums/up"]["post"]
    body = here["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/Amount"}, "example": {"amount": 1}}
    assert (here["summary"], here["description"]) == ("Sums", "和") and "parameters" not in here
    assert (here["operationId"], here["tags"]) == ("sums_up", ["sums"])
    gone = describe({}, [mounted], max_rows=9)["paths"]["/v1/sums/up"]["post"]
    assert gone["requestBody"]["content"]["application/json"] == {"schema": {"type": "object"}}
