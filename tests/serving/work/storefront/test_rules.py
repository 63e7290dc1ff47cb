"""Rules of the file and of the desk: who adds and ends them, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.recommendation.merchandising import Rule
from serving.asgi import Problem
from serving.doors.roles import ROLES, required_scope
from serving.work import storefront
from serving.work.routing import WorkContext, WorkRoute
from serving.work.storefront.preview import preview
from serving.work.storefront.rules import add_rule, end_rule, list_rules
from tests.serving.work.storefront.conftest import Ask


def rule(**fields: object) -> Rule:
    return Rule.model_validate({"action": "pin", "where": {"vehicle_id": ["N1"]}, **fields})


@pytest.mark.parametrize("route", storefront.ROUTES, ids=lambda route: route.operation)
def test_only_those_with_the_right_change_rules(route: WorkRoute) -> None:
    writes = route.path.endswith(("/rules", "/end")) and route.method == "POST"
    scope = required_scope(route.method, route.path)
    assert scope == ("rules:write" if writes else "recommendation")
    assert (scope in ROLES["sales"]) != writes and scope in ROLES["manager"]


def test_a_rule_is_added_ended_and_taken_back(ask: Ask, context: WorkContext) -> None:
    entry = add_rule(ask(body=rule()))
    listed = list_rules(ask())
    assert [(r.rule_id, r.source, r.person, r.vehicles) for r in listed.items] == [(entry.subject, "desk", "Li", 1)]
    assert listed.items[0].text.zh == "把“suv1（N1）”放在第 1 位"
    ended = end_rule(ask(path={"rule_id": entry.subject}))
    assert list_rules(ask()).items == []
    context.entries.undo(ended.sequence, caller=None)
    assert [r.rule_id for r in list_rules(ask()).items] == [entry.subject]
    assert [e.kind for e in list_rules(ask()).history] == ["rule.added"]


def test_the_file_is_never_written_and_a_pin_of_the_desk_wins_at_its_place(ask: Ask, context: WorkContext) -> None:
    path = Path(context.configs, "recommendation_rules.yaml")
    text = "rules:  # a remark\n  - {action: pin, where: {vehicle_id: [N2]}, place: 1}\n"
    path.write_text(text, encoding="utf-8")
    entry = add_rule(ask(body=rule()))
    assert path.read_text(encoding="utf-8") == text
    first, second = list_rules(ask()).items
    assert (first.rule_id, first.source, first.overruled_by) == ("file-1", "file", entry.subject)
    assert (second.source, second.overruled_by) == ("desk", None)
    with pytest.raises(Problem) as problem:
        end_rule(ask(path={"rule_id": "file-1"}))
    assert problem.value.status == 409


def test_an_invalid_file_says_what_to_do(ask: Ask, context: WorkContext) -> None:
    Path(context.configs, "recommendation_rules.yaml").write_text("max_per_model: many\n", encoding="utf-8")
    with pytest.raises(Problem, match="endpoint_disabled") as problem:
        list_rules(ask())
    assert problem.value.status == 503


def test_somebody_of_one_store_makes_rules_for_its_pages(ask: Ask) -> None:
    entry = add_rule(ask(body=rule(), stores=["S1"]))
    assert (entry.store_id, entry.content["stores"]) == ("S1", ["S1"])
    with pytest.raises(Problem) as problem:
        add_rule(ask(body=rule(stores=["S2"]), stores=["S1"]))
    assert problem.value.status == 403
    elsewhere = add_rule(ask(body=rule(stores=["S2"])))
    with pytest.raises(Problem):
        end_rule(ask(path={"rule_id": elsewhere.subject}, stores=["S1"]))


def test_a_vehicle_that_is_not_on_offer_is_refused(ask: Ask) -> None:
    with pytest.raises(Problem, match="invalid") as problem:
        add_rule(ask(body=rule(where={"vehicle_id": ["gone"]})))
    assert "gone is not on offer" in str(problem.value.message)


def test_a_rule_that_does_not_exist_is_404(ask: Ask) -> None:
    with pytest.raises(Problem) as problem:
        end_rule(ask(path={"rule_id": "R-0"}))
    assert problem.value.status == 404


def test_what_the_desk_adds_holds_on_the_page_at_once(ask: Ask) -> None:
    from serving.work.storefront.preview import PreviewBody

    add_rule(ask(body=rule(place=3)))
    page = preview(ask(body=PreviewBody.model_validate({"request": {"n": 5}})))
    assert page.items[2].vehicle_id == "N1" and page.items[2].pinned and page.items[2].rules != []
