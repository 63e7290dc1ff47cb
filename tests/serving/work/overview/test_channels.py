"""Channels by conversion."""

from __future__ import annotations

from serving.work.overview.channels import channel_figures
from serving.work.overview.key_figures import Scope
from serving.work.overview.periods import period_named
from tests.serving.work.overview.dealership import LEADS, context, records


def test_the_channel_that_sells_most_is_first_with_its_cost_a_sale() -> None:
    """Of one event lead one bought for 300 yuan; of three by phone one, for 300 together."""
    work = context()
    rows, problem = channel_figures(Scope(work, None), period_named("30d", work.clock.local()))
    assert [(r.channel, r.leads, r.sales) for r in rows] == [("event", 1, 1), ("phone", 3, 1)]
    assert [r.cost_per_sale and r.cost_per_sale.value for r in rows] == [300.0, 300.0]
    assert [r.cost_per_lead and r.cost_per_lead.value for r in rows] == [300.0, 100.0]
    assert problem is None


def test_without_costs_or_leads_it_is_said_what_is_missing() -> None:
    """Leads without a channel are one row."""
    work = context(records(leads=[{**row, "acquisition_cost": None, "channel": None} for row in LEADS]))
    period = period_named("30d", work.clock.local())
    rows, problem = channel_figures(Scope(work, None), period)
    assert [(r.channel, r.cost_per_sale) for r in rows] == [(None, None)]
    assert problem is not None and "acquisition_cost" in problem.en
    rows, problem = channel_figures(Scope(context(records("leads")), None), period)
    assert rows == [] and problem is not None
