"""Finance leases in the product file: deposit and option, and which lender may lease or lend."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.catalogue.leases import LeaseTerms
from ml.loans.catalogue.products import LoanProducts, Product

TEXT = {"zh": "名", "en": "name"}
LEASE = {"kind": "direct", "deposit_share": 0.1, "purchase_option": 100}
NO_COSTS = dict.fromkeys(("misuse", "compounding", "repossession", "legal"))


def product(**changes: Any) -> dict[str, Any]:
    return {
        "lender": "lessor",
        "name": TEXT,
        "form": "finance_lease",
        "lease": LEASE,
        "rates": [{"valid_from": "2026-01-01", "by_band": {"A": {12: 0.07}}}],
        "minimum_amount": 10_000,
        "maximum_amount": 200_000,
        "eligibility": {"vehicle_classes": ["used"]},
        **changes,
    }


def catalogue(changes: dict[str, Any], **lender: Any) -> LoanProducts:
    lessor = {"name": TEXT, "kind": "finance_leasing_company", "funding_rate": 0.03, "late_interest": 1.5}
    lenders = {"lessor": {**lessor, "contingent_costs": NO_COSTS, **lender}}
    return LoanProducts.model_validate({"lenders": lenders, "products": {"lease": product(**changes)}})


def test_a_lease_has_its_deposit_and_its_option_as_a_fee_at_maturity() -> None:
    loans = catalogue({"balloon_shares": [0.2]})
    made = loans.products["lease"].loan_product(loans.lenders["lessor"])
    assert made.lease is not None and (made.lease.kind, made.lease.deposit_share) == ("direct", 0.1)
    assert [(fee.name, fee.charged, fee.amount) for fee in made.fees] == [("purchase_option", "at_maturity", 10_000)]
    assert LeaseTerms(kind="leaseback").fees == ()


@pytest.mark.parametrize(
    ("changes", "lender", "message"),
    [
        ({"lease": None}, {}, "lease must be set if the form is finance_lease, and only then"),
        ({"form": "equal_instalment"}, {}, "lease must be set if the form is finance_lease, and only then"),
        ({"lease": {**LEASE, "deposit_share": 0.6}}, {}, "must be at most 0.5 of the financed amount, got 0.6"),
        ({"form": "equal_instalment", "lease": None}, {}, "products.lease: a finance_leasing_company must not lend"),
        ({}, {"kind": "bank"}, "products.lease: a bank must not lease: the form finance_lease needs a lender of kind"),
        ({}, {"state_subsidy": True}, "a finance lease is none: set state_subsidy: false"),
    ],
)
def test_what_is_no_lease_is_refused(changes: dict[str, Any], lender: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        catalogue(changes, **lender)


def test_an_auto_finance_company_may_lease_and_lend() -> None:
    assert catalogue({}, kind="auto_finance_company").products["lease"].lease is not None
    loan = catalogue({"form": "equal_instalment", "lease": None}, kind="auto_finance_company").products["lease"]
    assert loan == Product.model_validate(product(form="equal_instalment", lease=None))
