"""Format of contingent costs in `loans/products.yaml`: what a borrower pays only if a stated event occurs.

The statement of costs says that nothing else is charged. Each product therefore declares every category, by itself or
by its lender: its terms, or null if it is not charged. A missing category is an error, because the statement would
promise what nobody has decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from features.yaml_config import Section
from ml.bilingual import Text
from ml.loans.catalogue.services import LENDER

LATE_INTEREST, EARLY_SETTLEMENT = "late_interest", "early_settlement"
MISUSE, COMPOUNDING, REPOSSESSION, LEGAL = "misuse", "compounding", "repossession", "legal"
CATEGORIES: Mapping[str, Text] = MappingProxyType(
    {
        LATE_INTEREST: Text(zh="逾期罚息", en="Late interest"),
        MISUSE: Text(zh="挪用罚息", en="Penalty interest on misuse"),
        COMPOUNDING: Text(zh="复利", en="Interest on unpaid interest"),
        EARLY_SETTLEMENT: Text(zh="提前还款违约金", en="Early settlement"),
        REPOSSESSION: Text(zh="收车费用", en="Repossession"),
        LEGAL: Text(zh="诉讼等实现债权的费用", en="Legal costs"),
    }
)
"""Name of each category, in the order of the statement."""

DECLARED = (MISUSE, COMPOUNDING, REPOSSESSION, LEGAL)
"""Categories that a product or its lender declares; the two others follow from the lender's own terms."""

ChargedOn = Literal["overdue_interest", "overdue_interest_and_late_interest"]

_TERMS = ("multiple", "charged_on", "standard")


class ContingentTerms(Section):
    """Terms of one contingent cost: exactly one of `multiple`, `charged_on` and `standard`.

    Attributes
    ----------
    name : Text or None
        Needed for a cost outside `CATEGORIES`; otherwise None for the name of the category.
    multiple : float or None
        Rate of `misuse` as a multiple of the contract rate.
    charged_on : {"overdue_interest", "overdue_interest_and_late_interest"} or None
        Base of `compounding`, which is charged at the rate of late interest.
    standard : Text or None
        How any other cost is computed, in words: amount, share or documented expense.
    collected_by : str
        Key of the collecting party; "lender" for the lender.

    Examples
    --------
    >>> ContingentTerms(multiple=2.0).collected_by
    'lender'
    """

    name: Text | None = None
    multiple: float | None = Field(None, ge=1, le=10)
    charged_on: ChargedOn | None = None
    standard: Text | None = None
    collected_by: str = LENDER

    @model_validator(mode="after")
    def _check(self) -> Self:
        present = [name for name in _TERMS if getattr(self, name) is not None]
        if len(present) != 1:
            raise ValueError(
                f"set exactly one of {', '.join(_TERMS)}, got {' and '.join(present) or 'none'}; a cost that is not "
                "charged is null"
            )
        return self


def check_contingent_costs(
    costs: Mapping[str, ContingentTerms | None],
) -> Mapping[str, ContingentTerms | None]:
    """Return the costs unchanged if each has terms that belong to its category.

    Parameters
    ----------
    costs : mapping of str to ContingentTerms or None
        Key of the cost to its terms, None for a cost that is not charged.

    Raises
    ------
    ValueError
        A key has terms of its own elsewhere, `misuse` has no `multiple`, `compounding` no `charged_on` or another cost
        no `standard`, or a cost outside `CATEGORIES` has no name. The message names the key and the remedy.

    Examples
    --------
    >>> check_contingent_costs({"misuse": None})
    {'misuse': None}
    >>> check_contingent_costs({"late_interest": ContingentTerms(multiple=1.5)})
    Traceback (most recent call last):
    ValueError: late_interest follows from the lender's own key late_interest: remove it from contingent_costs
    """
    for key, terms in costs.items():
        if key in CATEGORIES and key not in DECLARED:
            raise ValueError(f"{key} follows from the lender's own key {key}: remove it from contingent_costs")
        if terms is None:
            continue
        term = {MISUSE: "multiple", COMPOUNDING: "charged_on"}.get(key, "standard")
        if getattr(terms, term) is None:
            other = next(name for name in _TERMS if getattr(terms, name) is not None)
            raise ValueError(f"{key}: its terms are set by {term}, got {other}: replace it")
        if key not in CATEGORIES and terms.name is None:
            raise ValueError(f"{key}: set name with zh and en; only {', '.join(DECLARED)} have names of their own")
    return costs


ContingentCosts = Annotated[dict[str, ContingentTerms | None], AfterValidator(check_contingent_costs)]
"""Contingent costs of a lender or product by key; null for a cost that is not charged."""


def declared_costs(
    lender: Mapping[str, ContingentTerms | None], product: Mapping[str, ContingentTerms | None]
) -> dict[str, ContingentTerms | None]:
    """Return the contingent costs of a product: its lender's, replaced and extended by its own.

    Parameters
    ----------
    lender, product : mapping of str to ContingentTerms or None
        Key `contingent_costs` of the lender and of the product.

    Returns
    -------
    dict of str to ContingentTerms or None
        The declared categories in the order of the statement, None for one that is not charged; then the other costs
        that are charged, in their own order.

    Raises
    ------
    ValueError
        A category is declared by neither.

    Examples
    --------
    >>> bank = {"misuse": ContingentTerms(multiple=2.0), "compounding": None, "repossession": None, "legal": None}
    >>> costs = declared_costs(bank, {"misuse": None})
    >>> list(costs), costs["misuse"]
    (['misuse', 'compounding', 'repossession', 'legal'], None)
    >>> declared_costs({}, {})
    Traceback (most recent call last):
    ValueError: contingent_costs: misuse is declared neither by the product nor by its lender; ...
    """
    costs = {**lender, **product}
    if missing := [key for key in DECLARED if key not in costs]:
        raise ValueError(
            f"contingent_costs: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} declared neither by the "
            f"product nor by its lender; add the terms, or `{missing[0]}: null` if it is not charged: the statement of "
            "costs says that nothing else is charged"
        )
    others = {key: terms for key, terms in costs.items() if key not in DECLARED and terms is not None}
    return {key: costs[key] for key in DECLARED} | others
