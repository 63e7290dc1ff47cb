"""The service for which a fee is charged: stated for every fee, rendered once, never forced by the dealer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import model_validator

from features.yaml_config import Section
from ml.bilingual import Text

LENDER = "lender"
DEALER = "dealer"


class ServiceCharge(Section):
    """Name of a fee, and the service rendered for it.

    Sources: the guide to compliant pricing in the automotive industry (汽车行业价格行为合规指南, in force since
    2026-02-12), chapter 3: no fee without a service, no duplicate and no shifted charge; for lenders the notice of the
    China Banking Regulatory Commission 银监发〔2012〕3号, I (3), (4) and (7): no fee for the granting of the loan, no
    interest in the form of fees, no shifting of the lender's own costs; for dealers the Measures for the Administration
    of Automobile Sales, article 14: no forced service.

    Attributes
    ----------
    name : Text
    service : Text
        What is rendered for the fee.
    collected_by : str
        Key of the collecting party; "lender" for the lender, "dealer" for the dealer.
    rendered_by : str or None
        Key of the party that renders the service; None for the collecting party.
    optional : bool
        Whether the borrower can decline the service and still get the loan.
    """

    name: Text
    service: Text | None = None
    collected_by: str = LENDER
    rendered_by: str | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _check_service(self) -> Self:
        if self.service is None:
            raise ValueError(
                "service is missing: state in zh and en what is rendered for the fee, or remove the fee; a fee without "
                "a service must not be charged"
            )
        for language in ("zh", "en"):
            if _normal(getattr(self.service, language)) == _normal(getattr(self.name, language)):
                raise ValueError(
                    f"service.{language} repeats the name '{getattr(self.name, language)}': state what is rendered for "
                    "the fee, such as an appraisal or a registration"
                )
        if DEALER in self.parties and not self.optional:
            raise ValueError(
                "the dealer's service must not be forced on the borrower: set optional: true and let the borrower "
                "decline it, or remove the fee"
            )
        return self

    @property
    def parties(self) -> tuple[str, str]:
        """Keys of the party that collects the fee and of the one that renders the service."""
        return self.collected_by, self.rendered_by or self.collected_by


def duplicate_charges(fees: Mapping[str, ServiceCharge]) -> Iterator[str]:
    """Yield a message for each fee of a product whose name or service another fee of it has.

    Parameters
    ----------
    fees : mapping of str to ServiceCharge
        Fees of one product by key.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> lien = Text(zh="抵押登记", en="Lien registration")
    >>> first = ServiceCharge(name=Text(zh="登记费", en="Registration"), service=lien)
    >>> second = ServiceCharge(name=Text(zh="代办费", en="Errand"), service=lien)
    >>> next(duplicate_charges({"registration": first, "errand": second}))
    "fees.errand.service.zh '抵押登记' is that of fees.registration: charge one service once, ..."
    """
    for place in ("name", "service"):
        for language in ("zh", "en"):
            first: dict[str, str] = {}
            for key, fee in fees.items():
                text = getattr(getattr(fee, place), language)
                other = first.setdefault(_normal(text), key)
                if other != key:
                    yield (
                        f"fees.{key}.{place}.{language} '{text}' is that of fees.{other}: charge one service once, and "
                        "remove one of the fees"
                    )


def _normal(text: str) -> str:
    return "".join(text.split()).casefold()
