"""Each study refuses settings that do not apply to its kind of problem."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from tests.conftest import ROOT
from training.config import load_config
from training.studies.by_problem import PanelStudy, RankingStudy, RowStudy, SurveillanceStudy


def test_only_rankings_without_time_may_have_a_split_column() -> None:
    credit = load_config("credit_risk", ROOT / "configs/credit_risk.yaml", settings=["split.column=part"])
    for study in (RowStudy(), PanelStudy(), SurveillanceStudy()):
        with pytest.raises(
            ConfigError, match=r"split\.column: does not apply, credit_risk is split by time or at random; remove it"
        ):
            study.check_config(credit)
    timeless = ["split.column=part", "time=none"]
    RankingStudy().check_config(load_config("recommendation", ROOT / "configs/recommendation.yaml", settings=timeless))
