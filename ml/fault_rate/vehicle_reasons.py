"""Reason for the place of a vehicle in the list of vehicles to inspect, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from ml.bilingual import Text
from ml.fault_rate.campaign import CALL_IN, InspectionPlan
from ml.fault_rate.ranking import RANKED_COLUMNS
from ml.fault_rate.vehicles import MONTH_DAYS
from ml.fault_rate.wording import horizon, months, yuan

NOTABLE_EFFECT = 0.05  # of distance or age on the baseline rate, from which it is a reason
_EFFECTS = ("distance_effect", "band_from", "band_until", "age_effect")
LISTED_COLUMNS = {
    **{n: t for n, t in RANKED_COLUMNS.items() if n not in _EFFECTS},
    "reason_zh": pl.String, "reason_en": pl.String,
}  # fmt: skip
_EPOCH = date(1970, 1, 1)


def with_reasons(vehicles: pl.DataFrame, plan: InspectionPlan) -> pl.DataFrame:
    """Return vehicles with `reason_zh` and `reason_en` in place of the effects that they are made of.

    Parameters
    ----------
    vehicles : DataFrame
        Rows of `plan.vehicles`, such as one page.
    plan : InspectionPlan
        As returned by `ml.fault_rate.campaign.plan_inspection`.
    """
    texts = [vehicle_reason(row, plan) for row in vehicles.to_dicts()]
    reasons = {f"reason_{n}": pl.Series([getattr(t, n) for t in texts], dtype=pl.String) for n in ("zh", "en")}
    return vehicles.drop(_EFFECTS).with_columns(**reasons).select(*LISTED_COLUMNS)


def vehicle_reason(row: Mapping[str, Any], plan: InspectionPlan) -> Text:
    """Return why a vehicle has its place: an earlier repair, its distance, its age, and what an inspection is worth.

    Parameters
    ----------
    row : mapping
        Row of `plan.vehicles`.
    plan : InspectionPlan
        As returned by `ml.fault_rate.campaign.plan_inspection`.
    """
    parts = [*_repair(row, plan), _comparison(row), *_money(row, plan)]
    return Text(zh="；".join(p.zh for p in parts), en="; ".join(p.en for p in parts))


def _repair(row: Mapping[str, Any], plan: InspectionPlan) -> list[Text]:
    if row["fault_on"] is None:
        return []
    since = (plan.today - (row["fault_on"] - _EPOCH).days) / MONTH_DAYS
    left = 12 * plan.rules.repair_years - since
    name, ago = plan.rules.component_name(plan.component), months(since)
    if left <= 0:
        return [
            Text(
                zh=f"{name.zh}上次维修在 {ago.zh}前，效果已过期",
                en=f"{name.en} repaired {ago.en} ago: too long ago to count",
            )
        ]
    share = f"{plan.rules.repair_effectiveness:.0%}"
    return [
        Text(
            zh=f"{name.zh}已在 {ago.zh}前维修：超出部分的风险降低 {share}，还可维持 {months(left).zh}",
            en=f"{name.en} repaired {ago.en} ago: {share} of the excess risk is gone for another {months(left).en}",
        )
    ]


def _comparison(row: Mapping[str, Any]) -> Text:
    """Return what distance and age do to the faults of a vehicle, against the typical affected vehicle."""
    km, zh, en = row["monthly_km"], [], []
    if km is None:
        zh.append("行驶里程未知")
        en.append("its distance is unknown")
    elif abs(row["distance_effect"] - 1) >= NOTABLE_EFFECT:
        change_zh, change_en = _change(row["distance_effect"])
        band = _band(row["band_from"], row["band_until"])
        zh.append(f"每月行驶{band.zh}的车辆故障{change_zh}（本车约 {km:,.0f} 公里）")
        en.append(f"{change_en} among those that drive {band.en} km a month (this one {km:,.0f})")
    if abs(row["age_effect"] - 1) >= NOTABLE_EFFECT:
        change_zh, change_en = _change(row["age_effect"])
        age = months(12 * row["age"])
        zh.append(f"车龄（{age.zh}）使故障{change_zh}")
        en.append(f"{change_en} for its age ({age.en})")
    if not en:
        return Text(zh="行驶里程和车龄与一般受影响车辆相近", en="drives and ages like the typical affected vehicle")
    return Text(
        zh=f"与一般受影响车辆相比：{'，'.join(zh)}", en=f"against the typical affected vehicle: {', '.join(en)}"
    )


def _band(low: float | None, high: float | None) -> Text:
    """Return a band of monthly distances in words, without its unit in English."""
    if low is None:
        return Text(zh=f"不足 {high:,.0f} 公里", en=f"less than {high:,.0f}")
    if high is None:
        return Text(zh=f" {low:,.0f} 公里以上", en=f"at least {low:,.0f}")
    return Text(zh=f" {low:,.0f} 至 {high:,.0f} 公里", en=f"{low:,.0f} to {high:,.0f}")


def _change(effect: float) -> tuple[str, str]:
    share = f"{abs(effect - 1):.0%}"
    return (f"多 {share}", f"{share} more faults") if effect > 1 else (f"少 {share}", f"{share} fewer faults")


def _money(row: Mapping[str, Any], plan: InspectionPlan) -> list[Text]:
    if row["benefit"] is None:
        return []
    benefit, cost, time = yuan(row["benefit"]), yuan(row["cost"]), horizon(plan.rules.repair_years)
    zh = f"{time.zh}检查可省约 {benefit.zh}，花费 {cost.zh}"
    en = f"an inspection saves about {benefit.en} over {time.en} and costs {cost.en}"
    if not row["inspect"]:
        return [Text(zh=f"{zh}：不划算", en=f"{en}: it does not pay")]
    if row["moment"] == CALL_IN:
        return [Text(zh=f"{zh}：现在邀约", en=f"{en}: call in now")]
    when = row["next_visit_on"]
    return [
        Text(zh=f"{zh}：{when.year} 年 {when.month} 月前后保养时检查", en=f"{en}: with its service about {when:%B %Y}")
    ]
