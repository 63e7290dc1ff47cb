"""Signals: counts that can be checked by hand, a planted pair that is ranked first, and tables that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError
from training.runs.signals import FIGURES, PairColumns, signals

MODELS, COMPONENTS = [f"M{k:02d}" for k in range(20)], [f"C{k:02d}" for k in range(15)]


def _table(planted: int = 60) -> pl.DataFrame:
    """Independent Poisson counts, except for one pair that is counted more often."""
    rng = np.random.default_rng(0)
    mean = rng.gamma(3.0, 1.0, len(MODELS))[:, None] * rng.gamma(2.0, 1.0, len(COMPONENTS))[None, :]
    counts = rng.poisson(mean)
    counts[4, 7] += planted
    model, component = np.meshgrid(MODELS, COMPONENTS, indexing="ij")
    return pl.DataFrame({"model": model.ravel(), "component": component.ravel(), "count": counts.ravel()})


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A table of pairs."""
    path = tmp_path / "pairs.parquet"
    _table().write_parquet(path)
    return path


def test_a_planted_pair_is_ranked_first(pairs: Path) -> None:
    result = signals(pairs)
    table, lines = result.table, _table()
    assert table.columns == ["model", "component", *FIGURES]
    assert table.height == lines.filter(pl.col("count") > 0).height and result.total == lines["count"].sum()
    first = table.row(0, named=True)
    assert (first["model"], first["component"]) == ("M04", "C07")
    assert first["eb05"] > 2 and (table["eb05"].tail(-1) < 2).all()
    assert table["eb05"].is_sorted(descending=True)


def test_figures_by_hand(pairs: Path) -> None:
    """Expected count, PRR and ROR of the planted pair from the margins of the table."""
    lines, first = _table(), signals(pairs).table.row(0, named=True)
    a = first["count"]
    row = lines.filter(model="M04")["count"].sum()
    column = lines.filter(component="C07")["count"].sum()
    total = lines["count"].sum()
    b, c, d = row - a, column - a, total - row - column + a
    assert first["expected"] == pytest.approx(row * column / total)
    assert first["prr"] == pytest.approx((a / row) / (c / (total - row)))
    assert first["ror"] == pytest.approx(a * d / (b * c))
    assert first["prr_lower"] < first["prr"] < first["prr_upper"] and first["eb05"] < first["ebgm"] < first["eb95"]


def test_csv_other_columns_and_lines_of_one_pair(pairs: Path, tmp_path: Path) -> None:
    halves = pl.concat([_table().with_columns(count=pl.col("count") // 2),
                        _table().with_columns(count=(pl.col("count") + 1) // 2)])  # fmt: skip
    path, out = tmp_path / "halves.csv", tmp_path / "ranked.csv"
    halves.rename({"model": "车型", "component": "部件", "count": "n"}).write_csv(path)
    result = signals(path, columns=PairColumns("车型", "部件", "n"), out=out)
    assert result.table.rows() == signals(pairs).table.rows()
    assert pl.read_csv(out).height == result.table.height and pl.read_csv(out).columns[:2] == ["车型", "部件"]


def test_reports_are_counted_once_and_strata_stand_apart(tmp_path: Path) -> None:
    lines = _table().filter(pl.col("count") > 0)
    reports = lines.select(pl.exclude("count").repeat_by("count").explode()).with_row_index("report")
    path = tmp_path / "reports.parquet"
    pl.concat([reports, reports]).with_columns(region=pl.col("report") % 2).write_parquet(path)
    result = signals(path, columns=PairColumns(report="report"))
    counted = result.table.select("model", "component", pl.col("count").cast(pl.Int64)).sort("model", "component")
    assert counted.rows() == lines.sort("model", "component").rows()
    stratified = signals(path, columns=PairColumns(report="report", stratum="region")).table
    assert stratified["count"].sum() == result.table["count"].sum()
    assert stratified.sort("model", "component")["expected"].to_list() != pytest.approx(
        result.table.sort("model", "component")["expected"].to_list()
    )


def test_an_unbounded_ratio_is_null(tmp_path: Path) -> None:
    """Only M99 names C99: no other model has a share to compare with."""
    path = tmp_path / "pairs.parquet"
    pl.concat(
        [_table(), pl.DataFrame({"model": ["M99", "M99"], "component": ["C99", "C00"], "count": [5, 1]})]
    ).write_parquet(path)
    row = signals(path).table.row(by_predicate=pl.col("component") == "C99", named=True)
    assert (row["prr"], row["prr_upper"], row["ror"]) == (None, None, None) and row["ebgm"] > 1


def test_a_prior_that_few_pairs_do_not_determine_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "few.parquet"
    pl.DataFrame({"model": ["A", "A", "A", "B", "B", "B"], "component": ["x", "y", "z"] * 2,
                  "count": [30, 5, 4, 6, 5, 7]}).write_parquet(path)  # fmt: skip
    assert "the fitted prior is at a limit of its range (alpha" in signals(path).notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": [3, -1, 2, 4]}, "count must be a whole number of at least 0, got -1"),
        ({"count": [3.0, 0.5, 2.0, 4.0]}, "count must be a whole number of at least 0, got 0.5"),
        ({"count": ["3", "many", "2", "4"]}, r"count must be a number, got 'many' in row 2 \(1 of 4 rows\)"),
        ({"count": [3, None, 2, 4]}, "count must be a number, got None in row 2"),
        ({"count": [0, 0, 0, 0]}, "got no event"),
        ({"model": ["A", None, "B", "B"]}, "model must not be empty, got None in row 2"),
        ({"component": ["brakes"] * 4}, "at least two columns must have events, got only brakes"),
        ({"model": ["A"] * 4}, "at least two rows must have events, got only A"),
        ({}, "at least as many cells as the prior has parameters, got 4 for 5"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, change: dict[str, list[object]], message: str) -> None:
    columns = {"model": ["A", "A", "B", "B"], "component": ["x", "y", "x", "y"], "count": [3, 1, 2, 4]}
    path, out = tmp_path / "pairs.parquet", tmp_path / "out.csv"
    pl.DataFrame(columns | change).write_parquet(path)
    with pytest.raises(DataError, match=message) as error:
        signals(path, out=out)
    assert str(path) in str(error.value) and "\n" not in str(error.value) and not out.exists()


def test_missing_files_and_columns_are_refused(pairs: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    _table().head(0).write_parquet(empty)
    (tmp_path / "nothing.csv").touch()
    for path, message in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path / "nothing.csv", "the file is empty, without a header line"),
        (empty, "has no rows; export it again"),
    ):
        with pytest.raises(DataError, match=message):
            signals(path)
    with pytest.raises(DataError, match="has no column 'fault'; name the right one of model, component, count"):
        signals(pairs, columns=PairColumns(column="fault"))
    for columns in (PairColumns("model", "model"), PairColumns("expected", "component")):
        with pytest.raises(ConfigError, match="must be different columns, none named like a figure"):
            signals(pairs, columns=columns)
    with pytest.raises(ConfigError, match=r"must be a \.parquet or \.csv file, got '\.xlsx'"):
        signals(tmp_path / "pairs.xlsx")
    with pytest.raises(ConfigError, match=r"must end in \.parquet or \.csv"):
        signals(pairs, out=tmp_path / "out.xlsx")
    with pytest.raises(ConfigError, match="is the input file"):
        signals(pairs, out=pairs)
