"""150,000 real borrowers through the ordinary command line, with nothing but YAML."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.commands import chehang
from tests.reports import trained_report

CONFIG = Path(__file__).parents[2] / "configs" / "examples" / "give_me_some_credit" / "credit_risk.yaml"


@pytest.mark.realdata
def test_trained_promoted_and_scored(tmp_path: Path, data_folder: Path) -> None:
    data = {"CHEHANG_DATA": str(data_folder)}
    fast = ("--set", "params.boosted_trees.bag=1", "--set", "bootstraps=50")
    done = chehang("train", "credit_risk", "-c", str(CONFIG), *fast, "--json", home=tmp_path, **data)
    report = trained_report(json.loads(done.stdout))
    # Far above or below would be a leak or a fault; the test part of this split is harder than average.
    assert 0.855 < report.metrics["roc_auc"].value < 0.875  # type: ignore[operator]
    assert report.metrics["expected_calibration_error"].value < 0.006  # type: ignore[operator]
    assert "the data has no time" in report.protocol
    chehang("promote", "credit_risk", home=tmp_path)
    out = tmp_path / "answers.parquet"
    chehang("score", "credit_risk", "-c", str(CONFIG), "--out", str(out), home=tmp_path, **data)
    assert pl.read_parquet(out).height == 150_000
