"""The same public data by configuration alone: the panel equals the one built by hand, and the scores are reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.demand_forecast import candidates
from tests.realdata.test_demand import province_sales, relative_score
from training.config import load_config
from training.studies.panel import PanelStudyData
from training.studies.panel_forecasts import OriginForecasts, forecast_outcomes

pytestmark = pytest.mark.realdata
EXAMPLES = Path(__file__).parents[2] / "configs" / "examples"


def study_of(name: str, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> PanelStudyData:
    """The example as shipped, but with one thread: tests run side by side, and threads of both would wait in turn."""
    monkeypatch.setenv("CHEHANG_DATA", str(data))
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    return PanelStudyData.read(
        load_config(
            "demand_forecast", EXAMPLES / name / "demand_forecast.yaml", settings=["params.trees.num_threads=1"]
        )
    )


def test_cars_by_province(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of("demand_ccf60", data_folder, tmp_path, monkeypatch)
    by_hand = province_sales(data_folder)
    assert np.array_equal(study.panel.sold, by_hand.sold) and study.panel.first == by_hand.first
    for name in ("search", "comments", "replies"):
        assert np.array_equal(study.panel.drivers[name], by_hand.drivers[name])
    forecaster, origin = study.fit_forecaster(), study.origins[0]
    assert study.panel.name(origin) == "2017-09" and len(study.origins) == 1
    history, actual = study.panel.until(origin), study.panel.sold[:, origin : origin + 4]
    forecast = forecaster.forecast(history)
    score = relative_score(forecast.quantiles(np.array([0.5]))[..., 0], actual)
    components = candidates.naive(forecaster.features(history), origin, 4) | forecast.components
    print(f"score {score:.4f}", {n: round(relative_score(v, actual), 4) for n, v in components.items()})
    assert score >= 0.735


def test_car_parts(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of("demand_carparts", data_folder, tmp_path, monkeypatch)
    assert study.panel.sold.shape == (2674, 51)
    outcomes = forecast_outcomes(OriginForecasts(study.panel, study.fit_forecaster()), study.origins)
    y = outcomes.rows["label"].to_numpy()
    metrics = study.config.definition.problem.metrics
    loss = metrics["weighted_quantile_loss"].compute(y, metrics["weighted_quantile_loss"].select(outcomes.rows))
    error = metrics["root_mean_squared_error"].compute(y, metrics["root_mean_squared_error"].select(outcomes.rows))
    naive = metrics["weighted_quantile_loss"].compute(y, metrics["weighted_quantile_loss"].select(outcomes.baseline))
    print(f"loss {loss:.4f} (naive {naive:.4f}), RMSE {error:.4f}, 80 % interval covers {outcomes.coverage.mean():.1%}")
    assert loss <= 0.93 and error <= 1.15
    assert 0.78 <= outcomes.coverage.mean() <= 0.82
