"""The same public data through the product by YAML alone: the panel is the one laid out by hand, and the bars hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.demand_forecast import candidates
from tests.realdata.test_demand import province_sales, relative_score
from training.config import load_config
from training.studies.panel import PanelStudyData
from training.studies.panel_forecasts import OriginForecasts, measured

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
    forecaster, origin = study.learn(), study.origins[0]
    assert study.panel.name(origin) == "2017-09" and len(study.origins) == 1
    seen, actual = study.panel.until(origin), study.panel.sold[:, origin : origin + 4]
    told = forecaster.forecast(seen)
    score = relative_score(told.quantiles(np.array([0.5]))[..., 0], actual)
    beside = candidates.naive(forecaster.past(seen), origin, 4) | told.parts
    print(f"score {score:.4f}", {n: round(relative_score(v, actual), 4) for n, v in beside.items()})
    assert score >= 0.735


def test_car_parts(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of("demand_carparts", data_folder, tmp_path, monkeypatch)
    assert study.panel.sold.shape == (2674, 51)
    found = measured(OriginForecasts(study.panel, study.learn()), study.origins)
    y = found.rows["label"].to_numpy()
    metrics = study.config.definition.problem.metrics
    loss = metrics["weighted_quantile_loss"].compute(y, metrics["weighted_quantile_loss"].of(found.rows))
    error = metrics["root_mean_squared_error"].compute(y, metrics["root_mean_squared_error"].of(found.rows))
    naive = metrics["weighted_quantile_loss"].compute(y, metrics["weighted_quantile_loss"].of(found.baseline))
    print(f"loss {loss:.4f} (own past {naive:.4f}), RMSE {error:.4f}, 80 % interval holds {found.inside.mean():.1%}")
    assert loss <= 0.93 and error <= 1.15
    assert 0.78 <= found.inside.mean() <= 0.82
