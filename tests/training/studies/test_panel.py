"""Panel studies: valid and invalid sales, incomplete months, refitting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.demand_forecast.forecast import Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.panel import Panel
from tests.small.demand_forecast import demand_forecast_tables, write_demand_forecast
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
