"""Parts of an application's page: what separates it from the approval line, and every product at its plan."""

from __future__ import annotations

from typing import Any, NamedTuple

from serving.desk.page import PageRequest


class PlanProducts(NamedTuple):
    """Products at the plan.

    Attributes
    ----------
    total : int
        Number of products.
    possible : int
        Number of those with an offer at exactly the plan.
    others : list of (str, str)
        Name of each other product, and why it is not possible.
    """

    total: int
    possible: int
    others: list[tuple[str, str]]


def difference_rows(judged: dict[str, Any], request: PageRequest) -> list[dict[str, Any]]:
    """Return what lowers and raises the score compared with the approval line, as rows of bars; the largest first."""
    return [
        {"text": topic[request.language], "value": topic["points"]} for topic in judged["credit"]["differences"] or ()
    ]


def plan_products(judged: dict[str, Any], request: PageRequest) -> PlanProducts:
    """Return how many products are possible at the plan, and why the others are not."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for product in judged["compared"]:
        by_name.setdefault(product["product"], []).append(product)
    others = []
    for variants in by_name.values():
        if any(p["offer"] is not None for p in variants):
            continue
        rules = list(dict.fromkeys(rule for p in variants for rule in p["violations"]))
        words = request.text("loans.and").join(request.text(f"loans.violation.{rule}") for rule in rules)
        others.append((variants[0]["product_name"][request.language], words))
    return PlanProducts(len(by_name), len(by_name) - len(others), others)
