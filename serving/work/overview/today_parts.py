"""The parts of the day: what each area's endpoint says is waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import quote

import polars as pl
from pydantic import BaseModel, Field

from features.periods import period_start
from ml.bilingual import Text
from serving.work.clock import DAY
from serving.work.masking import rows_at
from serving.work.overview.trade import of_stores, sales_rows
from serving.work.routing import WorkRequest

TREND_DAYS = TREND_MONTHS = 7
MAX_ITEMS = 5


class Trend(BaseModel):
    """Values of a sparkline, the last one the latest."""

    label: Text = Field(description="what the values are")
    values: list[float]


class TodayItem(BaseModel):
    """A record to look at."""

    title: Text
    note: Text | None
    link: str


class TodayPart(BaseModel):
    """What waits in one area."""

    name: str
    area: str = Field(description="entry of the navigation")
    title: Text
    value: int | None = Field(description="null: the endpoint of the area did not answer; see problem")
    of: int | None = Field(None, description="of how many")
    unit: Text | None = None
    waiting: int | None = Field(None, description="number of the navigation; null: value")
    is_urgent: bool = False
    thing: Text | None = Field(None, description="for the heading; null: nothing waits")
    note: Text | None = Field(None, description="what it is compared with")
    trend: Trend | None = None
    items: list[TodayItem] = []
    link: str
    action: Text
    problem: Text | None = None


class Waiting(NamedTuple):
    """What the function of a part returns.

    Attributes
    ----------
    value, of : int
        How many wait, and of how many.
    unit, note, thing : Text or None
        As in `TodayPart`.
    items : sequence of TodayItem
        The first ones.
    trend : Trend or None
        Sparkline.
    is_urgent : bool
        Whether somebody must act today.
    waiting : int or None
        Number of the navigation, where it is not `value`: orders, and not vehicles.
    """

    value: int
    unit: Text
    note: Text | None = None
    thing: Text | None = None
    of: int | None = None
    items: Sequence[TodayItem] = ()
    trend: Trend | None = None
    is_urgent: bool = False
    waiting: int | None = None


def text(zh: str, en: str) -> Text:
    """Return a text in both languages."""
    return Text(zh=zh, en=en)


def plural(n: int, one: str, many: str) -> str:
    """Return a number with the English noun that fits.

    >>> plural(1, "report", "reports"), plural(1200, "report", "reports")
    ('1 report', '1,200 reports')
    """
    return f"{n:,} {one if n == 1 else many}"


def safety(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the safety reports that nobody has acknowledged."""
    answer = request.ask("GET", "/v1/alarms/safety", query="state=all")
    rows = [r for r in answer["items"] if store_id is None or r.get("store_id") in (None, store_id)]
    unread = [r for r in rows if r["state"] == "new"]
    weeks = _weeks(request, [r["reported_on"] for r in rows if r["reported_on"]])
    cells = list(dict.fromkeys((r["model"], r["component"]) for r in unread if r["model"]))
    names = {(r["model"], r["component"]): r["component_name"] for r in unread}
    first = [(m, names[m, c]) for m, c in cells[:1]]  # a heading has no room for more
    zh = "、".join(f"{m}{' ' + n['zh'] if n else ''}" for m, n in first)
    en = ", ".join(f"{m}{' ' + n['en'].lower() if n else ''}" for m, n in first)
    if len(cells) > len(first):
        zh, en = f"{zh}等", f"{en} and others"
    n, before = len(unread), f"{weeks[-2]:.0f}"
    thing = text(
        f"{n} 条安全报告未处理" + (f"（{zh}）" if zh else ""),
        plural(n, "safety report", "safety reports") + " to read" + (f" ({en})" if en else ""),
    )
    return Waiting(
        value=n,
        unit=text("条", "report" if n == 1 else "reports"),
        note=text(
            "；".join(filter(None, (zh, f"上周 {before} 条"))), "; ".join(filter(None, (en, f"{before} last week")))
        ),
        thing=thing if n else None,
        items=[
            TodayItem(title=Text(**r["title"]), note=text(r["words"], r["words"]) if r["words"] else None,
                      link=f"/desk/faults/{r['alarm_id']}" if r["alarm_id"] else "/desk/faults/safety")
            for r in unread[:MAX_ITEMS]
        ],
        trend=Trend(label=text("近 7 周安全报告", "safety reports of the last 7 weeks"), values=weeks),
        is_urgent=n > 0,
    )  # fmt: skip


