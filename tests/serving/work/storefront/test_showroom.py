"""Rules of file and desk together; the served estimator stays as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.merchandising import MerchandisingRules
from serving.asgi import Problem
from serving.work.routing import WorkContext
from serving.work.storefront.showroom import estimator_of, house_rules, with_rules


def test_other_rules_leave_the_served_estimator_alone(estimator: RecommendationEstimator) -> None:
    before = estimator.merchandising
    other = with_rules(estimator, MerchandisingRules(max_per_model=9))
    assert other.merchandising.max_per_model == 9 and estimator.merchandising is before
    assert other.stock is estimator.stock


def test_without_a_file_the_defaults_hold(context: WorkContext) -> None:
    rules = house_rules(context)
    assert rules.file == MerchandisingRules() and rules.desk == []


def test_without_a_champion_the_reason_is_passed_on() -> None:
    store = SimpleNamespace(current=lambda task: None, missing_champion=lambda task: f"train {task}")
    context: Any = SimpleNamespace(store=store)
    with pytest.raises(Problem, match="no_champion"):
        estimator_of(context)
