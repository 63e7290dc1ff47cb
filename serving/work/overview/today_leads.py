"""Leads, applications, stores and models of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ml.bilingual import Text
from serving.work.overview.today_parts import (
    MAX_ITEMS,
    TREND_DAYS,
    TodayItem,
    Trend,
    Waiting,
    daily_new,
    plural,
    text,
    waiting_at,
)
from serving.work.routing import WorkRequest

OLD_DAYS = 180  # a champion for longer should be trained again
_VERDICTS = {
    "worse": ("变差", "is worse"),
    "drifted": ("有漂移", "has drifted"),
    "no_champion": ("未上线", "is missing"),
}


def applications(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the applications that wait, those beyond the promised time first, and how many waited a week ago."""
    query = "state=waiting" if store_id is None else f"state=waiting&store_id={quote(store_id, safe='')}"
    answer = request.ask("GET", "/v1/applications", query=query)
    n, late, promise = answer["waiting"], answer["late"], answer["promise_minutes"]
    counts = [float(waiting_at(request, k, store_id)) for k in range(TREND_DAYS - 1, 0, -1)] + [float(n)]
    week_ago, oldest = waiting_at(request, 7, store_id), answer["longest_minutes"]
    ages = ("", "") if oldest is None else (
        f"最久 {_zh(oldest)}，承诺 {_zh(promise)}；", f"the oldest for {_en(oldest)}, {_en(promise)} promised; "
    )  # fmt: skip
    thing = text(
        f"{n} 笔贷款待审" + (f"，其中 {late} 笔超过承诺时间" if late else ""),
        f"{plural(n, 'application', 'applications')} waiting" + (f", {late} for longer than promised" if late else ""),
    )
    return Waiting(
        value=n,
        unit=text("笔", "application" if n == 1 else "applications"),
        note=text(f"{ages[0]}上周同时 {week_ago} 笔", f"{ages[1]}{week_ago} at this hour a week ago"),
        thing=thing if n else None,
        items=[_application(item) for item in answer["items"][:MAX_ITEMS]],
        trend=Trend(label=text("近 7 日此时待审贷款", "applications waiting at this hour, last 7 days"), values=counts),
        is_urgent=late > 0,
    )


def _application(item: Mapping[str, Any]) -> TodayItem:
    name = " · ".join(part for part in (item["application_id"], item["name"], item["vehicle"]) if part)
    age = item["waiting_minutes"] or 0
    zh, en = (f"已等待 {_zh(age)}", f"waiting for {_en(age)}")
    if item["is_late"]:
        zh, en = f"{zh}，超过承诺", f"{en}, longer than promised"
    if item["missing"]:
        zh, en = (
            f"{zh}；缺 {len(item['missing'])} 项资料",
            f"{en}; {plural(len(item['missing']), 'field', 'fields')} missing",
        )
    link = f"/desk/loans/{quote(item['application_id'], safe='')}"
    return TodayItem(title=text(name, name), note=text(zh, en), link=link)


