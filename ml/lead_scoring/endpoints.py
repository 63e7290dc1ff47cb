"""What a sales desk asks beside the score: the call queue, and what channels cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.endpoint import Champions, Endpoint
from ml.lead_scoring import channels, queue


def endpoints(configs: Path) -> tuple[Endpoint, ...]:
    """`lead_scoring/queue` and `channels`; nothing in the folder is needed."""
    return (
        Endpoint(
            path="lead_scoring/queue",
            summary={
                "zh": "按预期毛利排列的回电顺序",
                "en": "Whom to call in which order, for the largest expected margin",
            },
            needs=("lead_scoring",),
            request=queue.request,
            response=queue.QueueAnswer,
            respond=queue.answer,
            example=_queue_example,
        ),
        Endpoint(
            path="channels",
            summary={
                "zh": "各渠道的线索成本、成交成本与预期毛利",
                "en": "Cost per lead, cost per sale and margin by channel",
            },
            needs=("lead_scoring",),
            request=lambda champions: channels.ChannelsRequest,
            response=channels.ChannelsAnswer,
            respond=channels.answer,
            example=lambda champions: {"cost_per_lead_ceiling": 50.0},
        ),
    )


def _queue_example(champions: Champions) -> Mapping[str, Any]:
    lead = {k: v for k, v in champions["lead_scoring"].card["example"].items() if k != "as_of"}
    older = {**lead, "lead_id": "L2", "created_at": "2026-01-05T10:00:00+08:00", "events": []}
    leads = [{**lead, "lead_id": "L1"}, older]
    return {"as_of": "2026-01-07T09:00:00+08:00", "calls_per_hour": 6.0, "hours": 8.0, "leads": leads}
