"""Every page of leads in both languages, in every state."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serving.desk.areas import leads, leads_reports, leads_tables
from serving.desk.tables import TableView
from tests.serving.in_process import ask
from tests.serving.work.leads.conftest import Work

PATHS = (
    "",
    "?filter=later",
    "?filter=mine",
    "?q=nobody",
    "?page=9",
    "/lost",
    "/channels",
    "/expected?by=month",
    "/staff",
)


def page_of(work: Work, path: str, language: str = "en", **form: Any) -> httpx.Response:
    """Return a page, or the answer of a form."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(work.app)
        cookies = {"chehang_language": language}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            if form:
                return await client.post(f"/desk/leads{path}", data=form)
            return await client.get(f"/desk/leads{path}")

    for _ in range(60):  # while leads are being scored
        answer = asyncio.run(send())
        if answer.status_code != 503:
            break
    return answer


def heading(page: httpx.Response) -> str:
    """Return the heading of a page."""
    assert page.status_code == 200, page.text[:2_000]
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, flags=re.DOTALL)
    assert len(headings) == 1
    return html.unescape(re.sub(r"<[^>]+>", "", headings[0])).strip()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_whole(make_work: Callable[..., Work], language: str) -> None:
    work = make_work()
    for path in (*PATHS, "/N00000", "/C0"):
        page = page_of(work, path, language)
        assert heading(page), path
        assert ">None<" not in page.text and "nan%" not in page.text, path
        assert 'style="' not in page.text and " onclick" not in page.text, path
        assert len(page.content) < 100_000, path


def test_the_heading_is_the_answer(make_work: Callable[..., Work]) -> None:
    work = make_work()
    counts = work.get("/v1/leads")["counts"]
    assert heading(page_of(work, "")) == f"{counts['today']} of 12 open leads can be called today: 刘** first"
    assert heading(page_of(make_work(absent=("leads",)), "")) == "There are no open leads"


@pytest.mark.parametrize("absent", [("events",), ("customers",), ("vehicles",), ("events", "customers", "vehicles")])
def test_a_missing_table_is_no_error(make_work: Callable[..., Work], absent: tuple[str, ...]) -> None:
    work = make_work(absent=absent)
    for path in ("", "/N00000", "/lost", "/staff"):
        assert heading(page_of(work, path))


def test_forms_assign_take_back_and_write_outcomes(make_work: Callable[..., Work]) -> None:
    work = make_work()
    answer = page_of(work, "/assign", first="4")
    assert answer.status_code == 303 and answer.headers["location"] == "/desk/leads?assigned=4&since=1"
    assert "4 leads assigned" in page_of(work, "?assigned=4&since=1").text
    back = page_of(work, "/assign/undo", count="4", since="1")
    assert back.headers["location"].endswith("notice=leads.notice.undone")
    assert page_of(work, "/assign/undo", count="x", since="1").status_code == 422
    shown = page_of(work, "/N00000/call", csrf_token="")
    assert 'href="tel:13800000000"' in shown.text and "刘小洋" in shown.text
    number = str(work.get("/v1/leads/N00000")["last_sequence"])
    done = page_of(work, "/N00000/contact", outcome="not_reached", last_sequence=number)
    assert done.headers["location"] == "/desk/leads?notice=leads.notice.not_reached"
    assert page_of(work, "/N00000/contact", outcome="reached", last_sequence=number).status_code == 409
    lost = page_of(work, "/N00001/contact", outcome="lost", reason="price", note="later")
    assert lost.headers["location"].endswith("leads.notice.lost")
    late = page_of(work, "/N00002/contact", outcome="appointment", next_contact_at="tomorrow")
    assert late.status_code == 422 and "next_contact_at" in late.text


def test_staff_are_saved_and_rows_without_a_name_left_out(make_work: Callable[..., Work]) -> None:
    work = make_work()
    form = {
        "store_id": "S1", "last_sequence": "0", "caller_id": ["P1", ""], "name": ["陈静", ""], "open": ["09:00"] * 2,
        "close": ["18:00"] * 2, "minutes_per_call": ["15", "10"],
    }  # fmt: skip
    assert page_of(work, "/staff", **form).status_code == 303
    callers = work.get("/v1/leads/staff?store_id=S1")["stores"][0]["callers"]
    assert [(c["name"], c["minutes_per_call"]) for c in callers] == [("陈静", 15.0)]


def test_tables_are_exported(make_work: Callable[..., Work]) -> None:
    work = make_work()
    assert "刘**" in page_of(work, "?export=csv").text
    assert page_of(work, "/lost?export=xlsx").content[:2] == b"PK"
    assert isinstance(leads_tables.queue_table([]), TableView) and leads_reports.show_lost and leads.PAGES
    assert ask(work.app, "/desk/leads/nothing").status_code == 404
