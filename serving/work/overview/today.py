"""`GET /v1/today`: what a person should look at today, and the counts of the navigation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.overview import today_leads, today_parts
from serving.work.overview.today_parts import TodayPart, Waiting, text
from serving.work.records import Records
from serving.work.routing import WorkRequest, WorkRoute

log = logging.getLogger("chehang.serving")
SECONDS = 10.0  # an answer is kept so long, unless somebody writes an entry
MAX_ANSWERS = 200
MAX_NAMED = 3  # things that the heading names
_NUMERALS = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九")
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


class TodayParameters(BaseModel):
    """Query string of `GET /v1/today`."""

    model_config = ConfigDict(extra="forbid")

    store_id: str | None = Field(None, max_length=200, description="of one store only; default: all of the caller")


class Count(BaseModel):
    """What waits in an area, for the navigation."""

    area: str
    n: int
    text: Text


class TodayAnswer(BaseModel):
    """What waits, the urgent parts first."""

    as_of: datetime
    stands_still: bool = Field(description="the data are old, and now is their last morning")
    heading: Text = Field(description="the answer to: what is there to do today?")
    things: int = Field(description="number of parts in which something waits")
    parts: list[TodayPart]
    counts: list[Count]
    missing: list[str] = Field(description="names of the parts whose endpoint did not answer")


class Part(NamedTuple):
    """How a part is computed.

    Attributes
    ----------
    name, area, scope : str
        Name, entry of the navigation, and the scope that shows it.
    title, action, counted : Text
        Heading, words of the link, and those of the count in the navigation, which follow the number.
    link : str
        Page.
    compute : callable
        ``(WorkRequest, store_id or None) -> Waiting``.
    """

    name: str
    area: str
    scope: str
    title: Text
    action: Text
    link: str
    counted: Text | None
    compute: Callable[[WorkRequest, str | None], Waiting]


PARTS = (
    Part("safety", "faults", "fault_rate", text("安全报告", "Safety reports"), text("先看这里", "Look here first"),
         "/desk/faults/safety", None, today_parts.safety),
    Part("applications", "loans", "credit_risk", text("待审贷款", "Applications waiting"), text("打开", "Open"),
         "/desk/loans", text("笔待审", "waiting"), today_leads.applications),
    Part("leads", "leads", "lead_scoring", text("今日可联系线索", "Leads to call today"), text("分配", "Assign"),
         "/desk/leads", text("待联系", "to call"), today_leads.leads),
    Part("orders", "stock", "demand_forecast", text("待确认采购订单", "Orders to confirm"), text("查看", "Look"),
         "/desk/stock", text("单待确认", "orders"), today_parts.orders),
    Part("alarms", "faults", "fault_rate", text("质量预警", "Quality alarms"), text("查看", "Look"),
         "/desk/faults", text("项", "open"), today_parts.alarms),
    Part("stores", "home", "dashboard", text("销量异常门店", "Stores off their forecast"),
         text("比较门店", "Compare stores"), "/desk/dashboard", None, today_leads.stores),
    Part("models", "models", "models:read", text("需关注模型", "Models to look at"), text("查看", "Look"),
         "/desk/models", text("个需关注", "to look at"), today_leads.models),
)  # fmt: skip
_ANSWERS: WeakKeyDictionary[Records, dict[Any, tuple[float, TodayAnswer]]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def today(request: WorkRequest) -> TodayAnswer:
    """Answer `GET /v1/today`: kept for ten seconds for callers with the same rights, until somebody writes."""
    store_id = request.parameters.store_id
    if store_id is not None:
        request.check_store(store_id)
    key = _key(request, store_id)
    with _LOCK:
        answers = _ANSWERS.setdefault(request.context.records, {})
    entry = answers.get(key)
    if entry is not None and time.monotonic() - entry[0] < SECONDS:
        return entry[1]
    answer = _answer(request, store_id)
    with _LOCK:
        if len(answers) >= MAX_ANSWERS:
            answers.clear()
        answers[key] = (time.monotonic(), answer)
    return answer


def _key(request: WorkRequest, store_id: str | None) -> Any:
    context, caller = request.context, request.caller
    rights = None if caller is None else (frozenset(caller.scopes), caller.stores)
    versions = tuple(getattr(context.store.current(task), "version", None) for task in _TASKS)
    try:
        written: int | None = context.entries.state
    except Problem:  # the store of entries is down: its parts say so
        written = None
    return rights, store_id, context.records.tables.state, written, versions


_TASKS = ("credit_risk", "lead_scoring", "demand_forecast", "fault_rate", "recommendation")


def _answer(request: WorkRequest, store_id: str | None) -> TodayAnswer:
    clock = request.context.clock
    parts = [_part(request, store_id, part) for part in PARTS if request.may(part.scope)]
    parts.sort(key=lambda part: not part.is_urgent)
    by_name = {part.name: part for part in parts}
    counts = [
        Count(area=p.area, n=n, text=Text(zh=f"{n:,} {p.counted.zh}", en=f"{n:,} {p.counted.en}"))
        for p in PARTS
        if p.counted is not None and p.name in by_name
        for n in [by_name[p.name].waiting or by_name[p.name].value]
        if n
    ]
    things = [part.thing for part in parts if part.thing is not None]
    missing = [part.name for part in parts if part.problem is not None]
    return TodayAnswer(
        as_of=clock.local(),
        stands_still=clock.stands_still,
        heading=heading(things, is_whole=not missing),
        things=len(things),
        parts=parts,
        counts=counts,
        missing=missing,
    )


def _part(request: WorkRequest, store_id: str | None, part: Part) -> TodayPart:
    fields = {name: getattr(part, name) for name in ("name", "area", "title", "action", "link")}
    try:
        waiting = part.compute(request, store_id)
    except Problem as e:
        return TodayPart(**fields, value=None, problem=_reason(e))
    except (KeyError, TypeError, ValueError, AttributeError) as e:  # another area's answer has another shape
        log.error("the part %s of /v1/today cannot be computed: %s", part.name, type(e).__name__)
        return TodayPart(**fields, value=None, problem=text("暂时无法读取", "cannot be read at the moment"))
    return TodayPart(**fields, **{**waiting._asdict(), "items": list(waiting.items)})


def _reason(problem: Problem) -> Text:
    reasons = {
        "no_champion": text("模型尚未上线", "the model is missing: it must be trained and promoted"),
        "records_loading": text("正在读取数据，几秒后重试", "the data are being read; try again in a few seconds"),
        "feedback_unavailable": text("业务记录暂时无法读写", "the store of entries cannot be used now"),
        "not_found": text("此功能未启用", "this is not installed"),
    }
    unknown = text(f"暂时无法读取（{problem.code}）", f"cannot be read at the moment ({problem.code})")
    return reasons.get(problem.code, unknown)


def heading(things: list[Text], *, is_whole: bool) -> Text:
    """Return the heading of the home page: how many things wait, and the first of them.

    Parameters
    ----------
    things : list of Text
        The urgent ones first.
    is_whole : bool
        Whether every part answered; otherwise nothing is said about the others.

    Examples
    --------
    >>> heading([text("2 条安全报告", "2 safety reports")], is_whole=True).en
    'One thing today: 2 safety reports'
    >>> heading([], is_whole=True).zh, heading([], is_whole=False).en
    ('今日没有待办', 'Nothing waits in the parts that can be read')
    """
    if not things:
        if is_whole:
            return text("今日没有待办", "Nothing waits today")
        return text("可读取的部分没有待办", "Nothing waits in the parts that can be read")
    n, named = len(things), things[:MAX_NAMED]
    zh, en = ("，".join(t.zh for t in named), ", ".join(t.en for t in named))
    if n > len(named):
        zh, en = f"{zh}等", f"{en} and {n - len(named)} more"
    numeral, number = (_NUMERALS[n], _NUMBERS[n]) if n < len(_NUMERALS) else (f" {n} ", str(n))
    return Text(zh=f"今日{numeral}件事：{zh}", en=f"{number} {'thing' if n == 1 else 'things'} today: {en}")


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/today",
        {"zh": "今日要事与各栏目的待办数", "en": "What to look at today, and what waits in each area"},
        today,
        TodayAnswer,
        parameters=TodayParameters,
    ),
)
