"""The preview page: the heading answers, every card says why, and a draft is looked at before it is saved."""

from __future__ import annotations

import re

from serving.desk.areas.storefront.preview import vehicle_name
from tests.serving.desk.areas.storefront.conftest import Send


def heading(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html.partition("<h1>")[2].partition("</h1>")[0])


def test_the_heading_says_who_sees_what_first_and_why(send: Send) -> None:
    answer = send("/desk/storefront")
    assert answer.status_code == 200
    assert re.fullmatch(r"A new visitor sees .+ first(: .+)?", heading(answer.text))
    chinese = send("/desk/storefront?lang=zh").text
    assert heading(chinese).startswith("新访客首先看到")


def test_cards_have_place_reasons_and_the_place_without_personalisation(send: Send) -> None:
    html = send("/desk/storefront?viewed=N1,N1,N0").text
    cards = re.findall(r'<article class="offer.*?</article>', html, flags=re.DOTALL)
    assert len(cards) == 12
    assert [int(re.findall(r"place (\d+)", card)[0]) for card in cards] == list(range(1, 13))
    assert all("ithout personalisation" in card for card in cards)
    assert any('<ul class="reasons">' in card for card in cards)
    assert "viewed=N1%2CN1%2CN0%2C" in cards[0]  # looking at it adds it to the session


def test_a_draft_shows_its_moves_and_the_button_that_saves_it(send: Send) -> None:
    third = re.findall(r"action=pin&amp;vehicle_id=(\w+)", send("/desk/storefront").text)[2]
    html = send(f"/desk/storefront?action=pin&vehicle_id={third}&place=1").text
    assert "Before saving: what moves" in html and "Save the rule" in html
    assert re.search(r'class="on"><th scope="row">.*?place 3</td><td class="num">place 1<', html, flags=re.DOTALL)


def test_a_wrong_draft_says_what_is_wrong_and_keeps_the_page(send: Send) -> None:
    answer = send("/desk/storefront?action=pin&place=1")  # a rule about no vehicle
    assert answer.status_code == 200 and "This could not be previewed" in answer.text
    assert '<article class="offer' in answer.text


def test_vehicles_are_searched_for_the_session(send: Send) -> None:
    html = send("/desk/storefront?find=zzz").text
    assert "No such vehicle is on offer" in html


def test_names_of_people_and_scripts_of_the_address_are_escaped(send: Send) -> None:
    html = send("/desk/storefront?customer=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in html and "&lt;script&gt;" in html


def test_a_vehicle_without_a_model_has_its_identifier() -> None:
    assert vehicle_name({"vehicle_id": "V1", "model": None}) == "V1"
