"""Unusable leads end in one error line; unusual but usable tables are trained on."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.commands import chehang
from tests.reports import trained_report
from tests.small.lead_scoring import DAY, START, lead_scoring_tables, write_lead_scoring


def _error_line(config: Path, home: Path, *settings: str, command: str = "train") -> str:
    options = [part for s in settings for part in ("--set", s)]
    done = chehang(command, "lead_scoring", "-c", str(config), *options, home=home, check=False)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


def test_every_unusable_table_is_one_error_line(tmp_path: Path) -> None:
    tables = lead_scoring_tables(leads=600)
    leads, home = tables["leads"], tmp_path / "home"
    whole = write_lead_scoring(tmp_path / "whole", tables)
    assert "longer than the data" in _error_line(whole, home, "params.horizon_days=2000")
    assert "horizon_days" in _error_line(whole, home, "params.horizon_days=0")
    assert "grades must fall" in _error_line(whole, home, "params.grades={A: 0.1, B: 0.2, C: 0.05}")
    assert "rescore_days" in _error_line(whole, home, "params.rescore_days=[-1]")
    assert "params.rates" in _error_line(whole, home, "params.rates=[[nothing]]")
    for name, frame, message in (
        ("none", leads.clear(), "no row"),
        ("unsold", leads.with_columns(converted_at=pl.lit(None, pl.Int64)), "one class"),
        ("unlabelled", leads.drop("converted_at"), "neither 'converted_at' nor 'converted'"),
        (
            "renamed",
            leads.rename({"converted_at": "Won on"}),
            "in the sources; columns of the source that are not read",
        ),
        ("at_once", leads.with_columns(created_at=START + pl.int_range(pl.len()) * 1_000), "test part has no row"),
    ):
        config = write_lead_scoring(tmp_path / name, {"leads": frame})
        assert message in _error_line(config, home), name
    silent = write_lead_scoring(tmp_path / "silent", {"leads": leads, "events": tables["events"].clear()})
    assert "has no rows" in _error_line(silent, home)


def test_unusual_tables_are_trained_on(tmp_path: Path) -> None:
    """No events; a flag in place of the conversion time; sales before their lead; no channel, store or model."""
    tables = lead_scoring_tables(leads=1_500)
    leads, home = tables["leads"], tmp_path / "home"
    sold = leads["converted_at"].is_not_null()
    backwards = leads.with_columns(
        converted_at=pl.when(pl.int_range(pl.len()) % 50 == 0)
        .then(pl.col("created_at") - DAY)
        .otherwise("converted_at")
    )
    for name, case_tables in (
        ("alone", {"leads": leads}),
        ("flagged", {"leads": leads.drop("converted_at", "gross_margin").with_columns(converted=sold)}),
        ("backwards", {"leads": backwards}),
        ("bare", {"leads": leads.select("lead_id", "created_at", "distance_km", "wheelbase", "converted_at")}),
    ):
        config = write_lead_scoring(tmp_path / name, case_tables, segments=[])
        done = chehang("train", "lead_scoring", "-c", str(config), "--json", home=home)
        report = trained_report(json.loads(done.stdout))
        assert 0 < report.metrics["brier"].value < 0.4, name  # type: ignore[operator]
        assert any("not observed yet" in note for note in report.notes), name


def test_as_of_scores_the_leads_that_were_open_then(tmp_path: Path, lead_scoring: object) -> None:
    home, config = lead_scoring.home, lead_scoring.config  # type: ignore[attr-defined]
    instant, out = START + 500 * DAY, tmp_path / "then.parquet"
    as_of = pl.from_epoch(pl.Series([instant]), time_unit="us").dt.replace_time_zone("UTC")[0].isoformat()
    chehang("score", "lead_scoring", "-c", str(config), "--as-of", as_of, "--out", str(out), home=home)
    leads = pl.read_parquet(config.parent / "leads.parquet")
    still_open = leads.filter(
        (pl.col("created_at") <= instant) & (pl.col("converted_at").is_null() | (pl.col("converted_at") >= instant))
    )
    predictions = pl.read_parquet(out)
    assert sorted(predictions["lead_id"]) == sorted(still_open["lead_id"])
    assert predictions["as_of"].n_unique() == 1
    repeated = tmp_path / "repeated.parquet"
    chehang("score", "lead_scoring", "-c", str(config), "--as-of", as_of, "--out", str(repeated), home=home)
    assert pl.read_parquet(repeated).equals(predictions)
    invalid = ("--as-of", "yesterday", "--out", str(out))
    refused = chehang("score", "lead_scoring", "-c", str(config), *invalid, home=home, check=False)
    assert "--as-of: must be a date and time with a UTC offset" in refused.stderr


@pytest.mark.parametrize("reason", ["--out values.txt", "streams.cars.table"])
def test_an_invalid_output_or_table_is_refused(tmp_path: Path, reason: str) -> None:
    config = tmp_path / "value.yaml"
    table = "sales" if reason.startswith("--out") else "boats"
    config.write_text(f"sources: sources.yaml\nstreams:\n  cars: {{table: {table}, amount: price}}\n")
    out = "values.txt" if reason.startswith("--out") else "values.csv"
    refused = chehang("value", "-c", str(config), "--out", out, home=tmp_path, check=False)
    assert refused.returncode == 1
    assert reason in refused.stderr
    assert "Traceback" not in refused.stderr
