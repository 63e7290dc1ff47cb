"""Promotions and rollbacks: gate results, concurrency and killed processes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from features.errors import ConfigError, ModelNotFound
from ml import champions
from ml.champions import NotPromoted
from ml.champions import moves as module
from tests.ml.champions.registry import TASK, store_gate_result


class Killed(BaseException):
    """Simulates SIGKILL: no handler in the tested code catches it."""


def _promoted(number: int, champion: int | None) -> None:
    store_gate_result(number, champion)
    champions.promote(TASK, number, who="anna")


def test_a_passed_result_moves_the_champion_and_the_history_says_who_and_why(registry: Path) -> None:
    store_gate_result(1, None)
    move = champions.promote(TASK, 1, who="anna")
    assert (move.version, move.previous, move.who, move.forced) == (1, None, "anna", False)
    assert move.why == "roc_auc beats the champion: gain: +0.1 [0.05, 0.15]"
    assert champions.champion_number(TASK) == 1 and champions.history(TASK) == [move]
    assert move.metrics == {"roc_auc": 0.1}


def test_without_a_result_that_counts_nothing_moves(registry: Path) -> None:
    with pytest.raises(NotPromoted, match=r"the gate has not evaluated it.*chehang promote lead_scoring --version 2"):
        champions.promote(TASK, 2, who="anna")
    store_gate_result(2, None, passed=False)
    refusal = r"version 2 was not promoted; failed checks: roc_auc beats the champion: gain"
    with pytest.raises(NotPromoted, match=refusal):
        champions.promote(TASK, 2, who="anna")
    assert champions.champion_number(TASK) is None and champions.history(TASK) == []


def test_a_result_against_an_earlier_champion_counts_for_nothing(registry: Path) -> None:
    store_gate_result(3, None)
    _promoted(1, None)
    stale = "version 3 was not promoted: the gate compared it with no champion, but the champion is now version 1"
    with pytest.raises(NotPromoted, match=stale):
        champions.promote(TASK, 3, who="anna")
    store_gate_result(3, 1)
    _promoted(2, 1)
    with pytest.raises(
        NotPromoted, match=r"compared it with version 1, but the champion is now version 2.*--version 3"
    ):
        champions.promote(TASK, 3, who="anna")
    store_gate_result(3, 2)
    assert champions.promote(TASK, 3, who="anna").previous == 2


@pytest.mark.parametrize("result", ["none", "failed", "stale", "passed"])
def test_a_reason_passes_over_the_gate_and_the_history_says_so(registry: Path, result: str) -> None:
    _promoted(1, None)
    if result != "none":
        store_gate_result(2, None if result == "stale" else 1, passed=result != "failed")
    for reason in (None, " "):
        with pytest.raises(NotPromoted, match="--force needs --reason"):
            champions.promote(TASK, 2, who="anna", force=True, reason=reason)
    champions.promote(TASK, 2, who="anna", force=True, reason="requested by the desk")
    last = champions.history(TASK)[-1]
    assert (last.version, last.why, last.forced) == (2, "requested by the desk", result != "passed")


def test_what_cannot_be_promoted_is_refused(registry: Path) -> None:
    _promoted(1, None)
    with pytest.raises(NotPromoted, match="version 1 is the champion already"):
        champions.promote(TASK, 1, who="anna", force=True, reason="again")
    with pytest.raises(NotPromoted, match="1,001 characters, at most 1,000"):
        champions.promote(TASK, 2, who="anna", force=True, reason="x" * 1_001)
    with pytest.raises(ModelNotFound, match="has no version 9; it has 1, 2, 3"):
        champions.promote(TASK, 9, who="anna")
    with pytest.raises(ConfigError, match="'loans' is unknown"):
        champions.promote("loans", who="anna")
    assert [m.version for m in champions.history(TASK)] == [1]


def test_rollbacks_undo_promotions_one_by_one(registry: Path) -> None:
    for number in (1, 2, 3):
        _promoted(number, champions.champion_number(TASK))
    assert [champions.roll_back(TASK, who="bo").version for _ in range(2)] == [2, 1]
    with pytest.raises(ModelNotFound, match="no earlier champion to go back to"):
        champions.roll_back(TASK, who="bo")
    assert [(m.action, m.version, m.previous) for m in champions.history(TASK)[2:]] == [
        ("promote", 3, 2), ("rollback", 2, 3), ("rollback", 1, 2),
    ]  # fmt: skip


def test_a_version_whose_files_are_damaged_is_not_made_champion(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_gate_result(1, None)
    monkeypatch.setattr(module, "load", champions.load)
    with pytest.raises(ModelNotFound, match="the model is incomplete"):
        champions.promote(TASK, 1, who="anna")
    assert champions.champion_number(TASK) is None and champions.history(TASK) == []


def test_of_two_moves_at_once_one_wins_and_the_other_is_refused(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _promoted(1, None)
    store_gate_result(2, 1)
    store_gate_result(3, 1)
    outcomes: list[Any] = []
    inside = threading.Barrier(2)

    def promote(number: int) -> None:
        inside.wait()
        try:
            outcomes.append(champions.promote(TASK, number, who="anna").version)
        except NotPromoted as e:
            outcomes.append(str(e))

    threads = [threading.Thread(target=promote, args=(n,)) for n in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner, loser = sorted(outcomes, key=lambda o: isinstance(o, str))
    assert champions.champion_number(TASK) == winner
    assert f"compared it with version 1, but the champion is now version {winner}" in loser
    assert [(m.version, m.previous) for m in champions.history(TASK)] == [(1, None), (winner, 1)]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_kill_between_any_two_writes_leaves_a_history_that_agrees_with_the_alias(
    registry: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The writes are entry, alias and confirmation; the process is killed before the write at `step`."""
    _promoted(1, None)
    store_gate_result(2, 1)
    done = 0

    def dying(write: Any) -> Any:
        def call(*args: Any) -> Any:
            nonlocal done
            done += 1
            if done == step:
                raise Killed
            return write(*args)

        return call

    with monkeypatch.context() as patch:
        for name in ("set_registered_model_tag", "set_registered_model_alias"):
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        with pytest.raises(Killed):
            champions.promote(TASK, 2, who="anna")
    moved = [1, 2] if step == 3 else [1]
    assert champions.champion_number(TASK) == moved[-1]
    assert [m.version for m in champions.history(TASK)] == moved
    if step < 3:
        champions.promote(TASK, 2, who="anna")
    _promoted(3, 2)
    assert [m.version for m in champions.history(TASK)] == [1, 2, 3]
    assert champions.roll_back(TASK, who="bo").version == 2


