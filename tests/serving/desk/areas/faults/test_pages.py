"""Pages of quality alarms in both languages and in every state, and what their forms write."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from serving.asgi import Problem
from serving.desk.areas.faults import PAGES, charts, forms, power, safety, services
from serving.desk.areas.faults.deeds import UNDOABLE
from serving.desk.areas.faults.pages import HOME, address_of
from serving.desk.areas.faults.tables import ROWS, TYPES
from serving.desk.areas.faults.words import STATES, list_text, odds_text, problem_text
from serving.desk.catalogue import catalogue
from tests.serving.in_process import ask
from tests.serving.work.alarms.conftest import Work, fill_store, without_safety_parts

LANGUAGES = ("zh", "en")
PATHS = (
    HOME, f"{HOME}/1", f"{HOME}/components", f"{HOME}/power", f"{HOME}/power?model=E&component=pump",
    f"{HOME}/component?model=A&component=pump", f"{HOME}/safety", f"{HOME}/safety?which=all", f"{HOME}/safety/1",
    f"{HOME}/1/sheet", f"{HOME}/1/letter",
)  # fmt: skip


def show(work: Work, path: str, language: str = "en", status: int = 200) -> str:
    """Return the words of a page."""
    answer = ask(work.app, path, cookie=f"chehang_language={language}")
    assert answer.status_code == status, answer.text[:2_000]
    return answer.text


def main_of(html: str) -> str:
    """Return the words of the main part, without tags."""
    text = re.sub(r"<[^>]*>", " ", html.partition("<main")[2])
    return re.sub(r"\s+", " ", text)


def send(work: Work, path: str, **fields: Any) -> httpx.Response:
    """Send a form."""
    content = urlencode(fields, doseq=True).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "cookie": "chehang_language=en"}
    return ask(work.app, path, content, **headers)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_every_page_has_one_heading_in_its_language(work: Work, path: str, language: str) -> None:
    """No page writes a style, a script of its own, or a missing value."""
    html = show(work, path, language)
    assert html.count("<h1") == 1 and f'lang="{"zh-CN" if language == "zh" else "en"}"' in html
    assert " style=" not in html and "onclick" not in html and ">None<" not in html
    assert len(html.encode()) < 100_000 + 60_000 * ("svg" in html)


def test_the_heading_is_the_answer_and_its_figures_agree(work: Work) -> None:
    """Faults, expected faults and ratio are those of the endpoint."""
    text = main_of(show(work, f"{HOME}/1"))
    figures = work.get("/v1/alarms/1")["figures"]
    assert f"Brakes of the D: about {figures['shrunk']} times as many faults as expected" in text
    assert f"{figures['count']} faults where {figures['expected']} were expected: {figures['ratio']} times" in text
    assert "a recall is the maker’s to declare" in text and "Does an inspection pay?" not in text


def test_another_part_has_costs_and_no_stop_of_sale(work: Work) -> None:
    """The verdict stands on the page."""
    without_safety_parts(work)
    text = main_of(show(work, f"{HOME}/1"))
    assert "Does an inspection pay?" in text and "Each at its better moment" in text
    assert "Report to the maker" not in text and "Stop sale" not in text


def test_without_an_open_alarm_the_page_says_so(work: Work) -> None:
    """And whether one would know."""
    work.post("/v1/alarms/1/moves", to="closed", note="no fault")
    text = main_of(show(work, HOME))
    assert "No open quality alarm among 18 components" in text and "Would we know?" in text
    assert "the alarm is closed" in main_of(show(work, f"{HOME}/1"))


def test_without_a_store_the_alarm_is_shown_and_the_command_named(make_work: Callable[..., Work]) -> None:
    """The state cannot be changed before the weekly run."""
    work = make_work()
    assert "Run chehang alarms" in main_of(show(work, HOME))
    assert "not recorded" in main_of(show(work, f"{HOME}/component?model=D&component=brakes"))
    assert "No safety report waits" in main_of(show(work, f"{HOME}/safety"))


def test_a_damaged_store_is_named_and_the_page_stays(work: Work) -> None:
    """States are missing, alarms are not."""
    work.rules.store.write_bytes(b"no database, but long enough to be read as one" * 40)
    assert "The alarm store cannot be read" in main_of(show(work, HOME))
    show(work, f"{HOME}/1", status=503)


def test_missing_tables_are_named(make_work: Callable[..., Work]) -> None:
    """The page of the alarm stays, and that of the services says what to add."""
    work = make_work(absent=("fleet", "customers", "vehicles"))
    fill_store(work)
    text = main_of(show(work, f"{HOME}/1"))
    assert "The sources lack fleet, customers, vehicles" in text and "The sources have no stock table" in text
    assert "add it to sources.yaml" in main_of(show(work, f"{HOME}/services"))


def test_forms_write_entries_and_can_be_taken_back(work: Work) -> None:
    """Each leads back to the alarm; the log says what was done."""
    report = {"reported_on": "2024-12-20", "recipient": "maker", "reference": "Q-7", "note": "", "sequence": 0}
    answer = send(work, f"{HOME}/1/reports", **report)
    assert answer.status_code == 303 and answer.headers["location"].startswith(f"{HOME}/1?notice=")
    assert send(work, f"{HOME}/1/sale_stops", note="brakes").status_code == 303
    notice = {"notified_on": "2024-12-21", "channel": "letter", "vehicles": 12, "note": ""}
    assert send(work, f"{HOME}/1/notices", **notice).status_code == 303
    text = main_of(show(work, f"{HOME}/1"))
    assert "reported to maker" in text and "sale of 2 cars stopped, all stores" in text
    assert "owners of 12 vehicles notified by letter" in text and text.count("Undo") == len(UNDOABLE)
    sequence = work.get("/v1/alarms/1")["owners_notified"]["sequence"]
    assert send(work, f"{HOME}/1/undo", entry=sequence).status_code == 303
    assert work.get("/v1/alarms/1")["owners_notified"] is None
    assert "(taken back)" in main_of(show(work, f"{HOME}/1"))
    assert send(work, f"{HOME}/1/sale_resumptions", note="inspected").status_code == 303
    assert send(work, f"{HOME}/1/capacity", capacity=10).status_code == 303
    assert work.get("/v1/alarms/1/inspections")["capacity"] == 10


@pytest.mark.parametrize(
    ("path", "fields", "status", "words"),
    [
        ("moves", {"to": "closed", "note": ""}, 422, "Give a reason"),
        ("moves", {"to": "nowhere"}, 422, "One field is not valid"),
        ("moves", {"to": "campaign"}, 409, "does not allow this"),
        ("reports", {"reported_on": "2090-01-01", "recipient": "maker"}, 422, "must not lie in the future"),
        ("sale_resumptions", {"note": "x"}, 409, "does not allow this"),
        ("capacity", {"capacity": "many"}, 422, "whole number"),
        ("undo", {"entry": "99"}, 404, "One field is not valid"),
    ],
)
def test_a_refused_form_stays_on_the_page_and_says_what_to_do(
    work: Work, path: str, fields: dict[str, str], status: int, words: str
) -> None:
    """Nothing is written."""
    answer = send(work, f"{HOME}/1/{path}", **fields)
    assert answer.status_code == status and words in main_of(answer.text)
    assert work.get("/v1/alarms/1")["state"] == "open"


def test_the_second_of_two_people_reads_the_present_state(work: Work) -> None:
    """Both had read the alarm before any entry."""
    assert send(work, f"{HOME}/1/moves", to="acknowledged", note="", sequence=0).status_code == 303
    answer = send(work, f"{HOME}/1/moves", to="closed", note="done", sequence=0)
    assert answer.status_code == 409 and "Somebody else has just changed this record" in main_of(answer.text)
    assert work.get("/v1/alarms/1")["state"] == "acknowledged"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_have_all_vehicles_with_readable_headings(work: Work, language: str) -> None:
    """VINs are masked in a file that is not logged."""
    answer = ask(work.app, f"{HOME}/1?export=csv", cookie=f"chehang_language={language}")
    assert answer.content.startswith(b"\xef\xbb\xbf") and answer.headers["content-type"] == TYPES["csv"]
    heading, *rows = csv.reader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert heading[0] == {"zh": "车辆", "en": "Vehicle"}[language] and "LSV···" in rows[0][1]
    assert len(rows) == work.get("/v1/alarms/1/vehicles")["to_inspect"] > ROWS
    book = ask(work.app, f"{HOME}/1?export=xlsx")
    assert book.content.startswith(b"PK") and 'filename="vehicles-1.xlsx"' in book.headers["content-disposition"]


def test_vins_and_owners_are_shown_on_demand_and_logged(work: Work) -> None:
    """On a page for some vehicles, in a file for all."""
    number = work.get("/v1/alarms/1/vehicles")["items"][0]["vehicle_id"]
    assert "LSVAA49J1320" not in show(work, f"{HOME}/1")
    answer = send(work, f"{HOME}/1/disclosures", vehicle_id=[number], **{"as": "page"})
    assert "LSVAA49J1320" in answer.text and "This look is in the log" in answer.text
    assert send(work, f"{HOME}/1/disclosures", **{"as": "file"}).content.startswith(b"PK")
    assert "VINs and owners of 1 vehicle shown to" in main_of(show(work, f"{HOME}/1"))


def test_a_safety_report_is_read_and_closed_with_a_reason(work: Work) -> None:
    """The list counts what nobody has read."""
    path = f"{safety.SAFETY}/2"
    assert "2 safety reports are unread" in main_of(show(work, safety.SAFETY))
    assert send(work, f"{path}/moves", to="acknowledged", note="", sequence=0).status_code == 303
    refused = send(work, f"{path}/moves", to="closed", note="", sequence="")
    assert refused.status_code == 422 and "read" in main_of(refused.text)
    assert send(work, f"{path}/moves", to="reported", reference="M-3", note="").status_code == 303
    assert "M-3" in main_of(show(work, path))


def test_the_pages_of_services_invite_nobody_who_was_not_chosen(work: Work) -> None:
    """An empty form says so."""
    assert send(work, f"{services.SERVICES}/invitations").status_code in (422, 503)


def test_words_of_odds_lists_and_problems() -> None:
    """The language is that of the page."""
    request: Any = SimpleNamespace(language="en", text=lambda key, **v: catalogue().text(key, "en", **v))
    odds = [odds_text(request, value) for value in (350_000.0, 6.2, 0.2)]
    assert odds == ["over 100,000 to 1", "6 to 1", "1 to 5"]
    assert list_text(request, ["age", "season", "km"]) == "age, season and km" and list_text(request, []) == ""
    assert "all stores" in problem_text(request, Problem(403, "wrong_store", ""))
    assert set(STATES) >= {"open", "acknowledged", "watched", "campaign", "closed"}


def test_addresses_and_paths() -> None:
    """A component without an alarm has an address too; every POST needs the right to write."""
    assert address_of({"id": None, "model": "澄舟", "component": "pump"}).startswith(f"{HOME}/component?model=%E6")
    writes = [page for page in PAGES if page.method == "POST"]
    assert {page.scope for page in writes} == {"alarms:write"} and len(writes) == 10
    assert forms.SHOWN == ("vin", "contact") and power.SHEET_ROWS > ROWS and charts.LEAST > 0
