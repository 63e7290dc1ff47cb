"""How soon a raised rate would be known."""

from __future__ import annotations

from serving.work.alarms.power import RATIOS
from tests.serving.work.alarms.conftest import Work


def test_a_larger_rise_is_known_sooner(work: Work) -> None:
    """Brakes of A fail often enough that twice the rate is known within the horizon."""
    power = work.get("/v1/alarms/power?model=A&component=brakes")
    assert [row["rate_ratio"] for row in power["rows"]] == list(RATIOS)
    weeks = [row["weeks_p50"] or 999 for row in power["rows"]]
    assert weeks == sorted(weeks, reverse=True) and weeks[-1] < 52 and power["expected_yearly"] > 50
    assert power == work.get("/v1/alarms/power?model=A&component=brakes")


def test_a_component_that_no_vehicle_has_is_never_known(work: Work) -> None:
    """No vehicle of E has a pump."""
    power = work.get("/v1/alarms/power?model=E&component=pump")
    assert power["rows"] == [] and "zero exposure" in power["reason"]
    assert work.get("/v1/alarms/power?model=E&component=wings", 422)["code"]
