"""Kinds of lender, and rules that bind some of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.yaml_config import Section
from ml.bilingual import Text

LenderKind = Literal[
    "bank",
    "auto_finance_company",
    "consumer_finance_company",
    "group_finance_company",
    "micro_loan_company",
    "finance_leasing_company",
]


class LenderRule(Section):
    """A rule of law for some kinds of lender.

    Attributes
    ----------
    source : Text
        The document that sets the rule; error messages name it.
    enabled : bool
        False keeps the rule in the file without effect.
    lender_kinds : tuple of str, optional
        Kinds of lender (`LenderKind`) that the rule binds; by default every kind.
    """

    source: Text
    enabled: bool = True
    lender_kinds: tuple[LenderKind, ...] | None = Field(None, min_length=1)

    def binds(self, lender_kind: str | None) -> bool:
        """Return whether the rule is enabled and binds a kind of lender; None for rules that bind every kind.

        Examples
        --------
        >>> from ml.bilingual import Text
        >>> rule = LenderRule(source=Text(zh="示例", en="example"), lender_kinds=("micro_loan_company",))
        >>> rule.binds("micro_loan_company"), rule.binds("bank"), rule.binds(None)
        (True, False, False)
        """
        return self.enabled and (self.lender_kinds is None or lender_kind in self.lender_kinds)
