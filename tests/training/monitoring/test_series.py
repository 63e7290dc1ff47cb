"""Alarms and their first month; status and exit code of a result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml.bilingual import Text
from ml.report.columns import axis
from training.monitoring.advice import NOT_TESTED, QUIET, advice_of
from training.monitoring.series import Findings, Group, MonitoredPeriod, MonitoredSeries, MonitorResult, MonthFigure

PERIOD = MonitoredPeriod("2026-03", "2024-01", "2025-06", 900, 60, "2026-04-01T00:00:00+00:00")


def series(
    *p_values: float | None, effect: float = 0.3, group: Group = "drift", name: str = "score"
) -> MonitoredSeries:
    figures = tuple(MonthFigure(f"2026-{i:02d}", 60, 0.5, p, effect) for i, p in enumerate(p_values, 1))
    return MonitoredSeries(name, group, axis("分数", "score", "score"), 0.4, figures, floor=0.1).judged(0.01)


@pytest.mark.parametrize(
    ("p_values", "since"),
    [
        ((0.001, 0.001, 0.001), "2026-01"),
        ((0.001, 0.5, 0.001), "2026-03"),
        ((0.001, None, 0.001), "2026-01"),  # a month without a test does not end an alarm
        ((0.001, 0.001, 0.5), None),
        ((0.001, None), None),
        ((), None),
    ],
)
def test_since(p_values: tuple[float | None, ...], since: str | None) -> None:
    assert series(*p_values).since == since


def test_a_small_effect_is_no_alarm() -> None:
    assert not series(0.0, effect=0.05).is_alarm and series(0.0, effect=-0.2).is_alarm


def result(*all_series: MonitoredSeries, source: Text | None = None) -> MonitorResult:
    return MonitorResult("credit_risk", 1, Findings(PERIOD, all_series, source_alarm=source), {"drift": 0.01}, 0.1)


def test_status_and_exit_code() -> None:
    worse = series(0.0, group="performance", name="calibration")
    text = Text(zh="空", en="empty")
    results = (result(series(0.5)), result(series(None)), result(series(0.0)), result(series(0.0), worse))
    assert [(r.status, r.exit_code) for r in results] == [
        ("quiet", 0),
        ("not tested", 0),
        ("drift", 3),
        ("performance", 4),
    ]
    assert result(series(0.5), source=text).exit_code == 3
    assert [a["name"] for a in results[3].as_dict()["alarms"]] == ["calibration", "score"]


def test_advice() -> None:
    feature = series(0.5, 0.0, name="feature.income")
    texts = {
        month: advice_of([feature], task="credit_risk", source_alarm=None, ripe_month=month, tested=5)
        for month in (None, "2026-01", "2026-02")
    }
    assert "since 2026-02" in texts[None][0].en
    assert texts[None] == texts["2026-01"] and "not ripe" in texts[None][-1].en
    assert "no worse so far" in texts["2026-02"][-1].en
    worse = replace(series(0.0, group="performance"), name="calibration")
    assert (
        "chehang train credit_risk"
        in advice_of([worse], task="credit_risk", source_alarm=None, ripe_month="2026-03", tested=5)[0].en
    )
    assert advice_of([], task="credit_risk", source_alarm=None, ripe_month=None, tested=0) == (NOT_TESTED,)
    assert advice_of([], task="credit_risk", source_alarm=None, ripe_month=None, tested=1) == (QUIET,)
