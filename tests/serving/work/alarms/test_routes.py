"""All endpoints of quality alarms are registered, and have the scopes of their noun."""

from __future__ import annotations

from serving.doors.roles import required_scope
from serving.work.alarms import ROUTES
from serving.work.alarms.answers import AlarmDetail, AlarmList
from serving.work.registry import ROUTES as ALL


def test_reading_and_writing_need_the_scopes_of_the_noun() -> None:
    """A data scientist reads; after-sales people write."""
    scopes = {route.method: required_scope(route.method, route.path) for route in ROUTES}
    assert scopes == {"GET": "fault_rate", "POST": "alarms:write"}
    assert all(route in ALL for route in ROUTES)


def test_names_before_numbers_in_the_order_of_the_routes() -> None:
    """`/v1/alarms/funnel` must not be taken for an alarm."""
    paths = [route.path for route in ROUTES if route.method == "GET"]
    named = [path for path in paths if path.count("/") == 3 and "{" not in path]
    assert max(map(paths.index, named)) < paths.index("/v1/alarms/{alarm_id}")
    assert {route.answer for route in ROUTES} >= {AlarmDetail, AlarmList}
