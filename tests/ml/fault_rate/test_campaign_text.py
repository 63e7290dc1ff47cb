"""Sentences of a verdict in both languages, for plans computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ml.fault_rate.campaign_text import headline, verdict_text
from tests.ml.fault_rate.small_campaign import TODAY, snapshot
from tests.ml.fault_rate.test_campaign import plan

ALL_AMOUNTS: dict[str, Any] = {
    "goodwill": 100.0, "complaint_probability": 0.5, "complaint_cost": 200.0, "customer_loss_probability": 0.5,
    "customer_value": 200.0,
}  # fmt: skip


def test_a_call_that_pays_names_cost_saving_horizon_break_even_and_people() -> None:
    """Four vehicles at 200 yuan; 1,300 yuan a fault; .648 faults avoided by each."""
    result = plan(snapshot(*[{"next_visit": TODAY + 365}] * 4), service_inspection_cost=900.0, **ALL_AMOUNTS)
    text = verdict_text(result)
    assert text.en == (
        "Call in now all 4 affected vehicles. About 4 of them are expected to come. It costs about 800 yuan and saves "
        "about 3,370 yuan over the next 5 years: about 2,570 yuan net (90% interval 2,570 yuan to 2,570 yuan), and has "
        "paid for itself after about 7 months. It avoids about 3 of the 5 faults expected of all affected vehicles "
        "over the next 5 years; about 1 complaint fewer; about 1 customer stays who would have left. Over the "
        "next 5 years, inspecting all of them at their next service instead would lose about 1,510 yuan."
    )
    assert text.zh == (
        "现在邀约：全部 4 辆受影响车辆。预计约 4 辆会来。约需 800 元，未来 5 年可省约 3,370 元："
        "净值约 2,570 元（90% 区间 2,570 元～2,570 元），约 7 个月后回本。"
        "全部受影响车辆未来 5 年预计发生 5 次故障，可避免其中约 3 次，少约 1 起投诉，留住约 1 位原本会流失的客户。"
        "同样的车辆若全部等到下次保养时检查，未来 5 年净亏约 1,510 元。"
    )


def test_a_campaign_that_does_not_pay_says_what_speaks_for_it_and_when_it_would_pay() -> None:
    """1,200 yuan a fault; an inspection of 1,297 yuan pays from 2,000 yuan a fault, 800 yuan of goodwill more."""
    result = plan(snapshot({}, {}), campaign_cost=1_297.0, **(ALL_AMOUNTS | {"goodwill": 0.0}))
    text = verdict_text(result)
    assert text.en.startswith(
        "Not worth it on cost alone: to inspect all 2 affected vehicles costs about 2,590 yuan and saves only about "
        "1,560 yuan over the next 5 years; not one of the inspections pays for itself. It would avoid about 1 of the 2 "
        "faults expected of all affected vehicles over the next 5 years. It would pay for the first vehicle from a "
        "goodwill of 800 yuan a fault (0 yuan configured), and for all vehicles together from 800 yuan; or if an "
        "inspection cost no more than 778 yuan."
    )
    assert text.zh.startswith("仅从成本看不划算：检查全部 2 辆受影响车辆约需 2,590 元，未来 5 年只省约 1,560 元")
    assert "商誉价值达到 800 元（现设 0 元）" in text.zh and headline(result).en == "not worth it on cost alone"


def test_what_is_not_counted_is_said() -> None:
    result = plan(snapshot({}), leaving_rate=None)
    text = verdict_text(result)
    assert "Not counted, because not configured: goodwill, complaint_cost, customer_value." in text.en
    assert "upper limit; set leaving_rate" in text.en and "too few routine visits" in text.en
    assert "未计入：goodwill、complaint_cost、customer_value（未设置）。" in text.zh


@pytest.mark.parametrize(
    ("state", "component", "en", "zh"),
    [
        (snapshot({}), "brakes", "inspect the affected vehicle", "1 辆受影响车辆全部回厂检查"),
        (snapshot({}, {}), "brakes", "inspect all 2 affected vehicles", "2 辆受影响车辆全部回厂检查"),
        (snapshot({}), "suspension", "call in now the affected vehicle", "现在邀约：全部 1 辆受影响车辆"),
    ],
)
def test_headlines_agree_with_their_numbers(state: Any, component: str, en: str, zh: str) -> None:
    head = headline(plan(state, component))
    assert (head.en, head.zh) == (en, zh)


def test_a_part_of_the_vehicles_is_called_in() -> None:
    result = plan(snapshot({}, {}, repaired={0: 213}))
    assert headline(result).en == "call in now 1 of 2 affected vehicles"
    assert verdict_text(result).zh.startswith("现在邀约：2 辆受影响车辆中的 1 辆。预计约 1 辆会来。其余 1 辆检查的花费")


def test_a_mixed_list_names_both_moments() -> None:
    cars = [{"next_visit": TODAY + 365}, {"next_visit": TODAY + 10}]
    result = plan(snapshot(*cars), service_inspection_cost=50.0)
    assert headline(result).en == "of 2 affected vehicles, call in 1 now and inspect 1 at the next service"
    assert "2 辆受影响车辆中，现在邀约 1 辆，1 辆在下次保养时检查" in verdict_text(result).zh
    waiting = plan(snapshot(*cars), campaign_cost=900.0, service_inspection_cost=50.0)
    assert headline(waiting).en == "inspect all 2 affected vehicles at the next service"


def test_a_safety_component_names_no_cost() -> None:
    text = verdict_text(plan(snapshot({}, {}), "brakes"))
    assert text.en.startswith(
        "Inspect all 2 affected vehicles, in order of risk: the component (brakes) concerns safety"
    )
    assert "About 2 are expected to come when invited once." in text.en
    assert "制动系统属于安全部件" in text.zh and "yuan" not in text.en and "元" not in text.zh


def test_without_a_fault_cost_the_remedy_is_named() -> None:
    text = verdict_text(plan(snapshot({}, costs={})))
    assert text.en.startswith("No cost of a fault is known") and "It would avoid" in text.en
    assert "fault_cost" in text.zh
