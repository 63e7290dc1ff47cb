"""Extras of a deal: insurance, purchase tax, plates and services that the customer pays besides the vehicle's price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ml.loans.amounts import Amount
from ml.loans.printed_text import one_line
from ml.signature import Name, RequestPart

ExtraKind = Literal[
    "insurance", "compulsory_insurance", "purchase_tax", "plates", "dealer_service", "accessory", "other"
]

PrintedName = Annotated[Name, AfterValidator(one_line)]


class Extra(RequestPart):
    """One item of a deal besides the vehicle's price.

    Attributes
    ----------
    name : str
        As in the contract, such as "商业险" or "Licence plates".
    kind : str
        "insurance" (voluntary), "compulsory_insurance" (交强险), "purchase_tax" (the tax itself; help with its
        declaration is a "dealer_service"), "plates", "dealer_service", "accessory" or "other".
    amount : float
        Yuan.
    financed : bool
        Whether the loan pays for the item; otherwise the customer pays it in cash.
    optional : bool
        Whether the customer can decline the item and still get vehicle and loan.
    service : str or None
        What is rendered for the amount, and by whom.

    Examples
    --------
    >>> tax = Extra(name="车辆购置税", kind="purchase_tax", amount=6_637.17)
    >>> tax.financed, tax.optional
    (False, True)
    """

    name: Annotated[PrintedName, Field(description="as in the contract, such as 商业险")]
    kind: ExtraKind = Field(
        description="insurance is voluntary, compulsory_insurance 交强险; purchase_tax is the tax itself, help with "
        "its declaration a dealer_service"
    )
    amount: Amount = Field(gt=0, description="yuan")
    financed: bool = Field(False, description="paid by the loan; otherwise in cash")
    optional: bool = Field(True, description="the customer can decline the item and still get vehicle and loan")
    service: PrintedName | None = Field(None, description="what is rendered for the amount, and by whom")
