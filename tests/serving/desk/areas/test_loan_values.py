"""Values that are corrected, entered or confirmed at the page of an application, and compared decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serving.asgi import Problem
from serving.desk.areas.loan_values import read_value
from tests.serving.work.loans.conftest import LoanDesk

Make = Callable[..., LoanDesk]


def page_of(desk: LoanDesk, path: str, language: str = "en", **form: Any) -> str:
    """Return a page, or that to which a form leads."""

    async def send() -> httpx.Response:
        cookies = {"chehang_language": language}
        transport = httpx.ASGITransport(desk.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies=cookies, follow_redirects=True
        ) as client:
            address = f"/desk/loans/{path}"
            return await (client.post(address, data=form) if form else client.get(address))

    answer = asyncio.run(send())
    assert answer.status_code == 200, answer.text[:2_000]
    return answer.text


@pytest.mark.parametrize(("language", "words"), [("en", "Correct to 12,000"), ("zh", "更正为 12,000")])
def test_the_remedy_of_a_warning_fills_the_field(make_desk: Make, language: str, words: str) -> None:
    desk = make_desk()
    desk.log_in("Zhou")
    assert words in page_of(desk, "A2", language)
    page = page_of(desk, "A2/values", language, field="monthly_income", value="12000.0")
    assert words not in page and desk.get("/v1/applications/A2")["inputs"]["monthly_income"] == 12_000.0


def test_a_right_value_is_confirmed_and_a_missing_one_entered(make_desk: Make) -> None:
    desk = make_desk()
    desk.log_in("Zhou")
    page_of(desk, "A2/values", field="monthly_income", confirm="1")
    assert desk.post("/v1/applications/A2/quote/preview")["is_judged"]
    assert 'value="monthly_income"' in page_of(desk, "A3")
    page_of(desk, "A3/values", field="monthly_income", value="9,000")
    assert desk.get("/v1/applications/A3")["inputs"]["monthly_income"] == 9_000.0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_decisions_stand_side_by_side(make_desk: Make, language: str) -> None:
    page = page_of(make_desk(), "A1/comparison", language)
    assert "A4" in page and "47,400" in page and "23,700" in page
    assert {"zh": "2 次审批对比", "en": "2 decisions compared"}[language] in page
    assert "—" in page_of(make_desk(has_champion=False), "A1/comparison", language)


def test_a_text_is_no_number() -> None:
    assert read_value("term_months", "integer", "36") == 36 and read_value("co_borrower", "flag", "true") is True
    with pytest.raises(Problem) as error:
        read_value("monthly_income", "number", "many")
    assert error.value.details[0]["rule"] == "number"