def test_a_move_that_another_machine_replaced_is_reported(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _promoted(1, None)
    store_gate_result(2, 1)
    move = MlflowClient.set_registered_model_alias

    def raced(client: MlflowClient, task: str, alias: str, number: str) -> None:
        move(client, task, alias, number)
        move(client, task, alias, "3")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", raced)
        with pytest.raises(NotPromoted, match="version 2 is not champion: another machine made version 3 champion"):
            champions.promote(TASK, 2, who="anna")
    assert [m.version for m in champions.history(TASK)] == [1]


def test_a_move_by_another_machine_while_the_files_are_read_stops_this_one(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _promoted(1, None)
    store_gate_result(2, 1)
    uri = f"sqlite:///{registry / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    monkeypatch.setattr(module, "load", lambda version: client.set_registered_model_alias(TASK, "champion", "3"))
    with pytest.raises(NotPromoted, match="another machine made version 3 champion at the same time"):
        champions.promote(TASK, 2, who="anna")
    assert champions.champion_number(TASK) == 3 and [m.version for m in champions.history(TASK)] == [1]


def test_moves_by_another_tool_do_not_hide_what_was_confirmed(registry: Path) -> None:
    _promoted(1, None)
    uri = f"sqlite:///{registry / 'mlflow.db'}"
    MlflowClient(tracking_uri=uri, registry_uri=uri).set_registered_model_alias(TASK, "champion", "3")
    _promoted(2, 3)
    assert [(m.version, m.previous) for m in champions.history(TASK)] == [(1, None), (2, 3)]
