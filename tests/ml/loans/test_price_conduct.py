"""Prices and fees of a deal: a service for every fee, no forced item, no charge twice; sources by date."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.domain.loans.product import Fee
from ml.domain.loans.schedule import FeeTotal
from ml.loans.catalogue.products import LoanProducts
from ml.loans.endpoints import read_lending
from ml.loans.extras import Extra
from ml.loans.price_conduct import (
    CONSUMER_LAW,
    FORCED_SALES,
    GUIDE,
    PRICE_LAW,
    PRICES_OF_SALES,
    PROMOTIONS,
    fee_services,
    price_and_fee_notices,
)
from tests.conftest import ROOT

TODAY = date(2026, 9, 1)
TAX = Extra(name="车辆购置税", kind="purchase_tax", amount=6_637.17, optional=False)
COMPULSORY = Extra(name="交强险", kind="compulsory_insurance", amount=950.0, optional=False)
VOLUNTARY = Extra(name="商业险", kind="insurance", amount=4_800.0, financed=True)
PLATES = Extra(name="上牌代办", kind="plates", amount=300.0, service="经销商代办注册登记，含牌证工本费")
FEE = Extra(name="金融服务费", kind="dealer_service", amount=3_000.0)


@pytest.fixture(scope="module")
def catalogue() -> LoanProducts:
    return read_lending(ROOT / "configs").catalogue


def test_a_deal_within_the_rules_has_no_notice() -> None:
    mats = Extra(name="Floor mats", kind="accessory", amount=500.0)
    extras = [TAX, COMPULSORY, VOLUNTARY, PLATES, mats]
    assert price_and_fee_notices(extras, {}, on=TODAY, condition="new") == []
    assert price_and_fee_notices([], {}, on=TODAY, condition="used") == []


def test_a_fee_without_a_service_is_named_with_amount_and_remedy() -> None:
    (notice,) = price_and_fee_notices([TAX, FEE], {}, on=TODAY, condition="new")
    assert (notice.code, notice.item, notice.sources) == ("service_missing", "金融服务费", [GUIDE, PRICES_OF_SALES])
    assert "3,000.00 元" in notice.text.zh
    assert "state in `service` what is rendered and by whom" in notice.text.en


@pytest.mark.parametrize("kind", ["plates", "dealer_service", "other"])
def test_a_blank_service_is_no_service(kind: Any) -> None:
    extra = Extra(name="手续费", kind=kind, amount=1.0, service="  ")
    assert [n.code for n in price_and_fee_notices([extra], {}, on=TODAY, condition="new")] == ["service_missing"]


@pytest.mark.parametrize(
    ("extra", "sources"),
    [
        (VOLUNTARY, [FORCED_SALES, CONSUMER_LAW]),
        (PLATES, [FORCED_SALES, CONSUMER_LAW]),
        (Extra(name="脚垫", kind="accessory", amount=500.0), [CONSUMER_LAW]),
    ],
)
def test_an_item_that_cannot_be_declined_is_forced(extra: Extra, sources: list[Any]) -> None:
    forced = extra.model_copy(update={"optional": False})
    (notice,) = price_and_fee_notices([forced], {}, on=TODAY, condition="new")
    assert (notice.code, notice.sources) == ("forced_item", sources)


def test_one_service_is_charged_once() -> None:
    twice = [VOLUNTARY, TAX, Extra(name=" 商业 险", kind="insurance", amount=1.0), VOLUNTARY]
    (notice,) = price_and_fee_notices(twice, {}, on=TODAY, condition="new")
    assert (notice.code, notice.item, notice.sources) == ("duplicate_charge", "商业险", [GUIDE, PRICE_LAW])


def test_the_guide_covers_new_vehicles_from_its_first_day() -> None:
    def sources(on: date, condition: Any) -> list[Any]:
        return price_and_fee_notices([FEE], {}, on=on, condition=condition)[0].sources

    assert sources(date(2026, 2, 12), "new") == [GUIDE, PRICES_OF_SALES]
    assert sources(date(2026, 2, 11), "new") == [PRICES_OF_SALES]
    assert sources(TODAY, "used") == [PRICE_LAW, CONSUMER_LAW]


def test_an_extra_that_is_already_a_fee_of_the_loan_is_charged_twice(catalogue: LoanProducts) -> None:
    extra = FEE.model_copy(update={"name": "service fee", "service": "Appraisal by the dealer"})
    balloon = {"maker_balloon": catalogue.products["maker_balloon"]}
    (notice,) = price_and_fee_notices([extra], balloon, on=TODAY, condition="new")
    assert (notice.code, notice.item) == ("duplicate_charge", "service fee")
    assert price_and_fee_notices([extra], {}, on=TODAY, condition="new") == []


def test_a_discount_is_noticed_from_the_day_after_its_last(catalogue: LoanProducts) -> None:
    zero = {"maker_zero": catalogue.products["maker_zero"]}
    assert price_and_fee_notices([], zero, on=date(2026, 12, 31), condition="new") == []
    (notice,) = price_and_fee_notices([], zero, on=date(2027, 1, 1), condition="new")
    assert (notice.code, notice.item, notice.sources) == ("discount_ended", "maker_zero", [GUIDE, PROMOTIONS])
    assert "5,000.00 yuan" in notice.text.en and "2026-12-31" in notice.text.zh


def test_every_fee_of_the_shipped_products_names_its_service(catalogue: LoanProducts) -> None:
    services = []
    for name, product in catalogue.products.items():
        amounts = [FeeTotal(Fee(name=key, charged="per_instalment", amount=1), 0, (100, 50)) for key in product.fees]
        services += fee_services(catalogue, name, amounts)
    assert {service.amount for service in services} == {1.5}
    assert len(services) == sum(len(product.fees) for product in catalogue.products.values())
    parties = [(s.name.zh, s.collected_by.zh, s.rendered_by.zh, s.optional) for s in services]
    assert ("增信服务费", "安行融资担保", "安行融资担保", False) in parties
    assert ("抵押登记费", "经销商", "经销商", True) in parties
