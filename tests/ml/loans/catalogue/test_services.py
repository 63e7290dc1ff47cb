"""Fees of a product: a service for each, rendered once, and the dealer's never forced."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.catalogue.products import Fee, Product
from ml.loans.catalogue.services import ServiceCharge, duplicate_charges

NAME = {"zh": "金融服务费", "en": "Service fee"}
SERVICE = {"zh": "到期前车辆估值", "en": "Appraisal before maturity"}
FEE = {"name": NAME, "service": SERVICE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"service": None}, "service is missing: state in zh and en what is rendered for the fee, or remove the fee"),
        ({"service": SERVICE | {"zh": "金融 服务费"}}, "service.zh repeats the name '金融服务费'"),
        ({"service": SERVICE | {"en": "SERVICE FEE"}}, "service.en repeats the name 'Service fee'"),
        ({"collected_by": "dealer"}, "the dealer's service must not be forced on the borrower: set optional: true"),
        ({"rendered_by": "dealer"}, "the dealer's service must not be forced on the borrower: set optional: true"),
    ],
)
def test_a_fee_without_a_service_or_forced_by_the_dealer_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ServiceCharge.model_validate(FEE | changes)


def test_the_collector_renders_the_service_unless_another_is_named() -> None:
    assert ServiceCharge.model_validate(FEE).parties == ("lender", "lender")
    dealer = FEE | {"collected_by": "lender", "rendered_by": "dealer", "optional": True}
    assert ServiceCharge.model_validate(dealer).parties == ("lender", "dealer")


def test_one_service_is_charged_once() -> None:
    first = ServiceCharge.model_validate(FEE)
    same_name = ServiceCharge.model_validate(FEE | {"service": {"zh": "登记", "en": "Registration"}})
    same_service = ServiceCharge.model_validate(FEE | {"name": {"zh": "手续费", "en": "Errand"}})
    assert list(duplicate_charges({"a": first})) == []
    assert [m.split(":")[0] for m in duplicate_charges({"a": first, "b": same_name})] == [
        "fees.b.name.zh '金融服务费' is that of fees.a",
        "fees.b.name.en 'Service fee' is that of fees.a",
    ]
    assert len(list(duplicate_charges({"a": first, "b": same_service}))) == 2


def test_a_product_that_charges_a_service_twice_is_refused() -> None:
    fee = FEE | {"charged": "up_front", "amount": 1}
    body = {
        "lender": "bank",
        "name": NAME,
        "form": "equal_instalment",
        "rates": [{"valid_from": "2026-01-01", "by_band": {"A": {12: 0.05}}}],
        "minimum_amount": 10_000,
        "maximum_amount": 200_000,
        "eligibility": {"vehicle_classes": ["used"]},
    }
    assert Product.model_validate(body | {"fees": {"a": fee}}).fees["a"] == Fee.model_validate(fee)
    with pytest.raises(ValidationError, match="charge one service once, and remove one of the fees"):
        Product.model_validate(body | {"fees": {"a": fee, "b": fee}})
