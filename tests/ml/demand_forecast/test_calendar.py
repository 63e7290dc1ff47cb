"""The calendar of periods: whose holidays count, and what is told where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ConfigError
from ml.demand_forecast.calendar import COLUMNS, calendar

JANUARY_2026 = np.array([672])


@pytest.mark.parametrize("country", ["XX", "cn", ""])
def test_a_country_without_a_calendar_is_named(country: str) -> None:
    with pytest.raises(ConfigError, match=f"params.country: '{country}' is unknown; give an ISO 3166 code"):
        calendar(JANUARY_2026, "month", country=country)


def test_holidays_are_those_of_the_country_and_none_of_none() -> None:
    share = {c: dict(zip(COLUMNS, calendar(JANUARY_2026, "month", country=c)[0], strict=True)) for c in ("CN", None)}
    assert share["CN"]["holiday_share"] == pytest.approx(2 / 31)  # the 1st, and the 2nd for Sunday the 4th
    assert share[None]["holiday_share"] == 0 and share[None]["before_festival"] == 0
    assert share[None]["working_share"] == pytest.approx(22 / 31)
