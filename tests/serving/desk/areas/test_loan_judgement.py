"""What separates an application from the line, and why products are not possible at its plan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from serving.desk.areas.loan_judgement import difference_rows, plan_products
from serving.desk.catalogue import catalogue

REQUEST: Any = SimpleNamespace(language="en", text=lambda key, **values: catalogue().text(key, "en", **values))


def product(name: str, *violations: str) -> dict[str, Any]:
    offer = None if violations else {"product": name}
    return {"product": name, "product_name": {"zh": name, "en": name.title()}, "offer": offer, "violations": violations}


def test_topics_are_rows_of_bars_in_the_language_of_the_page() -> None:
    topics = [{"code": "TERM", "zh": "贷款期限", "en": "Term", "points": -4}]
    assert difference_rows({"credit": {"differences": topics}}, REQUEST) == [{"text": "Term", "value": -4}]
    assert difference_rows({"credit": {"differences": None}}, REQUEST) == []


def test_a_product_is_possible_with_one_of_its_balloons_and_else_says_why_not() -> None:
    compared = [
        product("bank", "term"),
        product("balloon", "balloon"),
        product("balloon"),
        product("lease", "vehicle_class"),
        product("zero", "risk_band", "credit_decision"),
        product("zero", "credit_decision"),
    ]
    shown = plan_products({"compared": compared}, REQUEST)
    assert (shown.total, shown.possible) == (4, 1)
    assert shown.others == [
        ("Bank", "no such term"),
        ("Lease", "not for this type of vehicle"),
        ("Zero", "no rate for this risk; would be declined"),
    ]
