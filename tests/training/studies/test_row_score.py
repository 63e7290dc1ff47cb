"""Answers to the rows of a table."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from features.errors import ConfigError
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.config import load_config
from training.studies.row_data import load_examples
from training.studies.row_score import score_rows


def test_rows_have_the_features_of_training(credit_risk: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(credit_risk, "credit_risk", monkeypatch)
    config = load_config("credit_risk", credit_risk.config)
    answers = score_rows(model, config, data=None, as_of=None).sort("application_id")
    examples = load_examples(config).frame.sort("application_id")
    again = answers.join(examples.select("application_id"), on="application_id", how="semi")
    expected = pl.concat([examples.select("application_id"), model.estimator.predict(examples)], how="horizontal")
    assert again.equals(expected)


def test_answers_that_do_not_change_with_time_refuse_an_instant(
    credit_risk: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = champion(credit_risk, "credit_risk", monkeypatch)
    config = load_config("credit_risk", credit_risk.config)
    with pytest.raises(ConfigError, match="--as-of: the answers of credit_risk do not change with time"):
        score_rows(model, config, data=None, as_of=datetime(2024, 1, 1, tzinfo=UTC))
