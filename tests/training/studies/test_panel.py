"""Panel studies: valid and invalid sales, incomplete months, refitting."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from features.errors import ConfigError, DataError
from features.periods import period_start
from ml.demand_forecast.forecast import Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.panel import Panel
from tests.small.demand_forecast import FIRST, demand_forecast_tables, write_demand_forecast
from training.config import load_config
from training.studies.panel import PanelStudyData
from training.studies.panel_data import PanelData


def study_of(folder: Path, tables: dict[str, pl.DataFrame], **changes: Any) -> PanelStudyData:
    return PanelStudyData.read(load_config("demand_forecast", write_demand_forecast(folder, tables, **changes)))


def test_invalid_data_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    tables = demand_forecast_tables()
    short = tables["sales"].filter(pl.col("sold_at") > tables["sales"]["sold_at"].max() - 120 * 86_400_000_000)  # type: ignore[operator]
    with pytest.raises(DataError, match="history are too few"):
        study_of(tmp_path / "short", {"sales": short}).fit()
    with pytest.raises(DataError, match="has no rows"):
        study_of(tmp_path / "none", {"sales": tables["sales"].clear()})
    with pytest.raises(DataError, match=r"sales\.colour: the column is missing"):
        study_of(tmp_path / "absent", tables, params={"attributes": ["colour"], "levels": []})
    with pytest.raises(ConfigError, match=r"params\.levels: 'colour' is neither in params\.series"):
        study_of(tmp_path / "levels", tables, params={"levels": [["colour"]]})


def test_an_incomplete_last_month_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    tables = demand_forecast_tables()
    cut = int(tables["sales"]["sold_at"].max()) - 20 * 86_400_000_000  # type: ignore[arg-type]
    study = study_of(tmp_path / "data", {"sales": tables["sales"].filter(pl.col("sold_at") < cut)})
    assert isinstance(study, PanelData)
    assert study.panel.name(study.panel.periods - 1) == "2022-11" and "incomplete" in study.notes[0]


def monthly_totals(path: Path, months: int) -> Path:
    """Write totals of two models dated on the 1st of each month from January 2022 and return the configuration."""
    dates = [date(2022 + m // 12, m % 12 + 1, 1).isoformat() for m in range(months)]
    rows = [f"{d},{model},{3 + i}" for d in dates for i, model in enumerate("AB")]
    path.mkdir()
    (path / "sales.csv").write_text("\n".join(["month,model,quantity", *rows, f"{dates[0]},,1", f"{dates[1]},A,"]))
    columns = {"sale_id": {"row_number": True}, "sold_at": "month"}
    (path / "sources.yaml").write_text(
        yaml.safe_dump({"tables": {"sales": {"csv": "sales.csv", "columns": columns}}, "max_quarantined_share": 0.5})
    )
    params = {"series": ["model"], "horizon": 2, "validation_origins": 1, "test_origins": 1, "levels": []}
    config = {"task": "demand_forecast", "sources": "sources.yaml", "time": "sold_at", "params": params}
    (path / "demand_forecast.yaml").write_text(yaml.safe_dump(config))
    return path / "demand_forecast.yaml"


def test_totals_dated_on_the_first_lose_no_month_and_rows_left_out_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    study = PanelData.read(load_config("demand_forecast", monthly_totals(tmp_path / "data", 24)))
    assert study.panel.name(study.panel.periods - 1) == "2023-12"
    assert study.panel.sold.tolist() == [[3.0] * 24, [4.0] * 24]
    assert study.notes[:3] == (
        "the last month, 2023-12, is included: sales dated on the first day of their month count as totals of the "
        "whole month (params.unfinished: drop leaves it out)",
        "1 row of sales without a value in model left out",
        "1 row of sales without a quantity added nothing to the period",
    )


def test_the_total_of_the_current_month_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    config = monthly_totals(tmp_path / "data", 24)
    now = int(datetime(2023, 12, 15, tzinfo=UTC).timestamp() * 1e9)
    monkeypatch.setattr(time, "time_ns", lambda: now)
    study = PanelData.read(load_config("demand_forecast", config))
    assert study.panel.name(study.panel.periods - 1) == "2023-11"
    assert "the data go up to 2023-12-15 08:00 at most" in study.notes[0]
    included = PanelData.read(load_config("demand_forecast", config, settings=["params.unfinished=keep"]))
    assert included.panel.name(included.panel.periods - 1) == "2023-12"


def test_dates_of_another_time_zone_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight in Auckland is the evening before in Shanghai: totals of the 1st would move to the month before."""
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    path = monthly_totals(tmp_path / "data", 24)
    sources = path.with_name("sources.yaml")
    sources.write_text(sources.read_text() + "timezone: Pacific/Auckland\n")
    shanghai = load_config("demand_forecast", path, settings=["params.timezone=Asia/Shanghai"])
    notes = PanelData.read(shanghai).notes
    assert any(n.startswith("50 rows of sales have another date in params.timezone (Asia/Shanghai)") for n in notes)
    right = PanelData.read(load_config("demand_forecast", path))
    assert right.panel.name(0) == "2022-01" and not any("another date" in n for n in right.notes)


def test_stock_after_the_last_sales_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    tables = demand_forecast_tables()
    cut = period_start([FIRST + 34], "month", timezone="Asia/Shanghai")[0]
    sales = tables["sales"].filter(pl.col("sold_at") < int(cut))
    study = study_of(tmp_path / "data", tables | {"sales": sales})
    assert study.panel.periods == 34
    assert "stock after the last sales is not used: 2 months, up to 2022-12" in study.notes


def test_under_refit_the_forecast_from_the_first_origin_is_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    study = study_of(tmp_path / "data", demand_forecast_tables(), refit=True)
    periods = []
    forecast = Forecaster.forecast

    def counted(self: Forecaster, panel: Panel, **options: Any) -> Forecast:
        periods.append(panel.periods)
        return forecast(self, panel, **options)

    monkeypatch.setattr(Forecaster, "forecast", counted)
    fitted = study.fit()
    study.save_holdout(tmp_path, fitted)
    assert periods.count(study.origins[0]) == 1
    assert fitted.evaluated.panel.periods == study.origins[0] and fitted.served.panel.periods == study.panel.periods
