"""Drivers of a forecast: contributions added by topic, the strongest first."""

from __future__ import annotations

import numpy as np

from ml.demand_forecast.calendar import COLUMNS
from ml.demand_forecast.drivers import MAX_DRIVERS, WORDS, strongest_drivers, topic
from ml.demand_forecast.lags import NAMES

GROUPS, DRIVERS = ("store_id", "all"), ("price", "footfall")


def test_contributions_are_added_by_topic_and_those_without_a_topic_left_out() -> None:
    columns = ["price_then", "price_change", "horizon", "all_trend", NAMES[0]]
    drivers = strongest_drivers(np.log([1.5, 2.0, 9.0, 0.5, 1.001]), columns, groups=GROUPS, drivers=DRIVERS)
    assert [(d.name, d.effect) for d in drivers] == [("price", 2.0), ("all", -0.5)]
    assert drivers[0].en == "price: raises the forecast by 200 %" and drivers[1].zh == "整体市场走势：使预测降低 50%"


def test_at_most_four_are_returned_and_a_dealership_s_own_driver_has_its_column_name() -> None:
    columns = ["footfall_last", "price_then", "age", "is_brand", "store_id_last", "same_season"]
    drivers = strongest_drivers(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), columns, groups=GROUPS, drivers=DRIVERS)
    assert [d.name for d in drivers] == ["footfall", "price", "age", "is"] and len(drivers) == MAX_DRIVERS
    assert drivers[0].en.startswith("“footfall”: ") and drivers[0].zh.startswith("“footfall”相关因素：")


def test_every_calendar_column_has_a_topic_with_words() -> None:
    topics = {topic(c, groups=(), drivers=()) for c in COLUMNS}
    assert topics <= set(WORDS) and None not in topics
    assert topic("baseline", groups=(), drivers=()) is None
