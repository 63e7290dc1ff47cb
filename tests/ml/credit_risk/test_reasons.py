"""Reason codes cover what the model may read, each feature under one code."""

from __future__ import annotations

import re

from features.tables import APPLICATIONS
from ml.credit_risk.params import DERIVED
from ml.credit_risk.reasons import REASONS
from ml.signature import feature_columns
from tests.conftest import ROOT
from training.config import load_config

SPEAKING = [feature for features, _, _ in REASONS.values() for feature in features]


def test_every_feature_speaks_under_exactly_one_code() -> None:
    assert len(SPEAKING) == len(set(SPEAKING))
    numeric, categorical = feature_columns(APPLICATIONS, list(APPLICATIONS.columns))
    shipped = load_config("credit_risk", ROOT / "configs" / "credit_risk.yaml")
    assert {*numeric, *categorical, *DERIVED} - {*shipped.exclude_features} == set(SPEAKING)


def test_nothing_protected_is_a_reason_and_both_languages_are_there() -> None:
    assert not set(SPEAKING) & APPLICATIONS.protected
    for code, (_, zh, en) in REASONS.items():
        assert re.search(r"[\u4e00-\u9fff]", zh) and en.isascii(), code
