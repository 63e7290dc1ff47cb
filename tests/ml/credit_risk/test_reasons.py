"""Every feature that the model may use has exactly one reason code with texts in both languages."""

from __future__ import annotations

import re

from features.tables import APPLICATIONS
from ml.credit_risk.params import DERIVED
from ml.credit_risk.reasons import REASONS
from ml.signature import feature_columns
from tests.conftest import ROOT
from training.config import load_config

REASON_FEATURES = [feature for features, _, _ in REASONS.values() for feature in features]


def test_every_feature_has_exactly_one_code() -> None:
    assert len(REASON_FEATURES) == len(set(REASON_FEATURES))
    numeric, categorical = feature_columns(APPLICATIONS, list(APPLICATIONS.columns))
    shipped = load_config("credit_risk", ROOT / "configs" / "credit_risk.yaml")
    assert {*numeric, *categorical, *DERIVED} - {*shipped.exclude_features} == set(REASON_FEATURES)


def test_nothing_protected_is_a_reason_and_both_languages_are_there() -> None:
    assert not set(REASON_FEATURES) & APPLICATIONS.protected
    for code, (_, zh, en) in REASONS.items():
        assert re.search(r"[\u4e00-\u9fff]", zh) and en.isascii(), code
