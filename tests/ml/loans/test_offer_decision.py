"""The decision log keeps every offer that was shown, and a preview names none of them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_core import to_json

from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import ENDPOINTS, FILES
from ml.loans.offer_decision import BINDING_FIELDS, decision
from ml.loans.offers_endpoint import LoanOffersAnswer
from tests.conftest import ROOT
from tests.ml.loans.test_offers_endpoint import respond

APPLICATION = SimpleNamespace(borrower=SimpleNamespace(store_id="S0001"))


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def content(answer: LoanOffersAnswer) -> dict[str, Any]:
    return dict(json.loads(to_json(decision(APPLICATION, answer))))


def test_every_offer_is_listed_with_its_id_and_last_day(lending: Lending) -> None:
    answer = respond(lending)
    log = content(answer)
    assert (log["outcome"], log["band"], log["store_id"]) == ("offers", "approve", "S0001")
    assert log["probability_of_default"] == 0.005 and log["reasons"] is None
    assert [offer["offer_id"] for offer in log["offers"]] == [offer.offer_id for offer in answer.offers]
    first = log["offers"][0]
    assert first["shown_in"] == "offers" and first["valid_until"] == "2026-09-08"
    assert (first["product"], first["monthly_payment"]) == (answer.offers[0].product, answer.offers[0].monthly_payment)
    assert set(first["product_name"]) == {"zh", "en"}


def test_offers_of_changes_and_of_a_wished_payment_are_decisions_too(lending: Lending) -> None:
    cheaper = {"vehicle_id": "V2", "price": 90_000, "condition": "new", "energy_type": "combustion"}
    answer = respond(lending, times=6.0, stock=[cheaper], for_payment={"monthly_payment": 2_500, "solve": "price"})
    log = content(answer)
    places = [offer["shown_in"] for offer in log["offers"]]
    assert answer.for_payment is not None
    assert places.count("changes") == len(answer.changes) > 0
    assert places.count("for_payment") == len(answer.for_payment.loans) > 0
    assert log["band"] == "refer"


def test_no_offer_is_an_outcome_with_the_rules_that_exclude_it(lending: Lending) -> None:
    log = content(respond(lending, times=14.0))
    assert (log["outcome"], log["band"]) == ("no_offers", "decline")
    assert log["violations"]["credit_decision"] > 0


def test_a_preview_has_no_id_of_an_offer_anywhere(lending: Lending) -> None:
    cheaper = {"vehicle_id": "V2", "price": 90_000, "condition": "new", "energy_type": "combustion"}
    answer = respond(lending, times=6.0, stock=[cheaper], for_payment={"monthly_payment": 2_500, "solve": "price"})
    assert answer.model_dump_json().count('"offer_id"') == len(content(answer)["offers"]) > 2
    preview = answer.model_dump(exclude=BINDING_FIELDS)
    assert "offer_id" not in json.dumps(preview, default=str)
    assert preview["changes"][0]["offer"]["monthly_payment"] == answer.changes[0].offer.monthly_payment
    without = respond(lending)  # neither changes nor a wished payment
    assert "offer_id" not in without.model_dump_json(exclude=BINDING_FIELDS)


def test_the_endpoint_of_offers_is_the_only_one_of_loans_that_decides() -> None:
    assert [endpoint.path for endpoint in ENDPOINTS if endpoint.decision is decision] == ["offers"]
    assert [endpoint.path for endpoint in ENDPOINTS if endpoint.decision is not None] == ["offers"]
