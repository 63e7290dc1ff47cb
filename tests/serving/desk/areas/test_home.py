"""The home page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from serving.asgi import Problem
from serving.desk.areas import home
from serving.desk.catalogue import catalogue
from tests.serving.desk.areas.overview_desk import Pages, words
from tests.serving.work.overview.dealership import records


def test_the_heading_is_the_answer_and_the_counts_are_those_of_the_navigation() -> None:
    """In both languages; every figure of the tiles is a link to its area."""
    page = words(Pages().get("/desk"))
    assert (
        "<h1>Six things today: 1 safety report to read (X5 brakes)" in page or "things today: 1 safety report" in page
    )
    assert ">Applications waiting<" in page and 'href="/desk/loans"' in page
    assert "1 waiting</b>" in page and "2 orders</b>" in page
    chinese = words(Pages().get("/desk", "zh"))
    assert "1 条安全报告未处理（X5 制动）" in chinese and "2 单待确认</b>" in chinese


def test_an_area_that_fails_is_named_and_the_page_stands() -> None:
    """With a link that tries again."""
    answers = {"/v1/alarms": Problem(503, "no_champion", "x"), "/v1/models": None}
    response = Pages(answers=answers).get("/desk")
    page = words(response)
    assert response.status_code == 200
    assert "Cannot be read at the moment: Quality alarms, Models to look at. The rest is not affected." in page
    assert "Applications waiting" in page


@pytest.mark.parametrize("missing", ["sales", "leads", "applications", "vehicles", "events", "customers"])
@pytest.mark.parametrize("path", ["/desk", "/desk/dashboard"])
def test_a_missing_table_is_no_error(missing: str, path: str) -> None:
    """The page says what is missing."""
    response = Pages(records(missing)).get(path)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (
            {"drift": {"calibration": 1.2, "calibration_low": 0.9, "calibration_high": 1.1}, "champion": None},
            "observed over predicted 1.20; 0.90–1.10 while nothing changes",
        ),
        ({"drift": None, "champion": {"metric": None}}, "—"),
        (
            {
                "drift": None,
                "champion": {
                    "metric": {"value": 3795.9, "low": 3386.5, "high": 4223.2, "format": "amount",
                               "unit": {"zh": "元", "en": "yuan"}, "title": {"zh": "误差", "en": "error"}},
                },
            },
            "held-out rows: error 3,796 yuan (95% interval 3,387–4,223)",
        ),
    ],
)  # fmt: skip
def test_what_speaks_for_a_model(model: dict[str, Any], text: str) -> None:
    """Outcomes first, then held-out rows."""
    request: Any = SimpleNamespace(language="en", text=lambda key, **v: catalogue().text(key, "en", **v))
    assert home.trust_text(request, model) == text
