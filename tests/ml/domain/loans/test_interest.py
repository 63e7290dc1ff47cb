"""Division of interest among payers, computed by hand and by a plain loop."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.interest import _limit_by_year, divide_interest
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.product import LoanProduct, Subsidy

START = date(2026, 1, 15)


def test_shares_of_the_interest_add_up_to_the_contract_s() -> None:
    subsidy = Subsidy(payer="maker", rate=0.02, months=1, lowers_instalment=False)
    products = (LoanProduct(subsidies=(subsidy,)), LoanProduct())
    batch = LoanBatch.build(products, [0, 1], amount=1_200_000, annual_rate=0.06, term_months=2)
    base, numerator = np.array([[1_200_000] * 2, [600_000] * 2]), np.full((2, 2), 30)
    borrower, (paid,) = divide_interest(batch, base, numerator, batch.conditions.periods(START, 2))
    assert paid.tolist() == [[2_000], [0]]  # 12,000 yuan at 2 % for a month, and nothing after it
    assert (borrower[:, :1] + paid).ravel().tolist() == borrower[:, 1].tolist() == [6_000, 3_000]


@given(
    columns=st.lists(
        st.tuples(st.lists(st.integers(0, 99), min_size=30, max_size=30), st.integers(1, 12), st.integers(0, 500)),
        min_size=1,
        max_size=4,
    )
)
def test_a_limit_by_year_is_that_of_a_plain_loop(columns: list[tuple[list[int], int, int]]) -> None:
    amounts = np.array([amount for amount, _, _ in columns]).T
    years = np.array([[2026 + (month + k) // 12 for k in range(30)] for _, month, _ in columns]).T
    limits = np.array([[limit + (year == 2026) for year in years[:, i]] for i, (*_, limit) in enumerate(columns)]).T
    result = _limit_by_year(amounts, years, limits)
    for i in range(len(columns)):
        paid: dict[int, int] = {}
        for k, year in enumerate(years[:, i].tolist()):
            part = min(int(amounts[k, i]), int(limits[k, i]) - paid.get(year, 0))
            paid[year] = paid.get(year, 0) + part
            assert result[k, i] == part