def leads(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the leads that can be called today, what waiting costs for the first, and how many are new."""
    query = f"limit={MAX_ITEMS}" if store_id is None else f"limit={MAX_ITEMS}&store_id={quote(store_id, safe='')}"
    answer = request.ask("GET", "/v1/leads", query=query)
    n, items = answer["counts"]["today"], answer["items"]
    days = daily_new(request, "leads", "created_at", store_id)
    cost = items[0]["loss_per_hour"] if items and answer["costs_waiting"] else None
    first = ("", "") if not cost else (
        f"首位再等一小时少赚约 {cost:,.0f} 元；", f"an hour of waiting costs {cost:,.0f} yuan for the first; "
    )  # fmt: skip
    return Waiting(
        value=n,
        of=answer["counts"]["all"],
        unit=text("条", "leads"),
        note=text(
            f"{first[0]}24 小时新增 {days[-1]:.0f} 条，上周同日 {days[0]:.0f} 条",
            f"{first[1]}{days[-1]:.0f} new in 24 hours, {days[0]:.0f} a week ago",
        ),
        thing=text(f"{n} 条线索可联系", f"{plural(n, 'lead', 'leads')} to call") if n else None,
        items=[_lead(row) for row in items],
        trend=Trend(label=text("近 7 日新增线索", "new leads a day, last 7 days"), values=days[1:]),
    )


def _lead(row: Mapping[str, Any]) -> TodayItem:
    name = " · ".join(part for part in (row["name"] or row["lead_id"], row["model"]) if part)
    link = f"/desk/leads/{quote(row['lead_id'], safe='')}"
    return TodayItem(title=text(name, name), note=Text(**row["headline"]), link=link)


def _zh(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} 分钟"
    return f"{minutes // 60} 小时" if minutes < 48 * 60 else f"{minutes // 1440} 天"


def _en(minutes: int) -> str:
    if minutes < 120:
        return plural(minutes, "minute", "minutes")
    return plural(minutes // 60, "hour", "hours") if minutes < 48 * 60 else plural(minutes // 1440, "day", "days")


def stores(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the stores whose sales are outside the interval of their forecast."""
    query = "period=30d" if store_id is None else f"period=30d&store_id={quote(store_id)}"
    answer = request.ask("GET", "/v1/overview/stores", query=query)
    rows = [s for s in answer["items"] if s["verdict"] in ("below", "above")]
    n = len(rows)
    below = [s for s in rows if s["verdict"] == "below"]
    names = "、".join(s["store_id"] for s in rows[:2]), ", ".join(s["store_id"] for s in rows[:2])
    total = len(answer["items"])
    return Waiting(
        value=n,
        of=total,
        unit=text("家", "stores"),
        note=text(
            "销量超出需求模型的预期区间（最近一个完整月）", "outside the interval of the forecast, last whole month"
        ),
        thing=text(f"{names[0]} 销量偏离预期", f"sales of {names[1]} off their forecast") if n else None,
        items=[
            TodayItem(
                title=text(s["store_id"], s["store_id"]),
                note=text(s["remarks"][0]["text"]["zh"], s["remarks"][0]["text"]["en"]) if s["remarks"] else None,
                link=f"/desk/dashboard?store={quote(s['store_id'])}",
            )
            for s in rows[:MAX_ITEMS]
        ],
        is_urgent=bool(below),
    )


def models(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the models that have become worse, have drifted, or were promoted long ago."""
    answer = request.ask("GET", "/v1/models")
    rows = [m for m in answer["items"] if m["champion"] is not None or m["promotion"] is not None]
    reasons = [(m, reason) for m in rows for reason in [_model_reason(m)] if reason is not None]
    n = len(reasons)
    names = [(f"{m['title']['zh']}模型{zh}", f"{m['title']['en'].lower()} model {en}") for m, (zh, en) in reasons[:2]]
    return Waiting(
        value=n,
        of=len(rows),
        unit=text("个", "models"),
        note=text(
            f"变差、漂移、未上线，或上线已满 {OLD_DAYS} 天", f"worse, drifted, missing, or promoted {OLD_DAYS} days ago"
        ),
        thing=text("，".join(zh for zh, _ in names), ", ".join(en for _, en in names)) if n else None,
        items=[
            TodayItem(
                title=text(m["title"]["zh"], m["title"]["en"]),
                note=text(*reason),
                link=f"/desk/models/{quote(m['name'], safe='')}",
            )
            for m, reason in reasons[:MAX_ITEMS]
        ],
        is_urgent=any(m["state"] in ("worse", "no_champion") for m, _ in reasons),
    )


def _model_reason(model: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a model should be looked at; None if it need not be."""
    if model["state"] in _VERDICTS:
        return _VERDICTS[model["state"]]
    if model["promotion"] is None:
        return None
    days = (datetime.now(UTC) - datetime.fromisoformat(model["promotion"]["at"])).days  # promotions have real time
    return (f"已上线 {days} 天", f"was promoted {days} days ago") if days >= OLD_DAYS else None
