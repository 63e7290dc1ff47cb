"""Pages of the loan desk: queue, case, decision with a second person, lender's result, plans, a new application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import httpx
import pytest

from serving.asgi import Problem
from serving.desk.areas.loan_form import OWN_FIELDS
from serving.desk.areas.loan_parts import REASONS
from serving.desk.areas.loans import STAGES, plan_of
from serving.desk.catalogue import catalogue
from serving.desk.errors import CODES
from tests.serving.work.loans.conftest import LoanDesk, make_desk

__all__ = ["make_desk"]
Make = Callable[..., LoanDesk]


def send(desk: LoanDesk, path: str, form: dict[str, str] | None = None) -> httpx.Response:
    """Return the answer to a page, or to a form of it; redirects are not followed."""

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(desk.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await (client.get(path) if form is None else client.post(path, data=form))

    return asyncio.run(answer())


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field of a page."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert match is not None, name
    return match[1]


@pytest.fixture
def desk(make_desk: Make) -> LoanDesk:
    """Return a desk at which Wang has logged in."""
    desk = make_desk()
    desk.log_in("Wang")
    return desk


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_queue_says_how_many_wait_and_which_are_late(desk: LoanDesk, language: str) -> None:
    """A2 has waited 75 of 60 minutes, A1 42 and A3 9; decided ones are on another list."""
    page = send(desk, f"/desk/loans?lang={language}").text
    assert all(number in page for number in ("A1", "A2", "A3")) and "A4" not in page
    assert page.index("A2") < page.index("A1") < page.index("A3")
    assert catalogue().text("loans.queue.late", language, n=3, late=1, longest="")[:6] in page
    assert 'class="bad-t">75<' in page
    assert "A4" in send(desk, f"/desk/loans?list=decided&lang={language}").text
    sheet = send(desk, f"/desk/loans?export=csv&lang={language}")
    assert sheet.content.startswith(b"\xef\xbb\xbf") and b"A2" in sheet.content


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_case_shows_the_masked_name_the_judgement_and_what_was_done(desk: LoanDesk, language: str) -> None:
    """The name is shown in full after a click, which is written down."""
    page = send(desk, f"/desk/loans/A1?lang={language}")
    assert page.status_code == 200 and "陈**" in page.text and "陈明远" not in page.text
    assert 'role="img"' in page.text and "澄舟X5" in page.text
    shown = send(desk, "/desk/loans/A1/identity", {})
    assert "陈明远" in shown.text and 'href="tel:13812345678"' in shown.text
    again = send(desk, f"/desk/loans/A1?lang={language}").text
    assert catalogue().text("loans.log.identity_shown", language, person="Wang") in again


def test_an_implausible_income_hides_score_and_offers_until_it_is_confirmed(desk: LoanDesk) -> None:
    """A2 has a monthly income of 1.20 yuan."""
    page = send(desk, "/desk/loans/A2?lang=en").text
    assert "implausible" in page and 'class="figure"' not in page
    confirmed = send(desk, "/desk/loans/A2?lang=en&confirmed=monthly_income").text
    assert 'class="figure"' in confirmed


def test_a_decision_against_the_model_needs_a_second_person(desk: LoanDesk) -> None:
    """Wang may not confirm what Wang has proposed; Li may, and the queue is one shorter."""
    page = send(desk, "/desk/loans/A1?lang=en").text
    band = desk.post("/v1/applications/A1/quote/preview")["credit"]["band"]
    outcome, reason = ("decline", "DOCUMENTS_DIFFER") if band == "approve" else ("approve", "GUARANTOR")
    form = {"outcome": outcome, "reason_code": reason, "note": "", "last_sequence": hidden(page, "last_sequence")}
    assert send(desk, "/desk/loans/A1/decision", form).headers["location"].endswith("notice=loans.notice.second")
    own = send(desk, "/desk/loans/A1?lang=en").text
    assert "Another colleague has to confirm" in own
    refused = send(desk, "/desk/loans/A1/confirmation", {"agrees": "1", "last_sequence": hidden(own, "last_sequence")})
    assert refused.status_code in (403, 422) or "last_sequence" not in own
    desk.log_in("Li")
    page = send(desk, "/desk/loans/A1?lang=en").text
    form = {"agrees": "1", "last_sequence": hidden(page, "last_sequence")}
    assert send(desk, "/desk/loans/A1/confirmation", form).status_code == 303
    assert "A1" not in [item["application_id"] for item in desk.get("/v1/applications")["items"]]


def test_submit_and_next_opens_the_next_application(desk: LoanDesk) -> None:
    """A3 is referred with a reason; then the one that waits longest is shown."""
    page = send(desk, "/desk/loans/A1?lang=en").text
    form = {"outcome": "refer", "reason_code": "DOCUMENTS_MISSING", "last_sequence": hidden(page, "last_sequence")}
    answer = send(desk, "/desk/loans/A1/decision", {**form, "next": "1"})
    assert answer.status_code == 303 and answer.headers["location"].startswith("/desk/loans/A2")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"outcome": "decline"}, 422),
        ({"outcome": "approve", "reason_code": "WITHDRAWN"}, 422),
        ({"outcome": "perhaps"}, 422),
        ({}, 422),
    ],
)
def test_a_decision_without_a_reason_is_a_page_that_says_so(desk: LoanDesk, form: dict[str, str], status: int) -> None:
    """Nothing is written."""
    page = send(desk, "/desk/loans/A1?lang=en").text
    answer = send(desk, "/desk/loans/A1/decision", {**form, "last_sequence": hidden(page, "last_sequence")})
    assert answer.status_code == status and answer.text.count("<h1") == 1
    assert desk.get("/v1/applications/A1")["decision"] is None


def test_two_officers_at_once_do_not_overwrite_each_other(desk: LoanDesk) -> None:
    """The second is told that the record has changed."""
    page = send(desk, "/desk/loans/A1?lang=en").text
    form = {"outcome": "refer", "reason_code": "DOCUMENTS_MISSING", "last_sequence": hidden(page, "last_sequence")}
    assert send(desk, "/desk/loans/A1/decision", form).status_code == 303
    desk.log_in("Li")
    answer = send(desk, "/desk/loans/A1/decision", form)
    assert answer.status_code == 409 and "Wang" in answer.text


def test_the_lenders_result_and_a_plan_are_kept(desk: LoanDesk) -> None:
    """Both stand in the history."""
    last = hidden(send(desk, "/desk/loans/A1?lang=en").text, "last_sequence")
    result = {"lender": "Riverside", "stage": "in_review", "amount": "110,600", "rate": "3.9", "last_sequence": last}
    assert send(desk, "/desk/loans/A1/lender", result).status_code == 303
    assert send(desk, "/desk/loans/A1/plan", {"down": "60000", "term": "24"}).status_code == 303
    case = desk.get("/v1/applications/A1")
    assert case["lender_results"][0]["content"]["amount"] == 110_600.0
    assert case["lender_results"][0]["content"]["annual_rate"] == pytest.approx(0.039)
    assert case["plans"][0]["content"]["plan"]["term_months"] == 24
    page = send(desk, "/desk/loans/A1?lang=en").text
    assert "Riverside" in page and "60,000 down, 24 months" in page
    bad = send(desk, "/desk/loans/A1/lender", {**result, "amount": "much"})
    assert bad.status_code == 422 and "amount" in bad.text


def test_a_new_application_is_checked_field_by_field_and_then_opened(desk: LoanDesk) -> None:
    """Errors stand beside their fields, and what was typed stays."""
    empty = send(desk, "/desk/loans/new?lang=en", {"name": ""})
    assert empty.status_code == 422 and 'aria-invalid="true"' in empty.text
    fields = desk.get("/v1/applications/fields")["fields"]
    form = {f["name"]: str(f["low"] or 1) for f in fields if f["kind"] in ("number", "integer") and f["required"]}
    form |= {f["name"]: f["values"][0]["value"] for f in fields if f["values"]}
    form |= {"name": "陈明远", "age": "35", "vehicle_price": "158,000", "down_payment": "47400", "term_months": "36"}
    form |= {"monthly_income": "12000", "store_id": "S1"}
    wrong = send(desk, "/desk/loans/new?lang=en", {**form, "term_months": "many", "age": "7"})
    assert wrong.status_code == 422 and "must be a number" in wrong.text and 'value="158,000"' in wrong.text
    answer = send(desk, "/desk/loans/new?lang=en", form)
    if answer.status_code == 422:  # implausible values are confirmed
        names = re.findall(r'name="confirmed" value="([^"]+)"', answer.text)
        answer = send(desk, "/desk/loans/new?lang=en", {**form, "confirmed": names})  # type: ignore[dict-item]
    assert answer.status_code == 303, answer.text
    page = send(desk, answer.headers["location"]).text
    assert "陈**" in page and "陈明远" not in page


@pytest.mark.parametrize("path", ["/desk/loans", "/desk/loans/A1", "/desk/loans/new"])
def test_without_a_champion_the_page_says_what_to_do(make_desk: Make, path: str) -> None:
    """The queue is readable; a case cannot be judged."""
    desk = make_desk(has_champion=False)
    desk.log_in("Wang")
    answer = send(desk, path)
    assert answer.status_code in (200, 503) and answer.text.count("<h1") == 1


def test_another_stores_application_is_not_shown(desk: LoanDesk) -> None:
    """It looks like one that does not exist."""
    desk.log_in("Wang", "S1")
    assert send(desk, "/desk/loans/A2").status_code == 404
    assert "A2" not in send(desk, "/desk/loans").text


def test_a_plan_of_the_address() -> None:
    """Empty fields are those of the application; a text that is no number is an error by name."""
    assert plan_of({"down": "47,400", "term": "36", "pay": "", "solve": "term_months", "confirmed": "a,b"}) == {
        "down_payment": 47_400.0,
        "term_months": 36,
        "solve": "term_months",
        "confirmed": ["a", "b"],
    }
    with pytest.raises(Problem) as error:
        plan_of({"pay": "much"})
    assert error.value.details[0]["field"] == "monthly_payment"


def test_every_reason_stage_and_error_has_words() -> None:
    """In both languages."""
    for language in ("zh", "en"):
        for key in (
            *(f"loans.reason.{code.lower()}" for code in REASONS),
            *(f"loans.stage.{stage}" for stage in STAGES),
            *(f"frame.error.{code}.{part}" for code in (*CODES, "failed") for part in ("title", "remedy")),
        ):
            assert catalogue().text(key, language)  # type: ignore[arg-type]
    assert "name" in OWN_FIELDS