def alarms(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the open quality alarms; they are of the group, whatever the store."""
    answer = request.ask("GET", "/v1/alarms")
    rows = [r for r in answer["items"] if r["state"] in ("open", None)]
    moved = sum(r["state"] not in ("open", None, "closed") for r in answer["items"])
    names = [
        (f"{r['model']}{r['component_name']['zh']}", f"{r['model']} {r['component_name']['en'].lower()}") for r in rows
    ]
    n = len(rows)
    thing = text(
        f"{n} 项质量预警（{'、'.join(z for z, _ in names[:2])}）",
        f"{plural(n, 'quality alarm', 'quality alarms')} ({', '.join(e for _, e in names[:2])})",
    )
    return Waiting(
        value=n,
        unit=text("项", "alarm" if n == 1 else "alarms"),
        note=text(f"另有 {moved} 项处理中", f"{moved} more being handled"),
        thing=thing if n else None,
        items=[
            TodayItem(
                title=text(*name),
                note=text(f"实际 {r['figures']['count']:g} 次，预期 {r['figures']['expected']:.1f} 次",
                          f"{r['figures']['count']:g} faults where {r['figures']['expected']:.1f} were expected"),
                link="/desk/faults" if r["id"] is None else f"/desk/faults/{r['id']}",
            )
            for name, r in zip(names[:MAX_ITEMS], rows, strict=False)
        ],
        is_urgent=any(r["is_safety"] for r in rows),
    )  # fmt: skip


def orders(request: WorkRequest, store_id: str | None) -> Waiting:
    """Return the vehicles of the plan whose orders wait for a decision."""
    query = "state=waiting" if store_id is None else f"state=waiting&store_id={quote(store_id, safe='')}"
    answer = request.ask("GET", "/v1/inventory/orders", query=query)
    total = answer["total"] if store_id is None else next(
        (s for s in answer["stores"] if s["store_id"] == store_id), {**answer["total"], **dict.fromkeys(_WAITING, 0)}
    )  # fmt: skip
    n, vehicles, cost = total["waiting_orders"], total["waiting_vehicles"], total["waiting_cost"] / 10_000
    months, sold = _months(request, store_id)
    stores = [s for s in answer["stores"] if s["waiting_orders"] and store_id in (None, s["store_id"])]
    return Waiting(
        value=vehicles,
        unit=text("辆", "vehicle" if vehicles == 1 else "vehicles"),
        waiting=n,
        note=text(
            f"{n} 单，占用 {cost:,.0f} 万元；上月售出新车 {sold:,.0f} 辆",
            f"{plural(n, 'order', 'orders')}, {cost / 100:,.1f} million yuan; {sold:,.0f} new cars sold last month",
        ),
        thing=text(f"{n} 单采购待确认", f"{plural(n, 'purchase order', 'purchase orders')} to confirm") if n else None,
        items=[
            TodayItem(
                title=text(s["store_id"], s["store_id"]),
                note=text(
                    f"{s['waiting_orders']} 单，{s['waiting_vehicles']} 辆，{s['waiting_cost'] / 10_000:,.0f} 万元",
                    f"{plural(s['waiting_orders'], 'order', 'orders')}, "
                    f"{plural(s['waiting_vehicles'], 'vehicle', 'vehicles')}",
                ),
                link=f"/desk/stock/orders/{quote(s['store_id'], safe='')}",
            )
            for s in stores[:MAX_ITEMS]
        ],
        trend=Trend(label=text("近 7 个月新车销量", "new cars sold in each of the last 7 months"), values=months),
    )  # fmt: skip


_WAITING = ("waiting_orders", "waiting_vehicles", "waiting_cost")


def _weeks(request: WorkRequest, days: Sequence[str]) -> list[float]:
    """Return how many of some days lie in each of the last seven weeks, the last one ending today."""
    today = request.context.clock.local().date()
    starts = [str(today - timedelta(days=7 * k)) for k in range(TREND_DAYS, -1, -1)]
    return [float(sum(a < day <= b for day in days)) for a, b in pairwise(starts)]


def _months(request: WorkRequest, store_id: str | None) -> tuple[list[float], float]:
    """Return the new vehicles sold in each of the last seven complete months, and in the last of them."""
    clock = request.context.clock
    now = clock.local()
    month = (now.year - 1970) * 12 + now.month - 1
    ends = period_start(list(range(month - TREND_MONTHS, month + 1)), "month", timezone=clock.timezone.key).tolist()
    limits = request.stores if store_id is None else frozenset({store_id})
    sales = of_stores(sales_rows(request.context), limits).filter(pl.col("condition").fill_null("new") == "new")
    values = [
        float(sales.filter(pl.col("sold_at").is_between(a, b, closed="left"))["quantity"].sum())
        for a, b in pairwise(ends)
    ]
    return values, values[-1]


def daily_new(request: WorkRequest, table: str, time: str, store_id: str | None) -> list[float]:
    """Return how many rows of a table began in the 24 hours until now, and in those of each of the seven days before.

    The first is the same weekday a week ago, the last one today.
    """
    limits = request.stores if store_id is None else frozenset({store_id})
    starts = of_stores(request.context.records.table(table), limits)[time]
    now = request.context.clock.now()
    return [float(starts.is_between(now - (k + 1) * DAY, now - k * DAY, closed="right").sum())
            for k in range(TREND_DAYS, -1, -1)]  # fmt: skip


def waiting_at(request: WorkRequest, days_ago: int, store_id: str | None) -> int:
    """Return the applications of the tables that were waiting at this hour some days ago."""
    records = request.context.records
    if not records.has("applications"):
        return 0
    frame = records.tables.frames["applications"]
    instant = request.context.clock.now() - days_ago * DAY
    columns = [c for c in ("submitted_at", "decided_at", "decision", "store_id") if c in frame.columns]
    if len(columns) < 4:
        return 0
    limits = request.stores if store_id is None else frozenset({store_id})
    rows = rows_at("applications", of_stores(frame.select(columns), limits), instant)
    return int((rows["decision"].is_null() & (rows["submitted_at"] > instant - 7 * DAY)).sum())
