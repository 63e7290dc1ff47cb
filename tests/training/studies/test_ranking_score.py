"""Batch scoring: lists for every customer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.config import load_config
from training.studies.ranking_score import score_customers


def test_a_file_replaces_the_customers_table(
    recommendation: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = champion(recommendation, "recommendation", monkeypatch)
    config = load_config("recommendation", recommendation.config)
    few = pl.read_parquet(config.sources.parent / "customers.parquet").head(3)
    few.write_parquet(tmp_path / "few.parquet")
    lists = score_customers(model, config, data=tmp_path / "few.parquet", as_of=None)
    assert set(lists["customer_id"]) == set(few["customer_id"]) and lists["place"].min() == 1
    with pytest.raises(ConfigError, match="--as-of: lists are made from the current stock"):
        score_customers(model, config, data=None, as_of=datetime(2024, 1, 1, tzinfo=UTC))
