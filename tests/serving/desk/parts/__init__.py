"""A page that shows every part of the desk, for screenshots and checks."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from serving.desk import charts
from serving.desk.catalogue import Catalogue, Language, catalogue
from serving.desk.charts import (
    Band,
    BarChart,
    BarGroup,
    CalibrationChart,
    FunnelPlot,
    IntervalBar,
    LineChart,
    Mark,
    Point,
    ScoreScale,
    Segment,
    Series,
    Sparkline,
    Threshold,
)
from serving.desk.environment import build_environment
from serving.desk.tables import Choice, TableColumn, TableView

HERE = Path(__file__).parent
NOW = datetime(2025, 6, 30, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
MONTHS = [f"2024-{m:02}" for m in range(7, 13)] + [f"2025-{m:02}" for m in range(1, 7)]
STATES = {
    "open": Choice("parts.table.all", "bad"),
    "wait": Choice("parts.table.next", "wait"),
    "done": Choice("parts.table.previous", "good"),
}
NAMES = {
    "zh": ["云川滨江店", "岭东旗舰店", "海宁北城汽车销售服务有限责任公司第二营业部", "云川城西店", "岭东机场店"],
    "en": [
        "Yunchuan Riverside",
        "Lingdong Flagship",
        "Haining North Sales and Service, second branch",
        "Yunchuan West",
        "Lingdong Airport",
    ],
}


def parts_html(language: Language, stylesheet: str) -> str:
    """Return the page; `stylesheet` is the address of desk.css."""
    environment = build_environment(language, lambda: NOW, folders=(HERE,))
    environment.globals["static"] = lambda name: stylesheet
    return environment.get_template("parts.html").render(stylesheet=stylesheet, **_values(language))


def _values(language: Language) -> dict[str, Any]:
    names = NAMES[language]
    words = {
        "zh": ("成交率", "区间", "预警线：20 比 1", "6 月 14 日起可知"),
        "en": ("conversion", "interval", "alarm from 20 to 1", "known since 14 June"),
    }[language]
    months = [environment_month(m, language) for m in MONTHS]
    view = TableView("stores", columns(), rows(names), default_sort="-sold", page_rows=6)
    texts: Catalogue = catalogue()
    weeks = [str(w) for w in range(1, 53)]
    odds = [0.5 * math.exp(0.1 * w + math.sin(w)) for w in range(52)]
    funnel = [
        Point(3 * 1.35**i, 3 * 1.35**i * (1 + 0.9 * math.sin(7 * i) / math.sqrt(3 * 1.35**i)), f"c{i}")
        for i in range(17)
    ]
    return {
        "names": names,
        "page": view.page({"sort": "-sold"}, "/desk/parts", language, lambda k: texts.text(k, language)),
        "blank": TableView("none", columns(), []).page({}, "/desk/parts", language, lambda k: texts.text(k, language)),
        "filtered": TableView("filtered", columns(), rows(names)).page(
            {"q": "zzz"}, "/desk/parts", language, lambda k: texts.text(k, language)
        ),
        "spark": Sparkline((3, 5, 2, 6, 4, 8), "3 … 8"),
        "interval": IntervalBar(0.2, 0.15, 0.25, most=0.3, label="20%", reference=0.18),
        "scale": ScoreScale(
            548,
            350,
            (Segment(names[0], 505, "bad"), Segment("—", 571, "wait"), Segment(names[1], 750, "good")),
            "548",
            "548",
        ),
        "line": LineChart(
            months,
            (
                Series(
                    names[0],
                    [0.05 + 0.004 * i for i in range(12)],
                    Band([0.03 + 0.004 * i for i in range(12)], [0.07 + 0.004 * i for i in range(12)]),
                ),
                Series(names[1], [0.08 - 0.003 * i if i != 5 else None for i in range(12)], tone="none"),
            ),
            words[0],
            kind="percent",
            x_title=words[1],
        ),
        "evidence": LineChart(
            weeks,
            (Series("", odds, end="-"),),
            words[2],
            log=True,
            height=240,
            thresholds=(Threshold(20.0, words[2]),),
            marks=(Mark(36, words[3], "bad"),),
        ),
        "stock": LineChart(
            months,
            (Series(names[3], [4e6 + 1e6 * math.sin(i) for i in range(12)]),),
            names[3],
            kind="money",
            language=language,
        ),
        "funnel": FunnelPlot((*funnel, Point(60, 150, names[4], "bad")), words[0], words[1], ("a", "b", "c", "d")),
        "calibration": CalibrationChart(
            (0.01, 0.03, 0.06, 0.11),
            (0.012, 0.025, 0.07, 0.1),
            (0.008, 0.02, 0.05, 0.07),
            (0.016, 0.03, 0.09, 0.13),
            words[0],
            words[:2],
            words[0],
        ),
        "bars": BarChart(
            tuple(
                BarGroup(n, 5.0 - i, f"{5 - i}", low=4.5 - i, high=5.5 - i, compared=4.0) for i, n in enumerate(names)
            ),
            words[0],
            words[:2],
        ),
        "empty_chart": charts.LineChart((), (), words[0]),
    }


def environment_month(month: str, language: Language) -> str:
    """Return a month as a label."""
    return f"{int(month[5:])}月" if language == "zh" else f"{month[5:]}/{month[2:4]}"


def columns() -> tuple[TableColumn, ...]:
    """Return columns of every kind."""
    return (
        TableColumn("store", "frame.store", is_title=True, second="remark", link="/desk/stores/{id}"),
        TableColumn("sold", "parts.table.search", "number", filter="range"),
        TableColumn("margin", "parts.table.pages", "money", unit="parts.yuan"),
        TableColumn("share", "parts.figures", "interval", low="low", high="high"),
        TableColumn("day", "parts.table.next", "date", on_phone=False, filter="range"),
        TableColumn("state", "parts.table.apply", "state", states=STATES, filter="choice"),
    )


def rows(names: list[str]) -> list[dict[str, Any]]:
    """Return rows with long names and missing values."""
    states = list(STATES)
    return [
        {
            "id": str(i),
            "store": names[i % 5],
            "remark": names[(i + 1) % 5] if i % 3 else None,
            "sold": None if i == 4 else 40 - i,
            "margin": 5120.0 + 311 * i,
            "share": 0.041 + i / 100,
            "low": 0.03 + i / 100,
            "high": 0.05 + i / 100,
            "day": f"2025-06-{1 + i % 28:02}",
            "state": states[i % 3],
        }
        for i in range(40)
    ]
