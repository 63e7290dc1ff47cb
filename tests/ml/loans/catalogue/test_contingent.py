"""Contingent costs of the catalogue: every category is declared, each by terms of its own kind."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.catalogue.contingent import (
    CATEGORIES,
    DECLARED,
    ContingentTerms,
    check_contingent_costs,
    declared_costs,
)
from ml.loans.catalogue.products import Lender, LoanProducts
from tests.ml.loans.catalogue.test_products import TEXT, lender, product

WORDS = ContingentTerms(standard=TEXT)
BANK = {"misuse": ContingentTerms(multiple=2.0), "compounding": None, "repossession": WORDS, "legal": WORDS}
YAML: dict[str, Any] = {
    "misuse": {"multiple": 2},
    "compounding": {"charged_on": "overdue_interest"},
    "repossession": None,
    "legal": {"standard": TEXT, "collected_by": "dealer"},
}


def catalogue(lender_costs: dict[str, Any], product_costs: dict[str, Any]) -> LoanProducts:
    return LoanProducts.model_validate(
        {
            "lenders": {"bank": lender(contingent_costs=lender_costs)},
            "parties": {"dealer": TEXT},
            "products": {"loan": product(contingent_costs=product_costs)},
        }
    )


def test_two_categories_follow_from_the_terms_of_the_lender() -> None:
    assert set(CATEGORIES) - set(DECLARED) == {"late_interest", "early_settlement"}


def test_a_product_replaces_and_extends_the_costs_of_its_lender() -> None:
    costs = declared_costs(BANK, {"storage": ContingentTerms(name=TEXT, standard=TEXT), "misuse": None})
    assert list(costs) == ["misuse", "compounding", "repossession", "legal", "storage"]
    assert costs["misuse"] is None and costs["legal"] is WORDS


def test_a_cost_of_the_lender_that_a_product_does_not_charge_is_left_out_if_it_is_no_category() -> None:
    costs = declared_costs({**BANK, "storage": ContingentTerms(name=TEXT, standard=TEXT)}, {"storage": None})
    assert "storage" not in costs


@pytest.mark.parametrize("category", DECLARED)
def test_silence_about_a_category_is_an_error(category: str) -> None:
    costs = {key: terms for key, terms in YAML.items() if key != category}
    with pytest.raises(ValidationError, match=rf"products\.loan\.contingent_costs: {category} is declared neither"):
        catalogue(costs, {})
    with pytest.raises(ValidationError, match=rf"or `{category}: null` if it is not charged"):
        catalogue(costs, {})
    assert catalogue(costs, {category: None}).contingent_costs("loan")[category] is None
    assert (
        catalogue({}, YAML).contingent_costs("loan")[category] == catalogue(YAML, {}).contingent_costs("loan")[category]
    )


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"late_interest": {"multiple": 1.5}}, "late_interest follows from the lender's own key late_interest"),
        ({"early_settlement": None}, "early_settlement follows from the lender's own key early_settlement"),
        ({"misuse": {"standard": TEXT}}, "misuse: its terms are set by multiple, got standard"),
        ({"misuse": {}}, "set exactly one of multiple, charged_on, standard, got none; a cost that is not charged is"),
        ({"misuse": {"multiple": 2, "standard": TEXT}}, "got multiple and standard"),
        ({"misuse": {"multiple": 0.5}}, "greater than or equal to 1"),
        ({"compounding": {"multiple": 1.5}}, "compounding: its terms are set by charged_on, got multiple"),
        ({"compounding": {"charged_on": "everything"}}, "Input should be 'overdue_interest'"),
        ({"legal": {"charged_on": "overdue_interest"}}, "legal: its terms are set by standard, got charged_on"),
        ({"storage": {"standard": TEXT}}, "storage: set name with zh and en"),
        ({"storage": {"name": TEXT, "multiple": 2}}, "storage: its terms are set by standard, got multiple"),
    ],
)
def test_terms_of_another_kind_are_refused(costs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Lender.model_validate(lender(contingent_costs=costs))


def test_an_unknown_collector_is_named() -> None:
    with pytest.raises(
        ValidationError, match=r"products\.loan\.contingent_costs\.legal\.collected_by 'court' is unknown; allowed are:"
    ):
        catalogue({**YAML, "legal": {"standard": TEXT, "collected_by": "court"}}, {})


def test_valid_costs_are_returned_unchanged() -> None:
    assert check_contingent_costs(BANK) is BANK
