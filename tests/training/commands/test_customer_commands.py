"""`chehang service-due` and `chehang value`: whom to remind, and what customers will still bring."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from features.errors import ConfigError
from tests.commands import chehang
from tests.ml.fault_rate.test_service_due import tables
from tests.training.runs.test_service_due import write
from training.commands.service_due import service_due
from training.commands.value import value


def test_the_command_lists_and_draws(tmp_path: Path) -> None:
    path = write(tmp_path / "data", *tables())
    out = tmp_path / "due.parquet"
    done = chehang("service-due", "--config", str(path), "--out", str(out), "--json", home=tmp_path / "home")
    assert json.loads(done.stdout)["vehicles"] == pl.read_parquet(out).height == 4
    assert out.with_suffix(".png").stat().st_size > 5_000
    shown = chehang("service-due", "--config", str(path), "--out", str(tmp_path / "d.csv"), home=tmp_path / "home")
    assert "4 of 4 vehicles in service" in shown.stdout


def test_a_list_of_services_needs_rules_a_format_and_an_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    path = write(tmp_path / "data", *tables())
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        service_due(tmp_path / "due.csv", config=tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"must end in .*'\.xlsx'"):
        service_due(tmp_path / "due.xlsx", config=path)
    with pytest.raises(ConfigError, match="--as-of: must be a date and time with a UTC offset"):
        service_due(tmp_path / "due.csv", config=path, as_of="2026-01-31T09:00")
    assert not list(tmp_path.glob("due.*"))


def test_single_values_and_overlays_override_the_configuration(tmp_path: Path) -> None:
    path, out = write(tmp_path / "data", *tables()), tmp_path / "due.csv"
    options = ("--config", str(path), "--out", str(out))
    done = chehang("service-due", *options, "--set", "within_days=no", home=tmp_path / "home", check=False)
    assert "error: --set: within_days: input should be a valid integer" in done.stderr
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("{within_days: 0, overdue_days: 0}")
    done = chehang("service-due", *options, "--with", str(overlay), "--json", home=tmp_path / "home")
    assert json.loads(done.stdout)["vehicles"] < 4
    done = chehang("value", *options, "--with", str(overlay), home=tmp_path / "home", check=False)
    assert "overlay.yaml: " in done.stderr and "unknown key" in done.stderr


def _value_config(folder: Path, table: str = "sales") -> Path:
    (folder / "sources.yaml").write_text("tables: {sales: {csv: sales.csv}}\n")
    path = folder / "customer_value.yaml"
    path.write_text(f"streams:\n  cars: {{table: {table}, amount: gross_margin}}\n")
    return path


def test_values_are_printed_by_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = {
        "model": "bg_nbd", "holdout_errors": {"bg_nbd": {"mean_absolute_error": 0.25, "total_ratio": 1.02}},
        "customers": 2, "total_purchases": 12.0, "total_value": 3_400.0, "correction": 1.0, "horizon_days": 365.0,
        "rows_without_customer": 0,
    }  # fmt: skip
    valued = SimpleNamespace(customers=pl.DataFrame({"customer_id": ["a", "b"]}), as_dict=lambda: {"cars": stream})
    monkeypatch.setattr("training.runs.customer_value.value", lambda config, **options: valued)
    config, out = _value_config(tmp_path), tmp_path / "values.csv"
    value(out, config=config, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"out": str(out), "cars": stream}
    value(out, config=config)
    shown = capsys.readouterr().out
    assert "bg_nbd *" in shown and "12 purchases worth 3,400 yuan expected within 365 days" in " ".join(shown.split())
    assert "2 customers written to" in shown


def test_a_stream_of_no_table_and_a_bad_instant_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=r"streams\.cars\.table: no such table, got 'rides'"):
        value(tmp_path / "values.csv", config=_value_config(tmp_path, table="rides"))
    with pytest.raises(ConfigError, match="--as-of: must be a date and time with a UTC offset"):
        value(tmp_path / "values.csv", config=_value_config(tmp_path), as_of="soon")
    done = chehang("value", "--config", str(_value_config(tmp_path)), home=tmp_path / "home", check=False)
    assert done.returncode == 2 and "'--out'" in done.stderr
    assert not (tmp_path / "values.csv").exists()
