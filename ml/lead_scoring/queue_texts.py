"""Sentences of the call queue: when the desk opens, why a lead has its place, and what the order brings."""

from __future__ import annotations

from datetime import datetime

from features.plurals import count_text
from ml.bilingual import Text
from ml.lead_scoring.words import DIGITS, amount, clock


def notice_text(as_of: datetime, first: datetime | None, *, is_open: bool) -> Text | None:
    """Return why the first call is not at `as_of`; None if it is.

    Parameters
    ----------
    as_of, first : datetime
        In the time zone of the desk; `first` is the next instant of opening hours, None without one.
    is_open : bool
        Whether `as_of` is inside the opening hours.

    Examples
    --------
    >>> as_of, first = datetime(2024, 3, 1, 7, 20), datetime(2024, 3, 1, 9)
    >>> notice_text(as_of, first, is_open=False).en
    'the desk is closed at 07:20 on 1 March; calls begin when it opens, at 09:00 on 1 March'
    """
    if is_open:
        return None
    if first is None:
        return Text(
            zh="今后一年内没有营业日，未安排外呼；请检查 weekdays 与 holidays",
            en="the desk has no open day within a year, so no call is planned; correct weekdays or holidays",
        )
    return Text(
        zh=f"{clock(as_of).zh} 不在营业时间内；外呼从 {clock(first).zh} 开门时开始",
        en=f"the desk is closed at {clock(as_of).en}; calls begin when it opens, at {clock(first).en}",
    )


def place_text(
    *,
    place: int,
    dearer: int,
    first: float,
    gain: float,
    loss_per_hour: float,
    measure: str,
    chances: tuple[float, float] | None,
) -> Text:
    """Return why a lead has its place in the queue.

    Parameters
    ----------
    place : int
        From 1.
    dearer : int
        Number of leads before it that would lose more by changing places with it, as returned by
        `ml.lead_scoring.call_values.CallValues.dearer`.
    first, gain : float
        Gain of the call if it were the first of the queue, and at its place (yuan or sales).
    loss_per_hour : float
        Gain that is lost if the lead waits an hour longer than the first call (yuan or sales).
    measure : {'gross_margin', 'sales'}
        Unit of the gains.
    chances : (float, float) or None
        Probability of a sale with the call at this place, and without any; None if the effect of waiting is not
        estimated.

    Examples
    --------
    >>> gains = {"first": 2340.0, "gain": 2276.0, "loss_per_hour": 12.0, "measure": "gross_margin"}
    >>> text = place_text(place=7, dearer=6, chances=(0.48, 0.21), **gains)
    >>> for part in text.en.split("; "):
    ...     print(part)
    worth 2,340.00 yuan if called first and 2,276.00 yuan at this place: it loses 12.00 yuan an hour
    each of the 6 leads before it would lose more by waiting in its place
    a sale is 48.0% likely with this call, 21.0% without any
    """
    at_first, here, hourly = (amount(v, measure) for v in (first, gain, loss_per_hour))
    if chances is None:
        return Text(
            zh=f"外呼价值 {here.zh}；等待的影响未能估计，按价值从高到低排列",
            en=f"worth {here.en}; the effect of waiting is not estimated, so the highest gain is called first",
        )
    before = place - 1
    called, uncalled = (f"{c:.1%}" for c in chances)
    zh_chances = f"；外呼后成交概率 {called}，不外呼 {uncalled}"
    en_chances = f"; a sale is {called} likely with this call, {uncalled} without any"
    if not before:
        return Text(
            zh=f"首个外呼，价值 {at_first.zh}；每多等一小时损失 {hourly.zh}，换成其他任何线索总收益都不会更高"
            + zh_chances,
            en=f"called first, worth {at_first.en}: it loses {hourly.en} an hour, and no lead in its place would bring "
            f"more in total{en_chances}",
        )
    more = dearer == before
    leads_en = (
        "the lead before it would lose"
        if before == 1
        else f"each of the {count_text(before, 'lead')} before it would lose"
    )
    return Text(
        zh=f"若首个外呼价值 {at_first.zh}，在此位置价值 {here.zh}：每等一小时损失 {hourly.zh}；"
        f"排在前面的 {before} 条线索若与它对调，损失{'都更大' if more else '都不会更小'}{zh_chances}",
        en=f"worth {at_first.en} if called first and {here.en} at this place: it loses {hourly.en} an hour; "
        f"{leads_en} {'more' if more else 'at least as much'} by waiting in its place{en_chances}",
    )


def comparison_text(gain: float, newest: float, score: float, *, measure: str) -> Text:
    """Return what the order brings over the two usual orders.

    Examples
    --------
    >>> first, _, second = comparison_text(1100.0, 1000.0, 1100.0, measure="gross_margin").en.partition(", and ")
    >>> first
    'this order is expected to bring 1,100.00 yuan: 100.00 yuan (10.0 %) more than newest leads first'
    >>> second
    'as much as highest scores first'
    """
    own, (newest_zh, newest_en), (score_zh, score_en) = (
        amount(gain, measure), _difference(gain, newest, measure), _difference(gain, score, measure),
    )  # fmt: skip
    return Text(
        zh=f"按此顺序预期收益 {own.zh}：{newest_zh.format('先呼最新线索')}，{score_zh.format('先呼最高分线索')}",
        en=f"this order is expected to bring {own.en}: {newest_en.format('newest leads first')}, "
        f"and {score_en.format('highest scores first')}",
    )


def no_calls_text(waiting: int) -> Text:
    """Return why no call is planned, where `waiting` leads have had no first call.

    >>> no_calls_text(12).en
    '12 leads wait, but no call is planned: capacity and opening hours leave no time for one'
    >>> no_calls_text(0).en
    'no lead waits for a first call'
    """
    if not waiting:
        return Text(zh="没有等待首次外呼的线索", en="no lead waits for a first call")
    return Text(
        zh=f"{waiting} 条线索在等待，但未安排外呼：坐席产能和营业时间内排不下任何外呼",
        en=f"{count_text(waiting, 'lead waits', 'leads wait')}, but no call is planned: capacity and opening hours "
        "leave no time for one",
    )


def _difference(gain: float, other: float, measure: str) -> tuple[str, str]:
    difference = round(gain - other, DIGITS[measure])
    if not difference:
        return "与“{}”相同", "as much as {}"
    size, (zh, en) = amount(abs(difference), measure), ("多", "more") if difference > 0 else ("少", "less")
    share_zh = f"（{abs(difference) / other:.1%}）" if other > 0 else ""
    share_en = f" ({100 * abs(difference) / other:.1f} %)" if other > 0 else ""
    return f"比“{{}}”{zh} {size.zh}{share_zh}", f"{size.en}{share_en} {en} than {{}}"
