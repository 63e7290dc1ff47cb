"""Conditions of loans as columns, compared with the products one by one."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.offers import PRODUCTS
from ml.domain.loans.conditions import NO_LIMIT, Conditions, SubsidyColumns
from ml.domain.loans.product import Subsidy

loans = st.lists(st.integers(0, len(PRODUCTS) - 1), min_size=1, max_size=12).map(np.array)


@given(product=loans)
def test_every_loan_has_the_conditions_of_its_product(product: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    conditions = Conditions.of(PRODUCTS, product)
    for i, own in enumerate(PRODUCTS[p] for p in product):
        assert conditions.form[i] == own.form and conditions.deferral[i] == own.deferral
        assert conditions.deferred_months[i] == own.deferred_months
        assert conditions.denominator[i] == own.calendar.denominator and conditions.half_up[i] == own.half_up
        assert conditions.calendars[conditions.calendar[i]] == own.calendar
        shares = [f.share[f.loans == i] for f in conditions.fees if i in f.loans]
        assert [int(share[0]) for share in shares] == [round(fee.share * 1e6) for fee in own.fees]
        rates = [s.rate[s.loans == i] for s in conditions.subsidies if i in s.loans]
        assert [int(rate[0]) for rate in rates] == [round(subsidy.rate * 1e6) for subsidy in own.subsidies]


@given(product=loans, data=st.data())
def test_rows_may_be_selected_in_any_order_and_repeatedly(
    product: np.ndarray[tuple[int], np.dtype[np.int64]], data: st.DataObject
) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(product) - 1), min_size=1, max_size=12)))
    part, whole = Conditions.of(PRODUCTS, product).at(rows), Conditions.of(PRODUCTS, product[rows])
    assert part.form.tolist() == whole.form.tolist()
    for name in ("fees", "subsidies"):
        columns = [c for c in getattr(part, name) if len(c.loans)]
        for one, other in zip(columns, getattr(whole, name), strict=True):
            assert all((getattr(one, field) == getattr(other, field)).all() for field in vars(one))


@given(product=loans, first=st.integers(0, 12), count=st.integers(1, 12))
def test_a_slice_has_the_conditions_of_its_rows(
    product: np.ndarray[tuple[int], np.dtype[np.int64]], first: int, count: int
) -> None:
    first, last = min(first, len(product) - 1), min(first + count, len(product))
    part = Conditions.of(PRODUCTS, product).at(slice(first, max(last, first + 1)))
    rows = Conditions.of(PRODUCTS, product).at(np.arange(first, max(last, first + 1)))
    assert part.form.tolist() == rows.form.tolist()
    for name in ("fees", "subsidies"):
        for one, other in zip(getattr(part, name), getattr(rows, name), strict=True):
            assert all((getattr(one, field) == getattr(other, field)).all() for field in vars(one))


def test_a_limit_that_is_not_set_is_no_limit() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, months=12, per_year=500)
    columns = SubsidyColumns.of(np.array([3]), [state], np.array([0]))
    assert (columns.months.tolist(), columns.per_year.tolist()) == ([12], [500])
    assert columns.total.tolist() == columns.principal.tolist() == [NO_LIMIT]
    assert columns.until.tolist() == [date.max.toordinal()]
