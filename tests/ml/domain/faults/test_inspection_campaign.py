"""Faults to come and faults that inspections avoid, computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.faults.inspection_campaign import (
    Outlook,
    avoided_faults,
    faults_to_come,
    interval_of,
    parts_to_stock,
    ratio_nodes,
)


def outlook(rate: float, *, years: float = 6.0, slices: int = 12, leaving: float = 0.0, **fields: Any) -> Outlook:
    """One vehicle with a constant rate a year."""
    edges = np.linspace(0, years, slices + 1)
    content: dict[str, Any] = {
        "edges": edges,
        "baseline": np.full((1, slices), rate * years / slices),
        "in_service": np.exp(-leaving * edges)[None, :],
        "discount_rate": 0.0,
        "repaired_until": np.zeros(1),
    }
    return Outlook(**(content | fields))


def avoided(future: Outlook, ratio: float, *, effect: float = 1.0, visit: float = 0.0) -> float:
    return float(avoided_faults(future, np.array([ratio]), repair_effectiveness=effect, visit=[visit]).faults[0, 0])


def test_one_vehicle_at_a_known_rate_without_discount() -> None:
    """Rate .1 a year, four times as often, six years: 75% of the first faults before the horizon are avoided."""
    first_fault = 1 - np.exp(-0.1 * 4 * 6)
    assert avoided(outlook(0.1), 4.0) == pytest.approx(0.75 * first_fault)
    assert avoided(outlook(0.1), 4.0, effect=0.5) == pytest.approx(0.5 * 0.75 * first_fault)
    # At the baseline rate a repaired vehicle has 0.6 faults; each first fault of an unrepaired one costs .75 more.
    come = faults_to_come(outlook(0.1), np.array([4.0]), repair_effectiveness=1.0)
    assert come[0, 0] == pytest.approx(0.6 + 0.75 * first_fault)
    # A repair without effect leaves a Poisson process of the elevated rate.
    assert faults_to_come(outlook(0.1), np.array([4.0]), repair_effectiveness=0.0)[0, 0] == pytest.approx(2.4)


def test_a_later_visit_avoids_the_first_faults_after_it() -> None:
    """A visit after 1.3 years, which lies within a slice, and one after the horizon."""
    expected = 0.75 * (np.exp(-0.4 * 1.3) - np.exp(-0.4 * 6))
    assert avoided(outlook(0.1), 4.0, visit=1.3) == pytest.approx(expected, rel=1e-9)
    assert avoided(outlook(0.1), 4.0, visit=6.5) == 0


def test_a_repaired_part_is_renewed_until_its_repair_ends() -> None:
    """Repaired for another 4.5 years: only the first faults of the last 1.5 years can be avoided.

    Until then the part fails at the baseline rate, .1 a year, and a fault renews the repair.
    """
    future = outlook(0.1, repaired_until=np.array([4.5]))
    late = np.exp(-0.1 * 4.5) * (1 - np.exp(-0.4 * 1.5))
    assert avoided(future, 4.0) == pytest.approx(0.75 * late)
    assert faults_to_come(future, np.array([4.0]), repair_effectiveness=1.0)[0, 0] == pytest.approx(0.6 + 0.75 * late)
    assert avoided(outlook(0.1, repaired_until=np.array([6.0])), 4.0) == 0
    # With half an effect the repaired part fails 2.5 times as often as the baseline, and half as much is avoided.
    late = np.exp(-0.25 * 4.5) * (1 - np.exp(-0.4 * 1.5))
    assert avoided(future, 4.0, effect=0.5) == pytest.approx(0.5 * 0.75 * late)


def test_vehicles_are_computed_alike_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [outlook(rate, repaired_until=np.array([rate * 20])) for rate in (0.1, 0.2, 0.3)]
    fields = {n: np.concatenate([getattr(o, n) for o in parts]) for n in ("baseline", "in_service", "repaired_until")}
    together = Outlook(edges=parts[0].edges, discount_rate=0.0, **fields)
    arguments: dict[str, Any] = {"repair_effectiveness": 0.9, "visit": [0.0, 1.0, 2.0]}
    whole = avoided_faults(together, np.array([1.5, 3.0]), **arguments)
    monkeypatch.setattr("ml.domain.faults.inspection_campaign.ROWS_AT_ONCE", 2)
    divided = avoided_faults(together, np.array([1.5, 3.0]), **arguments)
    for name in ("faults", "discounted", "by_slice"):
        assert getattr(divided, name) == pytest.approx(getattr(whole, name))
    single = [avoided(o, 3.0, effect=0.9, visit=v) for o, v in zip(parts, (0.0, 1.0, 2.0), strict=True)]
    assert whole.faults[1].tolist() == pytest.approx(single)


def test_money_is_discounted_and_weighted_by_survival() -> None:
    """One slice of two years: survival at its middle is the mean of 1 and .5, the discount factor that of one year."""
    future = outlook(0.1, years=2.0, slices=1, in_service=np.array([[1.0, 0.5]]), discount_rate=0.25)
    result = avoided_faults(future, np.array([2.0]), repair_effectiveness=1.0, visit=[0.0])
    faults = 0.75 * 0.5 * (1 - np.exp(-0.4))
    assert result.faults[0, 0] == pytest.approx(faults)
    assert result.discounted[0, 0] == pytest.approx(faults / 1.25)
    assert result.by_slice.tolist() == [[pytest.approx(faults / 1.25)]]


def test_a_ratio_below_one_has_no_excess_faults() -> None:
    assert avoided(outlook(0.1), 0.7) == 0
    assert faults_to_come(outlook(0.1), np.array([0.5]), repair_effectiveness=0.9)[0, 0] == pytest.approx(0.3)


@given(
    rates=st.lists(st.floats(0, 2), min_size=4, max_size=4), ratio=st.floats(0.2, 9), effect=st.floats(0, 1),
    repaired=st.floats(0, 6), leaving=st.floats(0, 0.5), discount=st.floats(0, 0.3),
)  # fmt: skip
def test_a_repaired_vehicle_never_gains_more_than_its_unrepaired_twin(
    rates: list[float], ratio: float, effect: float, repaired: float, leaving: float, discount: float
) -> None:
    """If inspected today, for any season and ageing, as long as survival and discount fall with time.

    Later the twin may have failed already, and have its repair.
    """
    twin = outlook(0.1, slices=4, leaving=leaving, baseline=np.array([rates]), discount_rate=discount)
    fields = {n: getattr(twin, n) for n in ("edges", "baseline", "in_service", "discount_rate")}
    same = Outlook(**fields, repaired_until=np.array([repaired]))
    pair = [
        avoided_faults(o, np.array([ratio]), repair_effectiveness=effect, visit=[0.0]).discounted[0, 0]
        for o in (twin, same)
    ]
    assert pair[1] <= pair[0] + 1e-9
    come = [faults_to_come(o, np.array([ratio]), repair_effectiveness=effect)[0, 0] for o in (twin, same)]
    assert come[1] <= come[0] + 1e-9
    assert pair[0] <= come[0] + 1e-9


def test_nodes_have_the_mean_of_the_posterior_and_the_interval_its_quantiles() -> None:
    nodes = ratio_nodes((50.0, 20.0))
    assert nodes.mean() == pytest.approx(2.5, rel=1e-3) and len(nodes) == 20
    low, high = interval_of(nodes)
    assert (low, high) == (pytest.approx(1.948, abs=0.02), pytest.approx(3.108, abs=0.03))
    assert interval_of([0.0] * 19 + [40.0])[1] >= 2.0  # the mean of a skewed figure lies within its interval


def test_parts_suffice_with_the_service_level() -> None:
    """Nobody comes, 9 faults expected: the 95% quantile of a Poisson distribution of mean 9 is 14."""
    assert parts_to_stock(50, 0.0, np.full(20, 9.0), service_level=0.95) == 14
    assert parts_to_stock(50, 1.0, np.zeros(20), service_level=0.5) == 50
    with pytest.raises(ValueError, match="visit_probability"):
        parts_to_stock(1, 1.2, [0.0], service_level=0.9)
    with pytest.raises(ValueError, match="service_level"):
        parts_to_stock(1, 0.2, [0.0], service_level=9)


def test_numbers_out_of_their_range_are_named() -> None:
    with pytest.raises(ValueError, match="posterior"):
        ratio_nodes((0.0, 1.0))
    with pytest.raises(ValueError, match="repair_effectiveness"):
        avoided(outlook(0.1), 2.0, effect=1.2)
