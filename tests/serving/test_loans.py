"""Loans on a real server: offered, scheduled and disclosed over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serving.running import JSON, Server

VEHICLE = {"price": 150_000.0, "condition": "new", "energy_type": "combustion"}
PATHS = ("loans/offers", "loans/schedule", "loans/disclosure")


@pytest.mark.parametrize("path", PATHS)
def test_its_example_is_answered(client: httpx.Client, path: str) -> None:
    example = client.get(f"/v1/{path}/example").json()
    answer = client.post(f"/v1/{path}", json=example)
    assert answer.status_code == 200, answer.text
    versions = {"loans/offers": {"credit_risk": 1, "residual_value": 1}}
    assert answer.json().get("model_versions") == versions.get(path)


def test_the_disclosure_is_a_page_for_callers_that_accept_html(client: httpx.Client) -> None:
    path = "/v1/loans/disclosure"
    example = client.get(f"{path}/example").json()
    answer = client.post(path, json=example, headers={"accept": "text/html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "综合融资成本" in answer.text and "<script" not in answer.text


def test_the_entries_of_the_form_are_printed_and_neither_logged_nor_quoted_by_an_error(server: Server) -> None:
    client, path, names = server.client, "/v1/loans/disclosure", ("王小明", "330106199203150037", "LSVAA4182E2123456")
    form = dict(zip(("borrower", "borrower_id", "vin"), names, strict=True))
    example = client.get(f"{path}/example").json()
    page = client.post(path, json={**example, "form": form}, headers={"accept": "text/html"}).text
    assert all(name in page for name in names)
    assert client.post(path, json={**example, "form": form}).json()["form"]["borrower_id"] == names[1]
    errors = [
        client.post(path, json={**example, "form": {**form, "vin": names[2] * 9}}),
        client.post(path, json={**example, "form": form, "annual_rate": 0.01}),
    ]
    assert [error.status_code for error in errors] == [422, 422]
    assert errors[0].json()["error"]["message"].startswith("form.vin: ")
    text = server.log.read_text(encoding="utf-8") + "".join(error.text for error in errors)
    assert not [name for name in names if name in text]


def test_a_schedule_quotes_settlement_prepayment_and_leaving(client: httpx.Client) -> None:
    path = "/v1/loans/schedule"
    quotes = {
        "settle_on": "2027-03-15",
        "prepay": {"on": "2027-03-01", "amount": 20_000.0, "treatment": "shorter_term"},
        "leave": {"after_months": 24, "resale_value": 60_000.0},
    }
    answer = client.post(path, json={**client.get(f"{path}/example").json(), **quotes})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["settlement"]["total"] > body["settlement"]["outstanding"]
    assert body["prepayment"]["rows"][0]["number"] == 7 and len(body["prepayment"]["rows"]) < 30
    assert body["leaving"]["equity"] == round(60_000 - body["leaving"]["settlement"]["total"], 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"annual_rate": 0.01}, "annual_rate: product 'bank_standard' on 2026-09-01 has the rates"),
        ({"nonsense": 1}, "nonsense"),
        ({"term_months": "x"}, "term_months"),
        ({"amount": -5}, "amount"),
        ({"on": "1999-13-01"}, "on"),
        ({"prepay": {"on": "2027-03-01", "amount": 20_000.0, "treatment": "none"}}, "prepay.treatment"),
        ({"prepay": {"on": "2027-03-01", "amount": 1.0, "treatment": "shorter_term"}}, "prepay: amount"),
        ({"leave": {"after_months": 0}}, "leave.after_months"),
        ({"extras": [{"name": "a\nb", "kind": "other", "amount": 1.0}]}, "U+000A at position 2: remove it"),
        ({"private_use": False, "vehicle": VEHICLE}, "private_use must agree with vehicle.use 'private', got false"),
    ],
)
def test_an_invalid_field_is_one_error(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    path = "/v1/loans/schedule"
    answer = client.post(path, json={**client.get(f"{path}/example").json(), **change})
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]


def test_fields_given_twice_are_refused_at_any_depth(client: httpx.Client) -> None:
    example = client.get("/v1/loans/offers/example").json()
    body = httpx.Request("POST", "http://x", json=example).content.replace(b'"price":', b'"price":1,"price":')
    answer = client.post("/v1/loans/offers", content=body, headers=JSON)
    assert answer.status_code == 422 and "more than once" in answer.text


def test_all_are_described(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert {f"/v1/{path}" for path in PATHS} <= set(described)
    assert described["/v1/loans/offers"]["post"]["requestBody"]["content"]["application/json"]["example"]
