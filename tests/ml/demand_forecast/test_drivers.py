"""Contributions in words: added by what they speak of, the strongest first."""

from __future__ import annotations

import numpy as np

from ml.demand_forecast.calendar import COLUMNS
from ml.demand_forecast.drivers import SHOWN, WORDS, told, topic
from ml.demand_forecast.lags import NAMES

GROUPS, DRIVERS = ("store_id", "all"), ("price", "footfall")


def test_contributions_on_one_topic_are_added_and_those_on_none_are_left_out() -> None:
    columns = ["price_then", "price_change", "horizon", "all_trend", NAMES[0]]
    drivers = told(np.log([1.5, 2.0, 9.0, 0.5, 1.001]), columns, groups=GROUPS, drivers=DRIVERS)
    assert [(d.name, d.effect) for d in drivers] == [("price", 2.0), ("all", -0.5)]
    assert drivers[0].en == "its price: +200 %" and drivers[1].zh.endswith("-50%")


def test_at_most_four_are_shown_and_a_dealership_s_own_driver_goes_by_its_name() -> None:
    columns = ["footfall_last", "price_then", "age", "is_brand", "store_id_last", "same_season"]
    drivers = told(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), columns, groups=GROUPS, drivers=DRIVERS)
    assert [d.name for d in drivers] == ["footfall", "price", "age", "is"] and len(drivers) == SHOWN
    assert drivers[0].en.startswith("footfall: ")


def test_every_column_of_the_calendar_speaks_of_something_with_words() -> None:
    topics = {topic(c, groups=(), drivers=()) for c in COLUMNS}
    assert topics <= set(WORDS) and None not in topics
    assert topic("level", groups=(), drivers=()) is None
