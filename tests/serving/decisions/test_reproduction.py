"""Reasons that were not logged are computed again by the model version that decided, or not at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import ModelNotFound
from serving.decisions import reproduction
from serving.decisions.reproduction import reasons_of
from serving.model_store import LoadedChampion
from tests.serving.in_process import Champions

REASON = {"code": "AMOUNT", "zh": "金额", "en": "amount", "points": -3.0}
FIGURES = {"outcome": "refer", "store_id": None, "probability_of_default": 0.03, "score": 600,
           "approve_at_most": 0.02, "decline_above": 0.1}  # fmt: skip
CONTENT = {**FIGURES, "endpoint": "/v1/credit_risk", "models": {"credit_risk": {"version": 3}}, "reasons": None}


class Model:
    """Answers 0.03 with one reason."""

    def request(self) -> Any:
        return SimpleNamespace(model_validate_json=lambda text: SimpleNamespace())

    def answers(self, requests: Any, *, explain: bool) -> list[Any]:
        figures = {name: value for name, value in FIGURES.items() if name != "outcome"}
        return [SimpleNamespace(**figures, band="refer", reasons=[REASON] if explain else None)]


def store(version: int = 3) -> Champions:
    model: Any = Model()
    return Champions({"credit_risk": LoadedChampion(version, model)})


def test_logged_reasons_are_returned_as_they_are() -> None:
    assert reasons_of({**CONTENT, "reasons": [{"code": "X"}]}, None, store()) == [{"code": "X"}]


def test_the_loaded_version_computes_them_again() -> None:
    assert reasons_of(CONTENT, {"amount": 1}, store()) == [REASON]


def test_another_version_is_loaded_from_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = []
    monkeypatch.setattr(reproduction, "_version", lambda name, number: numbers.append((name, number)) or Model())
    assert reasons_of(CONTENT, {"amount": 1}, store(version=4)) == [REASON]
    assert numbers == [("credit_risk", 3)]


def test_what_cannot_be_reproduced_has_no_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reasons_of(CONTENT, None, store()) is None  # purged
    assert reasons_of({**CONTENT, "probability_of_default": 0.04}, {}, store()) is None  # another result
    assert reasons_of({**CONTENT, "endpoint": "/v1/loans/offers"}, {}, store()) is None

    def missing(name: str, number: int) -> Any:
        raise ModelNotFound("deleted")

    monkeypatch.setattr(reproduction, "_version", missing)
    assert reasons_of(CONTENT, {}, store(version=4)) is None
