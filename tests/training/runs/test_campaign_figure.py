"""Charts of the cut."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ml.fault_rate.rules import AlarmRules
from training.runs.campaign_figure import campaign_sections, draw_campaigns


def listed(component: str, benefits: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": "M", "component": component, "rank": range(1, len(benefits) + 1), "benefit": benefits,
            "cost": [None if b is None else 100.0 for b in benefits],
            "inspect": [b is None or b >= 100 for b in benefits],
        },
        schema_overrides={"benefit": pl.Float64, "cost": pl.Float64},
    )  # fmt: skip


def test_a_chart_shows_benefit_and_cost_by_place_and_the_number_that_pays(tmp_path: Path) -> None:
    vehicles = pl.concat([listed("brakes", [None, None]), listed("suspension", [300.0, 100.0, 99.0])])
    (section,) = campaign_sections(vehicles, AlarmRules())
    assert section.title.en == "M: suspension, 2 of 3 vehicles pay"
    assert section.title.zh == "M：悬架系统，3 辆中 2 辆值得检查"
    assert section.rows[2] == {"rank": 3, "benefit": 99.0, "cost": 100.0}
    assert draw_campaigns(vehicles, tmp_path / "a.png", AlarmRules()) == (tmp_path / "a.png",)
    assert (tmp_path / "a.png").stat().st_size > 1_000


def test_without_costs_no_picture_is_drawn(tmp_path: Path) -> None:
    assert draw_campaigns(listed("brakes", [None]), tmp_path / "a.png", AlarmRules()) == ()
    assert not (tmp_path / "a.png").exists()
    long = campaign_sections(listed("suspension", [300.0] * 1_000), AlarmRules())
    assert len(long[0].rows) == 200
