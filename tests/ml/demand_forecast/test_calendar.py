"""Calendar features: holidays by country, and errors for unknown countries and time zones."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ConfigError
from ml.demand_forecast.calendar import COLUMNS, calendar
from training.config import load_config

JANUARY_2026 = np.array([672])


@pytest.mark.parametrize("country", ["XX", "cn", "''"])
def test_an_unknown_country_is_refused_with_the_configuration(country: str) -> None:
    with pytest.raises(ConfigError, match=r"params.country: no such country: give an ISO 3166 code .*, got "):
        load_config("demand_forecast", settings=[f"params.country={country}"])
    with pytest.raises(NotImplementedError, match="not available"):
        calendar(JANUARY_2026, "month", country=country)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Asia", "''"])
def test_an_unknown_time_zone_is_refused_with_the_configuration(zone: str) -> None:
    with pytest.raises(ConfigError, match=r"params.timezone: no such time zone: use a name such as .*, got "):
        load_config("demand_forecast", settings=[f"params.timezone={zone}"])


def test_holidays_are_those_of_the_country_and_none_without_a_country() -> None:
    share = {c: dict(zip(COLUMNS, calendar(JANUARY_2026, "month", country=c)[0], strict=True)) for c in ("CN", None)}
    assert share["CN"]["holiday_share"] == pytest.approx(2 / 31)  # the 1st, and the 2nd for Sunday the 4th
    assert share[None]["holiday_share"] == 0 and share[None]["before_festival"] == 0
    assert share[None]["working_share"] == pytest.approx(22 / 31)
