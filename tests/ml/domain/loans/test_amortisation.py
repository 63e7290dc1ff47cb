"""Cash flows of a batch compared with single loans and with hand-computed amounts."""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.domain.loans.amortisation import amortise
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.product import Fee, LoanProduct

START = date(2026, 1, 15)


def test_a_batch_falls_due_as_its_loans_alone() -> None:
    products = (
        LoanProduct(),
        LoanProduct(form="equal_principal", fees=(Fee(name="desk", charged="up_front", amount=500),)),
    )
    batch_flows = amortise(
        LoanBatch.build(products, [0, 1], amount=900_000, annual_rate=0.05, term_months=[24, 12]), START
    )
    for column, (product, term) in enumerate(zip(products, (24, 12), strict=True)):
        one = amortise(LoanBatch.build((product,), [0], amount=900_000, annual_rate=0.05, term_months=term), START)
        np.testing.assert_array_equal(batch_flows.payment[:term, column], one.payment[:, 0])
        assert batch_flows.up_front[column] == one.up_front[0] == (500 if product.fees else 0)
    assert batch_flows.balance[-1].tolist() == [0, 0] and (batch_flows.payment[12:, 1] == 0).all()
