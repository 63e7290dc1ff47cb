"""Next pages: no vehicle twice, whatever happens between the pages; every vehicle once in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ml.model import Model
from ml.recommendation.cards import make_card
from ml.recommendation.merchandising import load_merchandising_rules
from ml.recommendation.page_tokens import MAX_SHOWN, page_token, shown_before
from ml.recommendation.request import RecommendationRequest
from tests.ml.recommendation.test_pages import NOW, ask
from tests.ml.recommendation.test_pages import model as model

Page = list[str]


def pages(model: Model, count: int = 100, **body: Any) -> list[Page]:
    """Return the ids of page after page, until there is no next one."""
    shown, token = [], None
    for _ in range(count):
        answer = ask(model, page_token=token, **body)
        shown.append([card.vehicle_id for card in answer.items])
        token = answer.next_page_token
        if token is None:
            break
    return shown


@pytest.mark.parametrize("body", [{}, {"customer_id": "C001"}, {"personalise": False}, {"store_id": "S1"}])
def test_all_pages_together_have_every_vehicle_once(model: Model, body: dict[str, Any]) -> None:
    everything = ask(model, n=200, **body)
    shown = [name for page in pages(model, n=7, **body) for name in page]
    assert len(shown) == len(set(shown)) == everything.available and everything.next_page_token is None
    assert set(shown) == {card.vehicle_id for card in everything.items}


def test_other_items_come_before_a_second_vehicle_of_an_item(model: Model) -> None:
    stock = model.estimator.stock  # type: ignore[attr-defined]
    first, second = pages(model, count=2, n=5)
    items = [{int(stock.vehicles.item[stock.rows[name]]) for name in page} for page in (first, second)]
    assert not items[0] & items[1]


def test_places_go_on_and_available_stays(model: Model) -> None:
    first = ask(model, n=4)
    second = ask(model, n=4, page_token=first.next_page_token)
    assert [c.place for c in first.items] == [1, 2, 3, 4] and [c.place for c in second.items] == [5, 6, 7, 8]
    assert first.available == second.available


def test_stock_that_changes_between_the_pages(model: Model) -> None:
    estimator: Any = model.estimator
    first = ask(model, n=5)
    shown = {card.vehicle_id for card in first.items}
    sold = next(name for name in estimator.stock.rows if name not in shown)
    estimator.stock = estimator.stock.without([sold, next(iter(shown))])
    rest = [name for page in pages(model, n=50) for name in page]
    assert sold not in rest
    token, later = first.next_page_token, []
    while token is not None:
        answer = ask(model, n=5, page_token=token)
        later += [card.vehicle_id for card in answer.items]
        token = answer.next_page_token
    assert not shown & set(later) and sold not in later
    assert shown | set(later) == {*estimator.stock.rows, *shown}


def test_pinned_and_explored_vehicles_are_not_repeated(model: Model, tmp_path: Path) -> None:
    estimator: Any = model.estimator
    names, ranked = list(estimator.stock.rows), pages(model, n=6)[0]
    rules = [f"{{action: pin, where: {{vehicle_id: [{ranked[k]}]}}, place: {place}}}" for k, place in ((5, 2), (4, 8))]
    text = f"{{exploration_share: 0.5, new_days: 365, rules: [{', '.join(rules)}]}}"
    (tmp_path / "rules.yaml").write_text(text)
    estimator.merchandising = load_merchandising_rules(tmp_path / "rules.yaml")
    first = ask(model, n=6)
    assert first.items[1].vehicle_id == ranked[5] and first.items[1].pinned
    shown = [name for page in pages(model, n=6) for name in page]
    assert len(shown) == len(set(shown)) == len(names)


def test_a_token_survives_a_thousand_long_ids_and_no_more() -> None:
    ids = [f"车辆-{i:030d}" for i in range(MAX_SHOWN)]
    assert shown_before(page_token(ids)) == tuple(ids) and len(page_token(ids)) < 20_000
    with pytest.raises(PydanticCustomError):
        shown_before(page_token([*ids, "one more"]))


@pytest.mark.parametrize("token", ["", "x", "eJyLVjJU0lFKVIoFABCkAs0x", page_token(["a"])[:-3], "!" * 50])
def test_another_text_is_refused_by_name_and_remedy(token: str) -> None:
    with pytest.raises(ValidationError, match="leave it out for the first page") as error:
        RecommendationRequest(page_token=token)
    assert error.value.errors()[0]["loc"] == ("page_token",)


def test_a_bomb_is_refused() -> None:
    from base64 import urlsafe_b64encode
    from zlib import compress

    token = urlsafe_b64encode(compress(b"[" + b'"a",' * 5_000_000 + b'"a"]')).decode()
    with pytest.raises(PydanticCustomError):
        shown_before(token)


def test_a_card_has_its_place(model: Model) -> None:
    estimator: Any = model.estimator
    assert make_card(estimator, 0, 0.5, now=NOW, place=3).place == 3
