"""The recommendation champion with the rules that hold now, and with others."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import NamedTuple, cast

from features.errors import ChehangError
from ml.home import model_file
from ml.recommendation.desk_rules import DeskRule, desk_rules
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.live_updates import RULES
from ml.recommendation.merchandising import MerchandisingRules, Rule, load_merchandising_rules
from serving.asgi import Problem
from serving.work.routing import WorkContext

TASK = "recommendation"


class HouseRules(NamedTuple):
    """The rules of the file, and those of the desk, which are applied after them.

    Attributes
    ----------
    file : MerchandisingRules
        Limits and rules of `recommendation_rules.yaml`.
    desk : list of DeskRule
        Rules that people have added, in that order.
    """

    file: MerchandisingRules
    desk: list[DeskRule]

    def combined(self, *, without: str | None = None, draft: Rule | None = None) -> MerchandisingRules:
        """Return all rules in the order in which they are applied.

        Parameters
        ----------
        without : str, optional
            Identifier of a rule of the desk to leave out.
        draft : Rule, optional
            Rule to apply last.

        Examples
        --------
        >>> from ml.recommendation.merchandising import VehicleSelector
        >>> rule = Rule(action="bury", where=VehicleSelector(brand=("X",)))
        >>> rules = HouseRules(MerchandisingRules(), [DeskRule("R1", 1, rule)])
        >>> len(rules.combined().rules), len(rules.combined(without="R1").rules), len(rules.combined(draft=rule).rules)
        (1, 0, 2)
        """
        desk = [r.rule for r in self.desk if r.rule_id != without]
        return self.file.model_copy(update={"rules": (*self.file.rules, *desk, *([draft] if draft else []))})


def estimator_of(context: WorkContext) -> RecommendationEstimator:
    """Return the estimator of the recommendation champion.

    Raises
    ------
    Problem
        Status 503 (`no_champion`): there is none.
    """
    champion = context.store.current(TASK)
    if champion is None:
        raise Problem(503, "no_champion", context.store.missing_champion(TASK))
    return cast("RecommendationEstimator", champion.estimator)


def house_rules(context: WorkContext) -> HouseRules:
    """Return the rules that hold now, those that another worker has written a moment ago included.

    Raises
    ------
    Problem
        Status 503 (`endpoint_disabled`): the file of rules is invalid.
    """
    path = model_file(context.configs, RULES)
    try:
        file = load_merchandising_rules(path) if path.is_file() else MerchandisingRules()
    except ChehangError as e:
        raise Problem(503, "endpoint_disabled", str(e)) from None
    entries = context.entries
    rows = [(e.sequence, e.kind, e.subject, e.content) for e in entries.of("rule.")]
    return HouseRules(file, desk_rules(rows))


def vehicle_names(estimator: RecommendationEstimator, rules: Iterable[Rule]) -> dict[str, str]:
    """Return model and version of the single vehicles that rules are about, by `vehicle_id`."""
    stock = estimator.stock
    rows = {v: stock.rows[v] for rule in rules for v in rule.where.vehicle_id if v in stock.rows}
    columns = [stock.shown[n] for n in ("model", "trim") if n in stock.shown]
    names = {v: " ".join(str(c[row]) for c in columns if c[row]) for v, row in rows.items()}
    return {v: name for v, name in names.items() if name}


def with_rules(estimator: RecommendationEstimator, rules: MerchandisingRules) -> RecommendationEstimator:
    """Return the estimator with other rules; the served one stays as it is."""
    other = copy(estimator)
    other.merchandising = rules
    return other
