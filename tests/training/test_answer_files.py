"""Prediction files are complete or absent, and a file replaces a source of its own format."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from features.sources import load_sources
from features.sources.table_source import Sample
from tests.conftest import ROOT
from training.answer_files import check_answer_path, replace_source, write_answers
from training.config import load_config

ANSWERS = pl.DataFrame({"lead_id": ["L1", "L2"], "p": [0.25, 0.5]})


@pytest.mark.parametrize("name", ["answers.csv", "answers.parquet"])
def test_predictions_are_written_completely_into_a_new_folder(tmp_path: Path, name: str) -> None:
    out = tmp_path / "new" / name
    write_answers(ANSWERS, out)
    assert (pl.read_csv(out) if out.suffix == ".csv" else pl.read_parquet(out)).equals(ANSWERS)
    assert [p.name for p in out.parent.iterdir()] == [name]


def test_another_format_and_an_unwritable_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.parquet or \.csv, got '\.xlsx'"):
        check_answer_path(tmp_path / "answers.xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="free disk space or choose another path"):
        write_answers(ANSWERS, tmp_path / "file" / "answers.csv")


def test_a_file_replaces_a_source_of_its_format(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config("fault_rate", ROOT / "configs" / "fault_rate.yaml")
    source = replace_source(config, "leads", Path("mine.parquet")).tables["leads"]
    assert source.parquet == "mine.parquet"
    limited = source.model_copy(update={"since": date(2024, 1, 1), "sample": Sample(share=0.1)})
    sources = load_sources(config.sources)
    monkeypatch.setattr(
        "training.answer_files.load_sources",
        lambda path: sources.model_copy(update={"tables": {"leads": limited}}),
    )
    replaced = replace_source(config, "leads", Path("mine.parquet")).tables["leads"]
    assert replaced.since is None and replaced.sample is None, "all rows of a file to score are read"
    with pytest.raises(ConfigError, match=r"--data mine\.csv: .*sources\.yaml does not read leads from a csv file"):
        replace_source(config, "leads", Path("mine.csv"))
