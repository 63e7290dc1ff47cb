"""Loan endpoints with the shipped rules and trained models: equal treatment, exact offers, verified changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from features.errors import DataError
from ml.champions import load, version
from ml.loans.endpoints import ENDPOINTS, EXAMPLE_LOAN
from ml.model import Model
from tests.conftest import ROOT, Trained


def _promoted(owner: Trained, task: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    return load(version(task))


@pytest.fixture(scope="module")
def champions(credit_risk: Trained, residual_value: Trained) -> dict[str, Model]:
    with pytest.MonkeyPatch.context() as patch:
        return {
            "credit_risk": _promoted(credit_risk, "credit_risk", patch),
            "residual_value": _promoted(residual_value, "residual_value", patch),
        }


@pytest.fixture(scope="module")
def endpoints() -> dict[str, Any]:
    return {e.path: e for e in ENDPOINTS}


SAFE = {"applicant": {"age": 35, "monthly_income": 20_000}, "down_payment": 90_000}


def _ask(endpoint: Any, champions: Mapping[str, Model], **changes: Any) -> Any:
    """Answer the endpoint's example for a low-risk applicant, with some fields changed."""
    example = dict(endpoint.example(champions))
    if "borrower" in example:
        example |= SAFE | {"borrower": {**example["borrower"], "bureau_delinquencies_24m": 0, "housing": "own"}}
    request = endpoint.request(champions).model_validate_json(json.dumps({**example, **changes}))
    return endpoint.respond(endpoint.rules(ROOT / "configs"), champions, [request], False)[0]


@pytest.mark.parametrize("path", ["offers", "schedule", "disclosure"])
def test_every_example_is_answered(endpoints: Any, champions: Any, path: str) -> None:
    answer = _ask(endpoints[path], champions)
    assert isinstance(answer, endpoints[path].response)
    json.loads(answer.model_dump_json())


def test_offers_are_within_the_request(endpoints: Any, champions: Any) -> None:
    answer = _ask(endpoints["offers"], champions, offers=3)
    assert 1 <= len(answer.offers) <= 3
    for offer in answer.offers:
        assert offer.down_payment <= 90_000
        assert offer.amount + offer.down_payment == 150_000
        assert offer.total_cost == pytest.approx(offer.total_interest + offer.total_fees, abs=0.001)
        assert offer.expected_profit is None
    again = _ask(endpoints["offers"], champions, offers=3)
    assert again == answer


def test_probability_of_an_offer_is_that_of_its_own_loan(endpoints: Any, champions: Any) -> None:
    answer = _ask(endpoints["offers"], champions)
    assert len({offer.probability_of_default for offer in answer.offers}) > 1
    for offer in answer.offers:
        changes = {"down_payment": offer.down_payment, "term_months": offer.term_months}
        alone = _ask(endpoints["offers"], champions, **changes)
        assert alone.credit.probability_of_default == offer.probability_of_default
        assert offer.band == alone.credit.band


def test_protected_attributes_change_nothing(endpoints: Any, champions: Any) -> None:
    endpoint = endpoints["offers"]
    borrower = dict(endpoint.example(champions)["borrower"])
    answers = [_ask(endpoint, champions, borrower={**borrower, "gender": g}) for g in ("female", "male")]
    assert answers[0] == answers[1]


def test_a_changed_application_really_passes(endpoints: Any, champions: Any) -> None:
    endpoint = endpoints["offers"]
    borrower = {**endpoint.example(champions)["borrower"], "bureau_delinquencies_24m": 1}
    body: dict[str, Any] = {"borrower": borrower, "down_payment": 45_000}
    stock = [
        {"vehicle_id": f"S{price}", "price": price, "condition": "new", "energy_type": "combustion"}
        for price in (60_000, 90_000, 140_000)
    ]
    body["applicant"] = {"age": 35, "monthly_income": 15_000}
    answer = _ask(endpoint, champions, **body, stock=stock)
    assert answer.credit.band != "approve"
    assert answer.credit.band == "refer" and answer.offers == []
    assert len(answer.changes) == 2
    for change in answer.changes:
        car = next((s for s in stock if s["vehicle_id"] == change.vehicle_id), endpoint.example(champions)["vehicle"])
        assert car["price"] == change.vehicle_price
        changed = {"vehicle": car, "down_payment": change.down_payment, "term_months": change.term_months}
        again = _ask(endpoint, champions, **{**body, **changed})
        assert again.credit.band == "approve" and again.offers
        assert again.credit.probability_of_default == change.probability_of_default


def test_a_balloon_may_not_exceed_the_resale_value(endpoints: Any, champions: Any) -> None:
    details = {"age_months": 1.0, "mileage_km": 100.0, "brand": "Z", "model": "A", "paint": "black"}
    vehicle = {"price": 300_000.0, "condition": "new", "energy_type": "battery_electric", "use": "private"}
    safe: dict[str, Any] = {
        "vehicle": vehicle,
        "down_payment": 240_000,
        "applicant": {"age": 35, "monthly_income": 5e4},
    }
    without = _ask(endpoints["offers"], champions, **safe)
    with_details = _ask(endpoints["offers"], champions, **safe, vehicle_details=details, km_per_month=9_000.0)
    assert without.n_feasible > with_details.n_feasible
    assert "balloon" not in without.violations
    assert with_details.violations["balloon"] > 0
    with pytest.raises(DataError, match="km_per_month"):
        _ask(endpoints["offers"], champions, vehicle_details=details)


