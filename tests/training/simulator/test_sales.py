"""Prices, promotions and margins of sales."""

from __future__ import annotations

import dataclasses

import numpy as np

from tests.training.simulator.small_group import (
    CATALOGUE,
    END,
    MARKET,
    START,
    WINDOW,
    make_journeys,
    make_units,
)
from training.simulator.sales import build_sales
from training.simulator.seasons import DAY


def test_a_sale_is_priced_below_the_list_by_its_promotion() -> None:
    promotion = MARKET.promotion.copy()
    promotion[0, 0, 1] = 0.08  # model 0 in February
    market = dataclasses.replace(MARKET, promotion=promotion)
    units = make_units(
        4,
        journey=[0, 1, -1, 2],
        sold_at=[START + 40 * DAY, START + DAY, START + 2 * DAY, END],
        price=100_000,
        cost=90_000,
        used=[False, True, False, False],
    )
    sales = build_sales(
        np.random.default_rng(0), units, make_journeys(3), catalogue=CATALOGUE, market=market, window=WINDOW
    )
    assert len(sales) == 2
    assert sales.unit.tolist() == [1, 0]  # by time; unit 2 has no buyer, unit 3 is sold after the end
    assert sales.promotion.tolist() == [0.0, 0.08]
    assert 97_500 <= sales.price[0] <= 100_000 and 89_700 <= sales.price[1] <= 92_000
    assert (sales.price % 100 == 0).all()
    assert np.allclose(sales.margin, sales.price - 90_000)
