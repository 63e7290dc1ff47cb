"""Given-up leads: who is silent or closed at an instant, their order, and why one is worth a call."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.lead_scoring.given_up import given_up_leads, given_up_reason, in_call_order
from tests.small.lead_scoring import START

NOW = START + 100 * DAY


def lead(name: str, **days: float) -> dict[str, object]:
    """Return a lead; each instant is given in days before now."""
    names = ("created_at", "first_contact_at", "last_contact_at", "converted_at", "closed_at")
    return {"lead_id": name} | {n: None if n not in days else NOW - int(days[n] * DAY) for n in names}


def test_who_is_silent_closed_or_never_called_is_listed_and_who_was_contacted_later_is_counted() -> None:
    leads = pl.DataFrame(
        [
            lead("quiet", created_at=20, first_contact_at=19, last_contact_at=8),
            lead("just silent enough", created_at=20, first_contact_at=19, last_contact_at=7),
            lead("recent", created_at=20, first_contact_at=19, last_contact_at=6.9),
            lead("never", created_at=10),
            lead("called tomorrow", created_at=10, first_contact_at=-1, last_contact_at=-1),
            lead("later", created_at=20, first_contact_at=19, last_contact_at=-2),
            lead("closed", created_at=20, first_contact_at=19, last_contact_at=3, closed_at=2),
            lead("closes tomorrow", created_at=20, first_contact_at=19, last_contact_at=9, closed_at=-1),
            lead("sold", created_at=20, first_contact_at=19, last_contact_at=9, converted_at=1),
            lead("sold tomorrow", created_at=20, first_contact_at=19, last_contact_at=9, converted_at=-1),
            lead("old", created_at=61, first_contact_at=60, last_contact_at=50),
            lead("not yet", created_at=-1),
        ]
    )
    states, contacted_later = given_up_leads(leads, NOW, silent=7 * DAY, within=60 * DAY)
    rows = {r["lead_id"]: (r["state"], round(r["silent_days"], 1)) for r in states.to_dicts()}
    assert rows == {
        "quiet": ("quiet", 8.0), "just silent enough": ("quiet", 7.0), "never": ("never_called", 10.0),
        "called tomorrow": ("never_called", 10.0), "closed": ("closed", 3.0), "closes tomorrow": ("quiet", 9.0),
        "sold tomorrow": ("quiet", 9.0),
    }  # fmt: skip
    assert contacted_later == 1
    later = states.filter(pl.col("lead_id").is_in(["called tomorrow", "closes tomorrow"]))
    assert later["closed_at"].null_count() == 2 and later["last_contact_at"].null_count() == 1


def test_closed_leads_come_last_and_the_highest_margin_first() -> None:
    leads = pl.DataFrame(
        [("a", "closed", 900.0, 0.5), ("b", "quiet", 300.0, 0.3), ("c", "never_called", 400.0, 0.4),
         ("d", "quiet", None, 0.9)],
        schema=["lead_id", "state", "expected_gross_margin", "conversion_probability"], orient="row",
    )  # fmt: skip
    assert in_call_order(leads)["lead_id"].to_list() == ["c", "b", "d", "a"]


def test_a_reason_says_how_long_nobody_called() -> None:
    assert given_up_reason("quiet", 9.7, 0.314).en == "no contact for 9 days, probability of a sale 31%: call again"
    assert given_up_reason("closed", 59.4, 0.27).en == (
        "closed as lost, no contact for 59 days; an open lead like it has a probability of a sale of 27%: check why it "
        "was closed"
    )
    assert given_up_reason("never_called", 1.2, 0.5).zh == "1 天来从未外呼，成交概率 50%：首次外呼"
