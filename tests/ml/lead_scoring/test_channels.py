"""The table of channels, with figures that can be computed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from features.errors import FeatureError
from ml.lead_scoring.channels import ChannelsRequest, answer
from ml.lead_scoring.params import LeadParams

DAY = 86_400_000_000


def touch(channel: str, cost: tuple[float, float, float] | None) -> dict[str, Any]:
    """Ten leads and one sale, at a cost per lead with its interval."""
    rate = {"value": 0.123456, "low": 0.05, "high": 0.2}
    per_lead = None if cost is None else dict(zip(("value", "low", "high"), cost, strict=True))
    return {
        "channel": channel, "leads": 9, "sales": 1, "weighted_leads": 10.04, "weighted_sales": 1.0,
        "conversion_rate": rate, "cost_per_lead": per_lead,
        "cost_per_sale": None, "margin_per_lead": None, "net_margin_per_lead": None,
    }  # fmt: skip


LAST = [
    touch("website", (40.0, 35.0, 45.0)),
    touch("phone", (48.0, 40.0, 55.0)),
    touch("fair", (80.0, 60.0, 99.0)),
    touch("walk_in", None),
]


def champions(table: dict[str, Any] | None) -> Any:
    estimator = SimpleNamespace(params=LeadParams(cost_per_lead_ceiling=50), value_tables_={"channels": table})
    return {"lead_scoring": SimpleNamespace(estimator=estimator)}


def test_the_highest_cost_per_lead_comes_first_and_the_alert_uses_its_interval() -> None:
    table = {"from": 0, "until": DAY, "last_touch": LAST, "first_touch": [touch("fair", None), touch("app", None)]}
    response = answer(champions(table), ChannelsRequest())
    assert [(row.channel, row.alert) for row in response.channels] == [
        ("fair", "above"), ("phone", "perhaps_above"), ("website", "below"), ("app", None), ("walk_in", None),
    ]  # fmt: skip
    assert response.cost_per_lead_ceiling == 50
    assert response.since is not None and response.until is not None and (response.until - response.since).days == 1
    fair, app = response.channels[0], response.channels[3]
    assert fair.last_touch is not None and fair.first_touch is not None
    assert app.last_touch is None and app.first_touch is not None
    counts = fair.last_touch
    assert (counts.leads, counts.sales, counts.weighted_leads, counts.conversion_rate.value) == (9, 1, 10.0, 0.1235)


def test_counts_are_whole_and_the_weights_are_explained() -> None:
    table = {"from": 0, "until": DAY, "last_touch": LAST}
    weights = answer(champions(table), ChannelsRequest()).weights
    assert weights is not None
    assert weights.en.startswith("the outcome of 36 leads is known, 4 of them bought. Of the leads of the last 30 days")
    assert "together for 40.2 leads and 4.0 sales" in weights.en and "相当于 40.2 条线索、4.0 次成交" in weights.zh
    whole = {**table, "last_touch": [{**row, "weighted_leads": 9.0} for row in LAST]}
    assert answer(champions(whole), ChannelsRequest()).weights is None


def test_a_ceiling_of_the_request_replaces_the_configuration_s() -> None:
    table = {"from": None, "until": None, "last_touch": LAST}
    alerts = {
        ceiling: [
            row.alert for row in answer(champions(table), ChannelsRequest(cost_per_lead_ceiling=ceiling)).channels
        ]
        for ceiling in (0.0, 100.0)
    }
    assert alerts == {0.0: ["above"] * 3 + [None], 100.0: ["below"] * 3 + [None]}
    assert answer(champions(table), ChannelsRequest()).since is None


def test_leads_without_a_channel_make_no_table() -> None:
    with pytest.raises(FeatureError, match="channel") as error:
        answer(champions(None), ChannelsRequest())
    assert error.value.feature == "channel"


@pytest.mark.parametrize("ceiling", [-1.0, float("nan"), "50"])
def test_a_ceiling_is_an_amount(ceiling: Any) -> None:
    with pytest.raises(ValidationError):
        ChannelsRequest(cost_per_lead_ceiling=ceiling)
