"""Prices and fees of a deal: services behind the fees, and breaches of the rules on prices, fees and discounts.

The sources are the guide of the State Administration for Market Regulation on pricing in the automotive industry, in
force since 2026-02-12, which prohibits charges beyond the listed price, fees without a service, duplicate and shifted
charges (chapter 3), and the regulations that it refers to. The guide and the Measures for automobile sales cover new
vehicles; the Price Law and the Consumer Protection Law cover all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.loans.schedule import FeeTotal
from ml.loans.catalogue.products import LoanProducts, Product
from ml.loans.catalogue.promotions import Discount
from ml.loans.catalogue.services import LENDER
from ml.loans.extras import Extra, ExtraKind

GUIDE_SINCE = date(2026, 2, 12)
GUIDE = Text(
    zh="《汽车行业价格行为合规指南》（市场监管总局，2026年2月12日起施行）第三章",
    en="Guide to compliant pricing in the automotive industry (State Administration for Market Regulation, in force "
    "since 2026-02-12), chapter 3",
)
PRICES_OF_SALES = Text(
    zh="《汽车销售管理办法》（商务部令2017年第1号）第十条",
    en="Measures for the Administration of Automobile Sales (Ministry of Commerce, order 1 of 2017), article 10",
)
FORCED_SALES = Text(
    zh="《汽车销售管理办法》（商务部令2017年第1号）第十四条",
    en="Measures for the Administration of Automobile Sales (Ministry of Commerce, order 1 of 2017), article 14",
)
PROMOTIONS = Text(
    zh="《规范促销行为暂行规定》（市场监管总局令第32号）第二十条",
    en="Interim Provisions on Sales Promotion (State Administration for Market Regulation, order 32 of 2020), "
    "article 20",
)
PRICE_LAW = Text(zh="《价格法》第十三条", en="Price Law, article 13")
CONSUMER_LAW = Text(
    zh="《消费者权益保护法》第九条、第十六条第三款", en="Consumer Protection Law, article 9 and article 16 (3)"
)

# A tax is no service, an insurer renders insurance, and an accessory is a thing: their kind says what is paid for.
SERVICES: frozenset[ExtraKind] = frozenset({"plates", "dealer_service", "other"})
REQUIRED_BY_LAW: frozenset[ExtraKind] = frozenset({"purchase_tax", "compulsory_insurance"})
# Article 14 names insurance and registration; other items fall under the Consumer Protection Law.
NAMED_IN_ARTICLE_14: frozenset[ExtraKind] = frozenset({"insurance", "plates"})


class FeeService(BaseModel):
    """A fee of a loan, and the service rendered for it."""

    name: Text
    amount: float = Field(description="over the whole loan, yuan")
    service: Text
    collected_by: Text
    rendered_by: Text
    optional: bool = Field(description="the customer can decline the service and still get the loan")


class Notice(BaseModel):
    """A breach of the rules on prices and fees, or a discount outside its period, with the remedy."""

    code: str = Field(description="service_missing, forced_item, duplicate_charge or discount_ended")
    item: str = Field(description="name of the item in the request, or key of the product")
    text: Text = Field(description="what is wrong and what to do")
    sources: list[Text] = Field(description="law or guide, with article or chapter")


def fee_services(catalogue: LoanProducts, name: str, fees: Sequence[FeeTotal]) -> list[FeeService]:
    """Return the fees of a loan, each with its amount, the service rendered for it, and by whom.

    Parameters
    ----------
    catalogue : LoanProducts
        ``ml.loans.endpoints.read_lending(Path("configs")).catalogue``.
    name : str
        Key of the product in `catalogue.products`.
    fees : sequence of FeeTotal
        `Schedule.fees` of the loan, as returned by `ml.domain.loans.schedule.schedule`.

    Returns
    -------
    list of FeeService
        In the order of the product file; empty if the product has no fee. A lease's purchase option renders no service
        and is left out.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> from ml.loans.repayment import schedule_for
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> terms = LoanTerms(product="used_guaranteed", on=day, amount=70_000.0, annual_rate=0.072, term_months=36)
    >>> fees = schedule_for(build_loan(lending, terms), day).fees
    >>> guarantee, registration = fee_services(lending.catalogue, "used_guaranteed", fees)
    >>> guarantee.rendered_by.en, registration.service.en, registration.amount, registration.optional
    ('Anxing Guarantee', 'Registration of the lien and its release after the last payment', 300.0, True)
    """
    product = catalogue.products[name]
    parties = {LENDER: catalogue.lenders[product.lender].name, **catalogue.parties}
    amounts = {fee.fee.name: fee.total for fee in fees}
    return [
        FeeService(
            name=fee.name,
            amount=amounts[key] / 100,
            service=fee.service,
            collected_by=parties[fee.parties[0]],
            rendered_by=parties[fee.parties[1]],
            optional=fee.optional,
        )
        for key, fee in product.fees.items()
        if fee.service is not None
    ]


def price_and_fee_notices(
    extras: Sequence[Extra], products: Mapping[str, Product], *, on: date, condition: Literal["new", "used"]
) -> list[Notice]:
    """Return the breaches of the rules on prices and fees in a deal, each with remedy and source.

    Parameters
    ----------
    extras : sequence of Extra
        Items of the deal besides the vehicle's price.
    products : mapping of str to Product
        Products that are offered with the deal, by key; empty for the deal alone.
    on : date
        Day of the deal: the guide is cited from 2026-02-12.
    condition : {"new", "used"}
        Condition of the vehicle: guide and Measures for automobile sales cover new ones.

    Returns
    -------
    list of Notice
        In the order of the items, then of the products; empty if there is no breach.

    Examples
    --------
    >>> from datetime import date
    >>> fee = Extra(name="金融服务费", kind="dealer_service", amount=3_000.0)
    >>> notice = price_and_fee_notices([fee], {}, on=date(2026, 9, 1), condition="new")[0]
    >>> notice.code, notice.sources[0].en[-9:]
    ('service_missing', 'chapter 3')
    """
    guide = (GUIDE,) if condition == "new" and on >= GUIDE_SINCE else ()
    count = Counter(_normal(extra.name) for extra in extras)
    fees = {_normal(name) for p in products.values() for f in p.fees.values() for name in (f.name.zh, f.name.en)}
    notices = []
    for i, extra in enumerate(extras):
        if extra.kind in SERVICES and not (extra.service or "").strip():
            sources = (*guide, PRICES_OF_SALES) if condition == "new" else (PRICE_LAW, CONSUMER_LAW)
            notices.append(_service_missing(extra, sources))
        if not extra.optional and extra.kind not in REQUIRED_BY_LAW:
            is_named = condition == "new" and extra.kind in NAMED_IN_ARTICLE_14
            notices.append(_forced_item(extra, (FORCED_SALES, CONSUMER_LAW) if is_named else (CONSUMER_LAW,)))
        is_first = all(_normal(extra.name) != _normal(other.name) for other in extras[:i])
        if is_first and (count[_normal(extra.name)] > 1 or _normal(extra.name) in fees):
            notices.append(_duplicate_charge(extra, (*guide, PRICE_LAW)))
    for key, product in products.items():
        discount = product.forgone_discount
        if discount is not None and on > discount.valid_until:
            notices.append(_discount_ended(key, product.name, discount, (*guide, PROMOTIONS)))
    return notices


def _service_missing(extra: Extra, sources: tuple[Text, ...]) -> Notice:
    text = Text(
        zh=f"“{extra.name}”收费 {extra.amount:,.2f} 元，未写明服务：请写明服务内容和提供方；没有服务的，不得收费。",
        en=f"'{extra.name}' costs {extra.amount:,.2f} yuan without a service: state in `service` what is "
        "rendered and by whom, or remove the item.",
    )
    return Notice(code="service_missing", item=extra.name, text=text, sources=list(sources))


def _forced_item(extra: Extra, sources: tuple[Text, ...]) -> Notice:
    text = Text(
        zh=f"“{extra.name}”不可拒绝：不得作为购车或贷款的条件。请由客户自愿选择（`optional: true`），或者删去。",
        en=f"'{extra.name}' cannot be declined: vehicle and loan must not depend on it. Let the customer choose "
        "(`optional: true`), or remove the item.",
    )
    return Notice(code="forced_item", item=extra.name, text=text, sources=list(sources))


def _duplicate_charge(extra: Extra, sources: tuple[Text, ...]) -> Notice:
    text = Text(
        zh=f"“{extra.name}”重复，或者已是贷款产品的费用：同一项服务只能收费一次。请删去一项；服务不同的，请用不同的名称。",
        en=f"'{extra.name}' occurs more than once, or is already a fee of an offered loan: one service is charged "
        "once. Remove one of them, or give different services different names.",
    )
    return Notice(code="duplicate_charge", item=extra.name, text=text, sources=list(sources))


def _discount_ended(key: str, name: Text, discount: Discount, sources: tuple[Text, ...]) -> Notice:
    amount, last = f"{discount.amount / 100:,.2f}", discount.valid_until
    text = Text(
        zh=f"不选“{name.zh}”时的现金优惠 {amount} 元已于 {last} 到期：不计入比较，不得再宣传；继续优惠的，请更新期限。",
        en=f"The cash discount of {amount} yuan instead of '{name.en}' ended on {last}: it is not compared and must "
        "not be advertised. If it continues, extend its period in the product file.",
    )
    return Notice(code="discount_ended", item=key, text=text, sources=list(sources))


def _normal(name: str) -> str:
    return "".join(name.split()).casefold()
