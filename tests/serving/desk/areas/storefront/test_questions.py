"""From the address of the page to the bodies of the endpoints."""

from __future__ import annotations

from serving.desk.areas.storefront.questions import MAX_VIEWED, address, drafted_rule, recommendation_request, viewed


def test_a_number_that_is_none_is_left_out() -> None:
    body = recommendation_request({"budget_low": "much", "seats": "7", "payment": "0"}, None)
    assert body == {"n": 12, "session": [], "profile": {"household_size": 7}}


def test_a_session_has_its_last_vehicles() -> None:
    names = [f"V{i}" for i in range(MAX_VIEWED + 5)]
    assert viewed({"viewed": ",".join(names)}) == names[5:]


def test_a_draft_and_a_notice_do_not_stay_in_links() -> None:
    query = {"customer": "K1", "without": "R-1", "page": "2", "action": "pin"}
    assert address(query) == "/desk/storefront?customer=K1"
    assert address(query, customer=None) == "/desk/storefront"


def test_a_rule_has_only_what_its_action_needs() -> None:
    fields = {"action": "boost", "model": "X5", "place": "3", "places": "4", "only_store": "1", "valid_until": ""}
    assert drafted_rule(fields, None) == {"action": "boost", "where": {"model": ["X5"]}, "places": 4}
