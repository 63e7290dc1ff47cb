"""The rules of the house over HTTP: those of the file, and those of the desk, which are added and ended here."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.recommendation.answer import matching_rows
from ml.recommendation.desk_rules import ADDED, ENDED, DeskRule
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.merchandising import Rule, VehicleSelector
from serving.asgi import Problem
from serving.work.entries import NewWorkEntry, WorkEntry
from serving.work.journal import EntryAnswer, entry_answer
from serving.work.routing import WorkRequest, WorkRoute
from serving.work.storefront.rule_texts import rule_text
from serving.work.storefront.showroom import HouseRules, estimator_of, house_rules, vehicle_names

MAX_RULES = 200


class RuleAnswer(BaseModel):
    """A rule in force."""

    rule_id: str = Field(description="of a rule of the desk; of one of the file its number, such as file-1")
    source: Literal["file", "desk"]
    action: Literal["pin", "boost", "bury", "hide"]
    where: VehicleSelector
    place: int
    places: int
    valid_from: str | None
    valid_until: str | None
    stores: list[str]
    text: Text = Field(description="what it does, in plain words")
    applies_today: bool = Field(description="whether today lies between its first and last day")
    vehicles: int = Field(description="vehicles on offer that it is about")
    overruled_by: str | None = Field(description="a later rule that pins to the same place")
    sequence: int | None = Field(description="number of its entry, to take it back")
    person: str | None
    at: str | None = Field(description="real time of its entry")


class Limits(BaseModel):
    """Limits of every page, from the file."""

    max_per_model: int
    max_per_brand: int
    exploration_share: float
    new_days: float
    made_to_order: bool


class RuleList(BaseModel):
    """Rules in the order in which they are applied, and the limits of every page."""

    items: list[RuleAnswer]
    limits: Limits
    history: list[EntryAnswer] = Field(description="the latest changes at the desk, the last first")


def list_rules(request: WorkRequest) -> RuleList:
    """Answer `GET /v1/storefront/rules`."""
    rules = house_rules(request.context)
    estimator = estimator_of(request.context)
    written = {entry.sequence: entry for entry in request.context.entries.of("rule.")}
    items = rule_answers(rules, estimator, request, written)
    limits = Limits(**{name: getattr(rules.file, name) for name in Limits.model_fields})
    entries = request.context.entries.of("rule.")[-20:]
    return RuleList(items=items, limits=limits, history=[entry_answer(e) for e in reversed(entries)])


def rule_answers(
    rules: HouseRules, estimator: RecommendationEstimator, request: WorkRequest, written: dict[int, WorkEntry]
) -> list[RuleAnswer]:
    """Return the rules of the file and of the desk, in order.

    Parameters
    ----------
    rules : HouseRules
        As returned by `house_rules`.
    estimator : RecommendationEstimator
        Its stock counts the vehicles.
    request : WorkRequest
        Its clock says whether a rule applies today.
    written : dict of int to WorkEntry
        Entries by sequence.
    """
    today = request.context.clock.local().date()
    entries: list[tuple[str, Literal["file", "desk"], int | None, Rule]]
    entries = [(f"file-{i}", "file", None, rule) for i, rule in enumerate(rules.file.rules, 1)]
    entries += [(r.rule_id, "desk", r.sequence, r.rule) for r in rules.desk]
    names = vehicle_names(estimator, (rule for *_, rule in entries))
    everything = np.arange(len(estimator.stock))
    out = []
    for i, (rule_id, source, sequence, rule) in enumerate(entries):
        entry = None if sequence is None else written.get(sequence)
        later = [other_id for other_id, _, _, other in entries[i + 1 :] if _overrules(other, rule)]
        out.append(
            RuleAnswer(
                rule_id=rule_id,
                source=source,
                action=rule.action,
                where=rule.where,
                place=rule.place,
                places=rule.places,
                valid_from=None if rule.valid_from is None else rule.valid_from.isoformat(),
                valid_until=None if rule.valid_until is None else rule.valid_until.isoformat(),
                stores=list(rule.stores),
                text=rule_text(rule, names),
                applies_today=rule.applies(today, rule.stores[0] if rule.stores else None),
                vehicles=int(matching_rows(estimator.stock, rule, everything).sum()),
                overruled_by=later[-1] if later else None,
                sequence=sequence,
                person=None if entry is None else entry.person,
                at=None if entry is None else datetime.fromtimestamp(entry.at / 1e6, UTC).isoformat(),
            )
        )
    return out


def _overrules(later: Rule, rule: Rule) -> bool:
    """Return whether a later rule pins to the same place, on all pages of the other."""
    same_place = later.action == rule.action == "pin" and later.place == rule.place
    return same_place and (not later.stores or (bool(rule.stores) and set(rule.stores) <= set(later.stores)))


def add_rule(request: WorkRequest) -> EntryAnswer:
    """Answer `POST /v1/storefront/rules`: the rule holds on every worker within a second."""
    rule: Rule = limited(request.body, request)
    if len(house_rules(request.context).desk) >= MAX_RULES:
        raise Problem(409, "too_many", f"the desk has {MAX_RULES} rules; end some of them first")
    estimator = estimator_of(request.context)
    unknown = [v for v in rule.where.vehicle_id if v not in estimator.stock.rows]
    if unknown and rule.action != "hide":
        text = f"where.vehicle_id: {', '.join(unknown[:5])} is not on offer; choose a vehicle of the stock"
        raise Problem(422, "invalid", text)
    store = rule.stores[0] if len(rule.stores) == 1 else None
    content = rule.model_dump(mode="json", exclude_defaults=True) | {"action": rule.action}
    entry = NewWorkEntry(ADDED, f"R-{secrets.token_hex(4)}", store, content)
    return _written(request, entry)


def end_rule(request: WorkRequest) -> EntryAnswer:
    """Answer `POST /v1/storefront/rules/{rule_id}/end`: a rule of the desk no longer holds."""
    rule = desk_rule(request.path["rule_id"], request)
    limited(rule.rule, request)
    store = rule.rule.stores[0] if len(rule.rule.stores) == 1 else None
    return _written(request, NewWorkEntry(ENDED, rule.rule_id, store, {"text": rule_text(rule.rule).model_dump()}))


def desk_rule(rule_id: str, request: WorkRequest) -> DeskRule:
    """Return a rule of the desk.

    Raises
    ------
    Problem
        Status 404: there is none. 409: it is a rule of the file, which only the file can end.
    """
    if rule_id.startswith("file-"):
        text = "this rule stands in recommendation_rules.yaml and is ended there; a pin of the desk at its place wins"
        raise Problem(409, "in_file", text)
    rule = next((r for r in house_rules(request.context).desk if r.rule_id == rule_id), None)
    if rule is None:
        raise Problem(404, "not_found", "the desk has no such rule in force; it may have ended meanwhile")
    return rule


def limited(rule: Rule, request: WorkRequest) -> Rule:
    """Return a rule for the stores of the caller; raises `Problem` 403 if it is about pages of other stores."""
    if request.stores is None:
        return rule
    if not rule.stores:
        return rule.model_copy(update={"stores": tuple(sorted(request.stores))})
    for store in rule.stores:
        request.check_store(store)
    return rule


def _written(request: WorkRequest, entry: NewWorkEntry) -> EntryAnswer:
    expected = {entry.subject: request.context.entries.last_sequence(entry.subject)}
    answer = entry_answer(request.context.entries.append([entry], caller=request.caller, expected=expected)[0])
    request.context.store.update_live_data("recommendation")
    return answer


ROUTES = (
    WorkRoute(
        "GET", "/v1/storefront/rules",
        {"zh": "推荐页的运营规则", "en": "Merchandising rules of the storefront in plain words"},
        list_rules, RuleList,
    ),
    WorkRoute(
        "POST", "/v1/storefront/rules",
        {"zh": "新增运营规则", "en": "Add a merchandising rule"},
        add_rule, EntryAnswer, body=Rule,
        example={"action": "pin", "where": {"condition": ["new"]}, "place": 1},
    ),
    WorkRoute(
        "POST", "/v1/storefront/rules/{rule_id}/end",
        {"zh": "结束运营规则", "en": "End a merchandising rule of the desk"},
        end_rule, EntryAnswer,
    ),
)  # fmt: skip
