"""Rules on their page: added, ended, taken back and exported."""

from __future__ import annotations

import re

from serving.desk.areas.storefront.rules import RULES
from tests.serving.desk.areas.storefront.conftest import Send


def add(send: Send, **fields: str) -> None:
    answer = send(RULES, {"action": "pin", "vehicle_id": "N1", "place": "2", **fields})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/desk/storefront")


def test_without_rules_the_page_says_that_the_model_alone_decides(send: Send) -> None:
    html = send(RULES).text
    assert "No rules of the house" in html and "Nothing yet" in html


def test_a_rule_is_saved_listed_and_numbered_on_its_card(send: Send) -> None:
    add(send, customer="K1")
    html = send(RULES).text
    assert re.search(r"<h1>1 rule of the house, 1 of them from the desk</h1>", html)
    assert "at place 2" in html and "added the rule R-" in html
    preview = send("/desk/storefront").text
    assert preview.count("#rule-1") == 1 and 'id="rule-1"' in preview


def test_after_saving_the_person_is_back_at_the_visitor(send: Send) -> None:
    answer = send(RULES, {"action": "bury", "vehicle_id": "N1", "customer": "K1"})
    assert answer.headers["location"] == "/desk/storefront?customer=K1&notice=storefront.notice.added"


def test_a_rule_ends_after_a_look_at_what_moves_and_comes_back(send: Send) -> None:
    add(send)
    end = re.findall(r'href="(/desk/storefront\?without=R-\w+)"', send(RULES).text)[0]
    html = send(end).text
    assert "Ending this rule" in html
    target = re.findall(r'action="(/desk/storefront/rules/R-\w+/end)"', html)[0]
    assert send(target, {}).status_code == 303
    html = send(RULES).text
    assert "No rules of the house" in html
    undo = re.findall(r'action="(/desk/storefront/entries/\d+/undo)"', html)[0]
    assert send(undo, {}).headers["location"] == f"{RULES}?notice=storefront.notice.undone"
    assert "1 rule of the house" in send(RULES).text


def test_rules_are_exported_with_readable_headings(send: Send) -> None:
    add(send)
    lines = send(f"{RULES}?export=csv").content.decode("utf-8-sig").splitlines()
    assert lines[0] == 'Order,Rule,"Rule, remark",Source,On offer,Who,When'
    assert lines[1].startswith("1,Puts “")
    assert send(f"{RULES}?export=xlsx").content[:2] == b"PK"


def test_a_rule_that_the_endpoint_refuses_is_an_error_page(send: Send) -> None:
    assert send(RULES, {"action": "pin", "vehicle_id": "gone"}).status_code == 422
