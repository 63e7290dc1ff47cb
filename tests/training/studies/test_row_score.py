"""Batch predictions for the rows of a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import polars as pl
import pytest

from features.errors import ConfigError
from ml.problem import BinaryProblem
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.config import load_config
from training.studies.row_data import LabelledRows
from training.studies.row_score import score_rows
from training.studies.task_tables import read_task_tables


def test_rows_have_the_features_of_training(credit_risk: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(credit_risk, "credit_risk", monkeypatch)
    config = load_config("credit_risk", credit_risk.config)
    answers = score_rows(model, config, data=None, as_of=None).sort("application_id")
    examples = LabelledRows.read(config).frame.sort("application_id")
    trained_rows = answers.join(examples.select("application_id"), on="application_id", how="semi")
    expected = pl.concat([examples.select("application_id"), model.estimator.predict(examples)], how="horizontal")
    assert trained_rows.equals(expected)


def test_rows_closed_before_the_instant_are_left_out(lead_scoring: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(lead_scoring, "lead_scoring", monkeypatch)
    config = load_config("lead_scoring", lead_scoring.config)
    leads = read_task_tables(config, extra={}).frames["leads"].collect()
    instant = int(leads["created_at"].quantile(0.8, "nearest") or 0)
    as_of = datetime.fromtimestamp(instant / 1e6, UTC)
    open_leads = (pl.col("converted_at") >= instant) | pl.col("converted_at").is_null()
    created = leads.filter(pl.col("created_at") <= instant)
    assert 0 < created.filter(open_leads).height < created.height
    answers = score_rows(model, config, data=None, as_of=as_of)
    assert set(answers["lead_id"]) == set(created.filter(open_leads)["lead_id"])
    problem = replace(cast("BinaryProblem", model.task.problem), closing_columns=("first_contact_at",))
    other = replace(model, task=replace(model.task, problem=problem))
    waiting = (pl.col("first_contact_at") >= instant) | pl.col("first_contact_at").is_null()
    assert set(score_rows(other, config, data=None, as_of=as_of)["lead_id"]) == set(created.filter(waiting)["lead_id"])


def test_as_of_is_refused_for_predictions_that_do_not_depend_on_time(
    credit_risk: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = champion(credit_risk, "credit_risk", monkeypatch)
    config = load_config("credit_risk", credit_risk.config)
    with pytest.raises(ConfigError, match="--as-of: the predictions of credit_risk do not depend on time"):
        score_rows(model, config, data=None, as_of=datetime(2024, 1, 1, tzinfo=UTC))
