"""Batch predictions of each kind of problem."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.config import load_config
from training.score import score


def test_every_customer_gets_a_list(recommendation: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(recommendation, "recommendation", monkeypatch)
    out = tmp_path / "lists.parquet"
    assert (
        score(model, load_config("recommendation", recommendation.config), data=None, out=out)
        == pl.read_parquet(out).height
    )
    lists = pl.read_parquet(out)
    assert lists["customer_id"].n_unique() == 400
    assert lists.group_by("customer_id").agg(pl.col("place").sort())["place"].list.max().max() == 10
    assert lists.select("customer_id", "vehicle_id").is_duplicated().sum() == 0


@pytest.mark.parametrize(("task", "key"), [("demand_forecast", "horizon"), ("fault_rate", "component")])
def test_series_and_cells_are_rows_of_the_file(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, key: str
) -> None:
    owner: Trained = request.getfixturevalue(task)
    model, out = champion(owner, task, monkeypatch), tmp_path / "answers.csv"
    rows = score(model, load_config(task, owner.config), data=None, out=out)
    answers = pl.read_csv(out)
    assert answers.height == rows > 1 and {"model", key} <= set(answers.columns)


def test_the_input_file_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is the input file of --data"):
        score(None, None, data=tmp_path / "x.csv", out=tmp_path / "x.csv")  # type: ignore[arg-type]
