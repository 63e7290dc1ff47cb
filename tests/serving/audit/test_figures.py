"""Figures of a small log, counted by hand."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from serving.audit.figures import Access, Figures, Group, PurgeEntry, figures_of
from serving.audit.periods import Period
from tests.serving.audit.content import ALL_TIME, sample_log

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    """Return the figures of the whole log of `sample_log`."""
    return figures_of(sample_log(tmp_path), ALL_TIME, end=99)


def test_decisions_are_counted_by_every_dimension(figures: Figures) -> None:
    approved = Counter(approve=3, decline=1, refer=1)
    assert figures.total == Group(5, approved, overridden=2, reversed=1) and figures.total.other == 0
    assert figures.entries == Counter(decision=5, override=2, access=1, purge=1)
    stores = {name: (g.decisions, g.bands["approve"]) for name, g in figures.groups["store"].items()}
    assert stores == {"S0001": (3, 2), "S0002": (2, 1)}
    models = {name: (g.decisions, g.overridden, g.reversed) for name, g in figures.groups["model"].items()}
    assert models == {"credit_risk 1": (4, 2, 1), "credit_risk 2": (1, 0, 0)}
    assert {name: g.decisions for name, g in figures.groups["key"].items()} == {"k_desk": 4, "k_web": 1}
    assert {name: g.decisions for name, g in figures.groups["month"].items()} == {"2026-01": 4, "2026-02": 1}
    assert set(figures.groups["endpoint"]) == {"/v1/credit_risk", "/v1/loans/offers"}


def test_a_referral_that_an_officer_decides_is_not_against_the_model(figures: Figures) -> None:
    assert figures.transitions == Counter({("decline", "approve"): 1, ("refer", "decline"): 1})
    assert figures.officers["k_desk"] == Counter(overrides=1, decisions=1, reversed=1)
    assert figures.officers["=li.wei"] == Counter(overrides=1, decisions=1)
    assert figures.overrides_of_earlier == 0


def test_overrides_count_for_the_period_of_their_decision_up_to_the_end_of_the_log(tmp_path: Path) -> None:
    engine = sample_log(tmp_path)
    january = figures_of(engine, Period(ZONE, date(2026, 1, 1), date(2026, 1, 31)), end=99)
    assert (january.total.decisions, january.total.overridden, january.entries["override"]) == (4, 2, 0)
    early = figures_of(engine, Period(ZONE, date(2026, 1, 1), date(2026, 1, 31)), end=5)
    assert early.total.overridden == 0
    february = figures_of(engine, Period(ZONE, date(2026, 2, 1)), end=99)
    assert (february.total.decisions, february.total.overridden, february.overrides_of_earlier) == (1, 0, 2)


def test_reasons_are_counted_once_a_decision_with_their_texts(figures: Figures) -> None:
    assert figures.reasons == Counter(BUREAU=2) and figures.explained == 2
    assert figures.reason_texts["BUREAU"].zh == "您的征信评分偏低。"
    assert figures.explored == 1
    assert figures.personal == Counter(stored=4, none=1)


def test_reads_and_purges_are_listed(figures: Figures) -> None:
    (access,), (purge,) = figures.accesses, figures.purges
    assert access == Access(8, access.at, "d2", "li.wei", "complaint 17", "gender, reference")
    assert purge == PurgeEntry(9, purge.at, 90, 95, 6, "zhao", "retention")


def test_an_empty_log_has_no_decision(tmp_path: Path) -> None:
    from tests.serving.decisions.logs import log_in

    assert figures_of(log_in(tmp_path), ALL_TIME, end=0).total == Group()