def test_the_financed_vehicle_may_be_described_by_its_age_its_registration_or_its_model_year(
    endpoints: Any, champions: Any
) -> None:
    vehicle = {"price": 300_000.0, "condition": "new", "energy_type": "battery_electric", "use": "private"}
    applicant = {"age": 35, "monthly_income": 5e4}
    car = {"mileage_km": 100.0, "brand": "Z", "model": "A", "paint": "black"}

    def balloons(**age: Any) -> Any:
        body = {"vehicle": vehicle, "down_payment": 240_000, "applicant": applicant, "on": "2026-09-01"}
        details = {"vehicle_details": {**car, **age}, "km_per_month": 9_000.0}
        return _ask(endpoints["offers"], champions, **body, **details).violations["balloon"]

    by_age = balloons(age_months=8.0)  # 8 months from 1 January 2026 to the day of the application
    assert by_age > 0 and by_age == balloons(first_registered_at="2026-01-01T00:00:00Z") == balloons(model_year=2026)
    with pytest.raises(ValidationError, match="send age_months, first_registered_at or model_year"):
        balloons()


def test_a_trade_in_is_quoted_at_the_lower_bound(endpoints: Any, champions: Any) -> None:
    car = {"age_months": 48.0, "mileage_km": 60_000.0, "brand": "Z", "model": "B", "paint": "black"}
    answer = _ask(endpoints["offers"], champions, trade_in=car)
    quote = answer.trade_in
    assert (answer.missing, answer.warnings) == ([], [])
    assert quote.quote < quote.value < quote.value_high
    assert quote.value == pytest.approx(150_000 * 0.86**4 * 0.98**6, rel=0.1)


def test_grid_holds_every_term_and_down_payment(endpoints: Any, champions: Any) -> None:
    grid = {"product": "bank_standard", "down_payments": [30_000, 60_000]}
    cells = _ask(endpoints["offers"], champions, grid=grid).grid
    assert [(c.term_months, c.down_payment) for c in cells] == [
        (term, down) for term in (12, 24, 36, 48, 60) for down in (30_000, 60_000)
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"down_payment": 200_000}, "down_payment must be at most"),
        ({"term_months": None}, "term_months: the credit model needs"),
        ({"on": "2010-01-01"}, "2010-01-01"),
        ({"grid": {"product": "nonsense", "down_payments": [1]}}, "product 'nonsense' is unknown"),
        ({"stock": [{"vehicle_id": "", "price": 1, "condition": "new", "energy_type": "hybrid"}]}, "vehicle_id"),
    ],
)
def test_invalid_applications_are_data_errors(
    endpoints: Any, champions: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        _ask(endpoints["offers"], champions, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"offers": 0},
        {"down_payment": -1},
        {"down_payment": float("nan")},
        {"on": "yesterday"},
        {"nonsense": 1},
        {"vehicle": {"price": 0, "condition": "new", "energy_type": "hybrid"}},
        {"borrower": {"vehicle_price": 3}},
    ],
)
def test_requests_that_break_a_rule_are_refused(endpoints: Any, champions: Any, changes: dict[str, Any]) -> None:
    (field,) = changes
    with pytest.raises(ValidationError, match=rf"(?m)^{field}(\.|$)"):
        _ask(endpoints["offers"], champions, **changes)


def test_an_offer_can_be_scheduled_and_disclosed(endpoints: Any, champions: Any) -> None:
    offers = _ask(endpoints["offers"], champions, offers=8).offers
    assert len(offers) > 1
    for offer in offers:
        loan = {
            "product": offer.product,
            "on": "2026-09-01",
            "amount": offer.amount,
            "annual_rate": offer.annual_rate,
            "term_months": offer.term_months,
            "balloon": offer.balloon,
        }
        schedule = _ask(endpoints["schedule"], champions, **loan)
        assert schedule.total_cost == offer.total_cost
        assert schedule.nominal_rate == pytest.approx(offer.nominal_rate, abs=2e-6)
        assert max(r.payment for r in schedule.rows[:-1]) == offer.monthly_payment
        assert sum(round(r.principal * 100) for r in schedule.rows) == round(offer.amount * 100)
        statement = _ask(endpoints["disclosure"], champions, **loan)
        assert statement.total_cost == round(offer.total_cost * 100)


def test_the_page_is_the_statement(endpoints: Any, champions: Any) -> None:
    endpoint = endpoints["disclosure"]
    page = endpoint.page(_ask(endpoint, champions))
    assert page.startswith("<!doctype html>")
    assert "100,000.00 元" in page and "http" not in page.replace("http-equiv", "")
    assert EXAMPLE_LOAN["product"] == "bank_standard"
