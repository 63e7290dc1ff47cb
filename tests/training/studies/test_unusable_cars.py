"""Tables of used cars without an outcome or a time: the error names what is missing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import ChehangError
from tests.small.residual_value import used_cars, write_residual_value
from training.config import load_config
from training.studies.row_data import LabelledRows

CASES = {
    "no price above 0": (
        pl.lit(0).alias("price"),
        "no row of vehicles has an outcome; check that the outcome column is mapped and filled in",
    ),
    "new cars only": (pl.lit("new").alias("condition"), "the filters of the source keep such rows"),
    "no instant": (None, "time: vehicles has no column 'listed_at'"),
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_error_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    change, message = CASES[case]
    cars = used_cars(rows=200)
    cars = cars.drop("listed_at") if change is None else cars.with_columns(change)
    with pytest.raises(ChehangError, match=message):
        LabelledRows.read(load_config("residual_value", write_residual_value(tmp_path / "data", cars)))
