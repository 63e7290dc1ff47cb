"""Endpoints `/v1/lead_scoring/queue` (order of calls) and `/v1/lead_scoring/channels` (costs and margins)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.endpoint import Champions, Endpoint, no_rules, respond_each, respond_each_by_rules
from ml.home import model_file
from ml.lead_scoring import channels, queue
from ml.lead_scoring.sales_desk import RULES, load_desk_rules


def _queue_example(champions: Champions) -> Mapping[str, Any]:
    lead = {k: v for k, v in champions["lead_scoring"].card["example"].items() if k != "as_of"}
    older = {**lead, "lead_id": "L2", "created_at": "2026-01-05T10:00:00+08:00", "events": []}
    leads = [{**lead, "lead_id": "L1"}, older]
    return {"as_of": "2026-01-07T09:00:00+08:00", "calls_per_hour": 6.0, "days": 1, "leads": leads}


ENDPOINTS = (
    Endpoint(
        path="queue",
        summary={
            "zh": "给出预期毛利最高的线索联系顺序",
            "en": "Return the order of calls with the highest expected gross margin",
        },
        request=queue.request,
        response=queue.QueueAnswer,
        respond=respond_each_by_rules(queue.answer),
        example=_queue_example,
        rules=lambda configs, data_set="": load_desk_rules(model_file(configs, RULES, data_set)),
        public_errors=True,
        long_list="leads",
    ),
    Endpoint(
        path="channels",
        summary={
            "zh": "给出各渠道的单条线索成本、单台获客成本与毛利",
            "en": "Return cost per lead, cost per sale and margin by channel",
        },
        request=lambda champions: channels.ChannelsRequest,
        response=channels.ChannelsAnswer,
        respond=respond_each(channels.answer),
        example=lambda champions: {"cost_per_lead_ceiling": 50.0},
        rules=no_rules,
        public_errors=True,
    ),
)
