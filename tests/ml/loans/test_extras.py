"""Extras of a deal: strict fields, amounts in fen, sums by who pays."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.extras import Extra

PLATES = {"name": "上牌代办", "kind": "plates", "amount": 300.29, "financed": True}


def test_an_extra_is_optional_and_paid_in_cash_by_default() -> None:
    extra = Extra.model_validate({"name": "商业险", "kind": "insurance", "amount": 4_800})
    assert (extra.amount, extra.optional, extra.financed, extra.service) == (4_800.0, True, False, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "gift"}, "kind"),
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 0.001}, "amount"),
        ({"name": ""}, "name"),
        ({"name": "保险\u202e"}, "name"),
        ({"service": "a\nb"}, "service"),
        ({"financed": "yes"}, "financed"),
        ({"service": ""}, "service"),
        ({"price": 1}, "price"),
    ],
)
def test_an_invalid_extra_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        Extra.model_validate(PLATES | changes)
    assert error.value.errors()[0]["loc"] == (field,)
