"""Merchandising rules in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from ml.bilingual import Text
from ml.dates import date_text
from ml.labels import Labels
from ml.recommendation.merchandising import Rule

LABELS = Labels()
NO_NAMES: Mapping[str, str] = MappingProxyType({})
_CODES = ("condition", "body_type", "energy_type")


def rule_text(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> Text:
    """Return what a rule does, to which vehicles, on which pages and when, as one sentence.

    Parameters
    ----------
    rule : Rule
        Rule of the file or of the desk.
    names : mapping of str to str
        Names of vehicles by `vehicle_id`.

    Examples
    --------
    >>> from ml.recommendation.merchandising import VehicleSelector
    >>> rule = Rule(action="pin", where=VehicleSelector(model=("澄舟X5",), condition=("new",)), place=1, stores=("S1",))
    >>> rule_text(rule).zh
    '把“澄舟X5、新车”中排名最前的一辆放在第 1 位，仅门店 S1 的页面'
    >>> rule_text(rule).en
    'Puts the best-ranked vehicle of “澄舟X5, new” at place 1, on pages of store S1 only'
    """
    subject = selector_text(rule, names)
    single = len(rule.where.vehicle_id) == 1
    zh = {
        "pin": f"把{subject.zh}{'' if single else '中排名最前的一辆'}放在第 {rule.place} 位",
        "boost": f"把{subject.zh}上移 {rule.places} 位",
        "bury": f"把{subject.zh}排到最后",
        "hide": f"不展示{subject.zh}",
    }[rule.action]
    place = f"{rule.places} place{'' if rule.places == 1 else 's'}"
    en = {
        "pin": f"Puts {'' if single else 'the best-ranked vehicle of '}{subject.en} at place {rule.place}",
        "boost": f"Moves {subject.en} up by {place}",
        "bury": f"Moves {subject.en} to the end",
        "hide": f"Does not show {subject.en}",
    }[rule.action]
    if rule.stores:
        zh += f"，仅门店 {'、'.join(rule.stores)} 的页面"
        noun = "store" if len(rule.stores) == 1 else "stores"
        en += f", on pages of {noun} {', '.join(rule.stores)} only"
    period = _period(rule.valid_from, rule.valid_until)
    return Text(zh=zh + period.zh, en=en + period.en) if period else Text(zh=zh, en=en)


def selector_text(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> Text:
    """Return the vehicles of a rule in words, in quotes; `names` as in `rule_text`.

    >>> from ml.recommendation.merchandising import VehicleSelector
    >>> selector_text(Rule(action="hide", where=VehicleSelector(vehicle_id=("V1",), energy_type=("hybrid",)))).en
    '“vehicle V1, hybrid”'
    """
    zh: list[str] = []
    en: list[str] = []
    for name, values in rule.where.model_dump().items():
        if not values:
            continue
        if name in _CODES:
            labels = [LABELS.value(name, value) for value in values]
            zh.append(" / ".join(label.zh for label in labels))
            en.append(" or ".join(label.en for label in labels))
        elif name == "vehicle_id":
            zh.append(" / ".join(f"{names[v]}（{v}）" if v in names else f"车辆 {v}" for v in values))
            en.append(" or ".join(f"{names[v]} ({v})" if v in names else f"vehicle {v}" for v in values))
        elif name == "store_id":
            zh.append(f"在 {' / '.join(values)} 门店")
            en.append(f"at store {' or '.join(values)}")
        else:
            zh.append(" / ".join(values))
            en.append(" or ".join(values))
    return Text(zh=f"“{'、'.join(zh)}”", en=f"“{', '.join(en)}”")


def _period(start: date | None, end: date | None) -> Text | None:
    first, last = (None if day is None else date_text(day) for day in (start, end))
    if first is not None and last is not None:
        return Text(zh=f"，{first.zh}至{last.zh}", en=f", from {first.en} to {last.en}")
    if first is not None:
        return Text(zh=f"，自{first.zh}起", en=f", from {first.en}")
    return None if last is None else Text(zh=f"，至{last.zh}止", en=f", until {last.en}")
