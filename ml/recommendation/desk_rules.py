"""Merchandising rules that people add at the desk, from the entries in which they did."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from ml.recommendation.merchandising import Rule

log = logging.getLogger("chehang.live_updates")
ADDED, ENDED, UNDO = "rule.added", "rule.ended", "undo"


class DeskRule(NamedTuple):
    """A rule of the desk that is in force.

    Attributes
    ----------
    rule_id : str
        Subject of its entries.
    sequence : int
        Number of the entry that added it.
    rule : Rule
        The rule.
    """

    rule_id: str
    sequence: int
    rule: Rule


def desk_rules(entries: Iterable[tuple[int, str, str, Mapping[str, Any]]]) -> list[DeskRule]:
    """Return the rules in force, in the order in which they were added.

    A rule is added by an entry and ended by another; an entry that takes one back makes it as if it had not been. An
    entry that is no valid rule of this version is logged and left out.

    Parameters
    ----------
    entries : iterable of (int, str, str, mapping)
        Sequence, kind, subject and content, the earliest first.

    Examples
    --------
    >>> rule = {"action": "pin", "where": {"vehicle_id": ["V1"]}, "place": 1}
    >>> entries = [(1, ADDED, "R1", rule), (2, ADDED, "R2", rule), (3, ENDED, "R1", {})]
    >>> [r.rule_id for r in desk_rules(entries)]
    ['R2']
    >>> [r.rule_id for r in desk_rules([*entries, (4, UNDO, "R1", {"sequence": 3, "kind": ENDED})])]
    ['R1', 'R2']
    """
    rows = list(entries)
    undone = {int(content["sequence"]) for _, kind, _, content in rows if kind == UNDO}
    last: dict[str, tuple[int, str, Mapping[str, Any]]] = {}
    for sequence, kind, subject, content in rows:
        if sequence not in undone and kind in (ADDED, ENDED):
            last[subject] = (sequence, kind, content)
    rules = []
    for subject, (sequence, kind, content) in sorted(last.items(), key=lambda item: item[1][0]):
        if kind != ADDED:
            continue
        try:
            rules.append(DeskRule(subject, sequence, Rule.model_validate(content)))
        except ValidationError:
            log.warning("the entry %d of the desk is no valid merchandising rule and is left out", sequence)
    return rules
