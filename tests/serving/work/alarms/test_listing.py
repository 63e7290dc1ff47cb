"""The list has the alarms of the store with their states, and the funnel every tested component."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from serving.work.alarms.listing import MAX_NEAR, NEAR_ODDS, last_day
from tests.serving.work.alarms.conftest import Work


def test_an_alarm_has_figures_that_agree_and_odds_above_their_threshold(work: Work) -> None:
    """Twenty to one are the odds at a family-wise false-alarm rate of 5 %."""
    answer = work.get("/v1/alarms")
    (alarm,) = answer["items"]
    figures = alarm["figures"]
    assert (alarm["id"], alarm["model"], alarm["component"], alarm["state"]) == (1, "D", "brakes", "open")
    assert figures["ratio"] == round(figures["count"] / figures["expected"], 1) > 2
    assert figures["low"] < figures["shrunk"] < figures["high"] and alarm["is_safety"]
    assert answer["odds_threshold"] == 20 < alarm["odds"]
    assert (answer["open"], answer["not_closed"], answer["components"]) == (1, 1, 18)
    assert len(answer["near"]) <= MAX_NEAR and all(row["odds"] >= NEAR_ODDS for row in answer["near"])
    assert answer["data_until"] == last_day(work.estimator.snapshot)
    assert answer["problem"] is None and answer["typical"]["model"] in "ABCDEF"


def test_an_alarm_that_no_run_has_recorded_has_no_state(make_work: Callable[..., Work]) -> None:
    """The store does not exist yet: the list is that of the champion."""
    (alarm,) = make_work().get("/v1/alarms")["items"]
    assert alarm["id"] is None and alarm["state"] is None and alarm["model"] == "D"


def test_a_damaged_store_leaves_the_alarms_and_says_what_is_missing(work: Work) -> None:
    """The states are missing, not the alarms."""
    work.rules.store.write_bytes(b"no database, but long enough to be read as one" * 40)
    answer = work.get("/v1/alarms")
    assert answer["items"][0]["state"] is None and "cannot be read" in answer["problem"]
    assert work.get("/v1/alarms/1", 503)["code"] == "alarm_store_unavailable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_read_only_store_refuses_a_move(work: Work) -> None:
    """Nothing changes, and the message says what to do."""
    work.rules.store.parent.chmod(0o500)
    work.rules.store.chmod(0o400)
    assert work.post("/v1/alarms/1/moves", 503, to="acknowledged")["code"] == "alarm_store_unavailable"
    work.rules.store.parent.chmod(0o700)


def test_the_funnel_has_the_alarm_outside_the_limits_of_chance(work: Work) -> None:
    """Its figures are those of the list."""
    funnel = work.get("/v1/alarms/funnel")
    (alarm,) = [point for point in funnel["points"] if point["alarm"]]
    figures = work.get("/v1/alarms")["items"][0]["figures"]
    assert (alarm["count"], alarm["expected"]) == (figures["count"], figures["expected"]) and alarm["alarm_id"] == 1
    near = min(funnel["limits"], key=lambda limit: abs(limit["expected"] - alarm["expected"]))
    assert near["low"] < 1 < near["high"] < alarm["ratio"]
    assert len(funnel["points"]) == 17 and funnel["inside"] == 0.998  # no vehicle of E has a pump


def test_without_a_champion_the_list_says_so(make_work: Callable[..., Work]) -> None:
    """A 503 names the remedy."""
    from serving.api import build_app
    from serving.settings import Settings
    from tests.serving.in_process import Champions, ask, problem

    answer = ask(build_app(Champions({}), Settings()), "/v1/alarms")
    assert problem(answer, 503)["code"] == "no_champion"
