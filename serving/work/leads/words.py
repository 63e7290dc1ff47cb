"""What customers did and what callers achieved, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml.bilingual import Text

EVENTS: Mapping[str, Text] = {
    "view": Text(zh="浏览了车辆", en="looked at a vehicle"),
    "search": Text(zh="搜索了车辆", en="searched for vehicles"),
    "favourite": Text(zh="收藏了车辆", en="saved a vehicle"),
    "compare": Text(zh="对比了车辆", en="compared vehicles"),
    "price_list": Text(zh="索取了报价单", en="asked for a price list"),
    "finance_quote": Text(zh="试算了金融方案", en="used the loan calculator"),
    "chat": Text(zh="在线咨询", en="wrote in the chat"),
    "test_drive_request": Text(zh="预约了试驾", en="asked for a test drive"),
    "test_drive": Text(zh="完成了试驾", en="did a test drive"),
    "order": Text(zh="下了订单", en="ordered a vehicle"),
}
CREATED = Text(zh="提交了线索", en="left an enquiry")
FIRST_CALL = Text(zh="首次外呼", en="first call by the store")
LAST_CONTACT = Text(zh="门店最近一次联系", en="last contact by the store")
SOLD = Text(zh="成交", en="bought")
LOST = Text(zh="战败", en="given up")
OUTCOMES: Mapping[str, Text] = {
    "not_reached": Text(zh="未接通", en="not reached"),
    "reached": Text(zh="已接通", en="reached"),
    "appointment": Text(zh="已预约到店", en="appointment made"),
    "lost": LOST,
    "sold": SOLD,
}
NO_CONSENT = Text(zh="数据中没有联系许可", en="the data have no consents")


def event_text(row: Mapping[str, Any]) -> Text:
    """Return an event of a customer in words, with the model that it was about.

    >>> event_text({"event_type": "view", "model": "X5"}).en
    'looked at a vehicle: X5'
    """
    words = EVENTS.get(row["event_type"], Text(zh=row["event_type"], en=row["event_type"]))
    model = row.get("model")
    return words if model is None else Text(zh=f"{words.zh}：{model}", en=f"{words.en}: {model}")


def headline(kind: str, count: int, at: datetime, today: datetime) -> Text:
    """Return what a customer did last, with the time of today, or the day.

    Parameters
    ----------
    kind : str
        Type of the event, or `lead` for the enquiry.
    count : int
        Number of such events in the last seven days.
    at, today : datetime
        In the time zone of the dealership.

    Examples
    --------
    >>> day = datetime(2025, 6, 30, 10, 30)
    >>> headline("chat", 1, datetime(2025, 6, 30, 6, 41), day).en, headline("view", 3, datetime(2025, 6, 28, 8), day).zh
    ('Wrote in the chat at 06:41', '浏览了车辆（7 天 3 次），6 月 28 日')
    """
    words = CREATED if kind == "lead" else EVENTS.get(kind, Text(zh=kind, en=kind))
    zh_times, en_times = (f"（7 天 {count} 次）", f", {count} times in 7 days") if count > 1 else ("", "")
    if at.date() == today.date():
        when = Text(zh=f"，今日 {at.hour}:{at:%M}", en=f" at {at:%H:%M}")
    else:
        months = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")
        when = Text(zh=f"，{at.month} 月 {at.day} 日", en=f" on {at.day} {months[at.month - 1]}")
    en = words.en[0].upper() + words.en[1:]
    return Text(zh=words.zh + zh_times + when.zh, en=en + when.en + en_times)
