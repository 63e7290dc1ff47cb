"""Selection of offers: efficient rows against brute force, labels by definition, their order by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.product import FORMS, LoanProduct
from ml.domain.loans.selection import pareto_efficient, select_rows
from ml.loans.offer_answer import BEST_AT

PAYMENT, TOTAL_COST, DOWN_PAYMENT, DEBT = range(4)

tables = st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=1, max_size=40).map(lambda x: np.array(x, dtype=float))


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    values = draw(tables)
    flags = st.lists(st.booleans(), min_size=len(values), max_size=len(values)).map(np.array)
    return values, draw(flags), draw(flags)


def efficient_by_brute_force(values: Any) -> list[int]:
    def excludes(j: int, i: int) -> bool:
        one, other = values[j], values[i]
        return bool((one <= other).all() and ((one < other).any() or j < i))

    n = len(values)
    return [i for i in range(n) if not any(excludes(j, i) for j in range(n) if j != i)]


@given(values=tables)
def test_efficient_rows_are_those_of_brute_force(values: Any) -> None:
    assert pareto_efficient(values).tolist() == efficient_by_brute_force(values)


@given(values=st.lists(st.floats(allow_nan=False), min_size=0, max_size=20).map(lambda x: np.array(x)[:, None]))
def test_one_column_has_one_efficient_row(values: Any) -> None:
    assert pareto_efficient(values).tolist() == ([int(np.argmin(values))] if len(values) else [])


@given(comparison=comparisons(), count=st.integers(1, 50))
def test_labels_are_given_by_their_definition(comparison: tuple[Any, Any, Any], count: int) -> None:
    values, balloon, requested = comparison
    selection = select_rows(values, count=50, balloon=balloon, requested=requested)
    assert select_rows(values, count=count, balloon=balloon, requested=requested) == selection[:count]
    assert len({row for row, _ in selection}) == len(selection)
    by = {label: row for row, labels in selection for label in labels}
    assert by.keys() <= set(BEST_AT)

    def lowest(label: str, column: int, rows: Any) -> None:
        assert (label in by) == bool(rows.any())
        if label in by:
            assert rows[by[label]] and values[by[label], column] == values[rows, column].min()

    everything = np.ones(len(values), dtype=bool)
    lowest("as_requested", TOTAL_COST, requested)
    lowest("lowest_payment", PAYMENT, ~balloon)
    limit = values[~balloon, PAYMENT].min(initial=np.inf)
    lowest("lowest_payment_balloon", PAYMENT, balloon & (values[:, PAYMENT] < limit))
    lowest("lowest_total_cost", TOTAL_COST, everything)
    lowest("lowest_down_payment", DOWN_PAYMENT, everything)
    lowest("fastest_equity", DEBT, everything)
    if requested.any():
        assert selection[0][0] == by["as_requested"]


@given(comparison=comparisons())
def test_all_rows_but_requested_ones_are_efficient(comparison: tuple[Any, Any, Any]) -> None:
    values, balloon, requested = comparison
    selection = [row for row, _ in select_rows(values, count=50, balloon=balloon, requested=requested)]
    efficient = set(efficient_by_brute_force(np.column_stack([balloon, values])))
    assert efficient <= set(selection)
    assert {row for row in selection if row not in efficient} <= set(np.flatnonzero(requested).tolist())


def test_the_order_by_hand() -> None:
    # Columns: payment, total cost, down payment, debt. The requested rows 2 and 3 are worse than row 1 throughout.
    values = np.array([[5, 9, 1, 9], [6, 5, 1, 5], [7, 6, 2, 6], [6, 7, 2, 6], [3, 8, 1, 9], [8, 8, 8, 8]], dtype=float)
    balloon, requested = np.array([0, 0, 0, 0, 1, 0], dtype=bool), np.array([0, 0, 1, 1, 0, 0], dtype=bool)
    assert select_rows(values, count=9, balloon=balloon, requested=requested) == [
        (2, ("as_requested",)),
        (0, ("lowest_payment", "lowest_down_payment")),
        (4, ("lowest_payment_balloon",)),
        (1, ("lowest_total_cost", "fastest_equity", "balanced")),
        (3, ()),
    ]


def test_of_equal_rows_the_one_without_a_remainder_has_the_labels() -> None:
    values, balloon = np.array([[5, 9, 1, 9], [6, 9, 1, 9]], dtype=float), np.array([True, False])
    selection = dict(select_rows(values, count=9, balloon=balloon, requested=np.zeros(2, dtype=bool)))
    assert selection[0] == ("lowest_payment_balloon",)
    assert selection[1] == ("lowest_payment", "lowest_total_cost", "lowest_down_payment", "fastest_equity", "balanced")
    alone = dict(select_rows(values[:1], count=9, balloon=balloon[:1], requested=np.zeros(1, dtype=bool)))
    assert alone[0][-1] == "balanced"


def test_a_balloon_that_is_not_lower_has_no_label_of_its_own() -> None:
    values = np.array([[5, 9, 1, 9], [5, 8, 1, 9]], dtype=float)
    selection = select_rows(values, count=9, balloon=np.array([False, True]), requested=np.zeros(2, dtype=bool))
    assert "lowest_payment_balloon" not in {label for _, labels in selection for label in labels}
    assert {label: row for row, labels in selection for label in labels}["lowest_payment"] == 0


def test_no_rows_give_no_selection() -> None:
    none = np.zeros(0, dtype=bool)
    assert select_rows(np.empty((0, 4)), count=4, balloon=none, requested=none) == []


def test_principal_is_left_to_maturity_by_two_forms() -> None:
    loans = [form for form in FORMS if form != "finance_lease"]
    forms = [form for form in loans if LoanProduct(form=form).principal_at_maturity]
    assert forms == ["interest_only", "balloon"]
