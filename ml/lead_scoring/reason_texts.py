"""Sentences of reasons: a fact of the lead, and what the desk can do with it, in Chinese and English.

A sentence states the fact and not its effect, because the list that it is in says whether it raises or lowers the
probability. Where a fact says nothing, or the opposite of the effect, there is no sentence.
"""

from __future__ import annotations

from collections.abc import Callable

from features.plurals import count_text
from ml.bilingual import Text
from ml.lead_scoring.lead_facts import DAY_HOURS, LeadFacts
from ml.lead_scoring.words import day_text, duration

FILLED_IN_HERE = ("channel", "campaign", "store_id", "acquisition_cost", "vehicle_id")  # not by the customer
MAX_DETAILS = 3
RECENT_DAYS = 7  # a visit to the website in these days speaks for a purchase, an older one or none against it
CONTACTS = {
    "finance_quote": ("试算过金融方案", "asked for a finance quote"),
    "chat": ("在线咨询过", "chatted with the store"),
    "test_drive_request": ("预约过试驾", "asked for a test drive"),
    "test_drive": ("试驾过", "came for a test drive"),
    "order": ("下过订单", "ordered a vehicle"),
}


def reason_text(facts: LeadFacts, code: str, feature: str, raises: bool) -> Text | None:
    """Return the sentence of a reason for one lead; None if there is nothing to tell the desk.

    Parameters
    ----------
    facts : LeadFacts
        The lead.
    code : str
        A key of `ml.lead_scoring.reasons.REASONS`, or that of a column of the dealership.
    feature : str
        Name of the first feature of the reason, which a sentence about a column of the dealership names.
    raises : bool
        Whether the reason raises the probability of a sale.
    """
    write = _SENTENCES.get(code)
    if write is not None:
        return write(facts, raises)
    value, name = facts.row.get(feature), facts.signature.column_label(feature)
    if value is None or value != value:
        return Text(zh=f"{name.zh} 未填写", en=f"{name.en} is not filled in")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Text(zh=f"{name.zh}：{value:,.6g}", en=f"{name.en}: {value:,.6g}")
    shown = facts.signature.labels.value(feature, value, own=feature in facts.signature.own)
    return Text(zh=f"{name.zh}：{shown.zh}", en=f"{name.en}: {shown.en}")


def _activity(facts: LeadFacts, raises: bool) -> Text | None:
    vehicles, views, days = facts.vehicles_7d, facts.count("views_7d"), facts.number("days_since_visit")
    is_recent = bool(vehicles or views) or (days is not None and days < RECENT_DAYS)
    if is_recent != raises:
        return None
    if vehicles or views:
        zh = f"近7天浏览过 {vehicles} 辆车" if vehicles else f"近7天浏览车辆 {views} 次"
        en = (
            f"viewed {count_text(vehicles, 'vehicle')} in the last 7 days"
            if vehicles
            else f"{count_text(views, 'vehicle view')} in the last 7 days"
        )
        one = (vehicles or views) == 1
        return Text(zh=f"{zh}：从看过的车谈起", en=f"{en}: begin with {'it' if one else 'them'}")
    if days is None:
        return Text(zh="没有线上浏览记录：先问清需求", en="no visit to the website on record: ask what is needed")
    since = duration(days * DAY_HOURS)
    if is_recent:
        return Text(zh=f"{since.zh}前访问过网站：问看了什么", en=f"visited the website {since.en} ago: ask what for")
    return Text(
        zh=f"上次访问在 {since.zh}前：询问是否仍打算购车",
        en=f"last visited the website {since.en} ago: ask whether a purchase is still planned",
    )


def _comparing(facts: LeadFacts, raises: bool) -> Text | None:
    models, compares = facts.count("models_90d"), facts.count("compares_90d")
    if (not models and not compares and raises) or (compares and not raises):
        return None
    if models and not raises:
        return Text(
            zh=f"近90天看过 {models} 个车型，没有对比过：帮助缩小选择",
            en=f"looked at {count_text(models, 'model')} in the last 90 days and compared none: "
            "help to narrow the choice",
        )
    if not models and not compares:
        return Text(
            zh="近90天没有看过或对比过具体车型：推荐两三款",
            en="looked at no particular model in the last 90 days: propose two or three",
        )
    parts_zh = [f"看过 {models} 个车型"] * bool(models) + [f"对比 {compares} 次"] * bool(compares)
    parts_en = [f"looked at {count_text(models, 'model')}"] * bool(models) + [
        f"compared vehicles {'once' if compares == 1 else f'{compares} times'}"
    ] * bool(compares)
    return Text(
        zh=f"近90天{'，'.join(parts_zh)}：帮助缩小选择",
        en=f"{' and '.join(parts_en)} in the last 90 days: help to narrow the choice",
    )


def _price_list(facts: LeadFacts, raises: bool) -> Text | None:
    counted = facts.count("price_lists_90d") or facts.count("finance_quotes_90d")
    if bool(facts.last("price_list", "finance_quote") or counted) != raises:
        return None
    at = facts.last("price_list", "finance_quote")
    if at is not None:
        day = day_text(at, today=facts.today)
        listed = facts.last("price_list") == at
        return Text(
            zh=f"{day.zh}{'索取过报价单' if listed else '试算过金融方案'}：跟进报价",
            en=f"asked for a {'price list' if listed else 'finance quote'} on {day.en}: follow up on the offer",
        )
    if counted:
        return Text(
            zh="近90天索取过报价或金融方案：跟进报价",
            en="asked for a price list or a finance quote in the last 90 days: follow up on the offer",
        )
    return Text(zh="尚未索取报价：主动报价", en="has not asked for a price list yet: make an offer")


def _test_drive(facts: LeadFacts, raises: bool) -> Text | None:
    counted = facts.count("test_drive_requests_90d")
    if bool(facts.last("test_drive_request") or counted) != raises:
        return None
    at = facts.last("test_drive_request")
    if at is not None:
        day = day_text(at, today=facts.today)
        return Text(zh=f"{day.zh}预约过试驾：敲定时间", en=f"asked for a test drive on {day.en}: agree on a time")
    if counted:
        return Text(zh="近90天预约过试驾：敲定时间", en="asked for a test drive in the last 90 days: agree on a time")
    return Text(zh="尚未预约试驾：邀约试驾", en="has not asked for a test drive yet: invite to one")


def _contact(facts: LeadFacts, raises: bool) -> Text | None:
    moments = {at: kind for kind in CONTACTS if (at := facts.last(kind)) is not None}
    if moments:
        at = max(moments)
        (zh, en), day = CONTACTS[moments[at]], day_text(at, today=facts.today)
        return Text(zh=f"{day.zh}{zh}：接着谈", en=f"{en} on {day.en}: go on from there")
    days = facts.number("days_since_contact")
    if days is not None:
        since = duration(days * DAY_HOURS)
        return Text(
            zh=f"{since.zh}前主动联系过门店：接着谈", en=f"contacted the store {since.en} ago: go on from there"
        )
    if raises:
        return None
    return Text(zh="还没有主动联系过门店：自我介绍", en="has not contacted the store yet: introduce yourself")


def _waiting(facts: LeadFacts, raises: bool) -> Text | None:
    age = facts.age_hours
    if age is None:
        return None
    called = facts.number("days_since_first_call")
    if called is not None:
        since = duration(called * DAY_HOURS)
        return Text(
            zh=f"首次外呼已过去 {since.zh}：约定下一步", en=f"was first called {since.en} ago: agree on the next step"
        )
    waited = duration(age)
    if age < 1:
        return Text(zh="刚刚留资：马上外呼", en="came in less than an hour ago: call at once")
    if "days_since_first_call" not in facts.row:  # the data do not say who was called
        return Text(zh=f"留资已 {waited.zh}：尽快外呼", en=f"came in {waited.en} ago: call soon")
    return Text(zh=f"已等待首次外呼 {waited.zh}：今天外呼", en=f"has waited {waited.en} for the first call: call today")


def _source(facts: LeadFacts, raises: bool) -> Text | None:
    """Name channel, store or campaign with the share of such leads that buy, where it explains the direction."""
    channel, store, campaign = (facts.row.get(n) for n in ("channel", "store_id", "campaign"))
    source = facts.signature.labels.value("channel", channel)
    channel_zh, channel_en = f"{source.zh}线索", f"{source.en} lead"
    sources = (
        (("store_id", "channel"), f"门店 {store} 的{channel_zh}", f"{channel_en} of store {store}"),
        (("channel",), channel_zh, channel_en),
        (("campaign",), f"活动“{campaign}”的线索", f"lead of the campaign “{campaign}”"),
        (("store_id",), f"门店 {store} 的线索", f"lead of store {store}"),
    )
    for columns, zh, en in sources:
        text = _with_rate(facts, columns, raises, zh=zh, en=en)
        if text is not None:
            return text
    return None


def _vehicle(facts: LeadFacts, raises: bool) -> Text | None:
    model = facts.row.get("model")
    return _with_rate(facts, ("model",), raises, zh=f"意向车型 {model} 的线索", en=f"lead for {model}")


def _with_rate(facts: LeadFacts, columns: tuple[str, ...], raises: bool, *, zh: str, en: str) -> Text | None:
    rates = facts.rate(*columns)
    if rates is None or (rates[0] > rates[1]) != raises:
        return None
    rate, overall = (f"{r:.0%}" for r in rates)
    if rate == overall:  # explains nothing
        return None
    days = f"{facts.horizon_days:g}"
    return Text(
        zh=f"{zh}：{days}天内约 {rate} 成交（全部线索 {overall}）",
        en=f"{en}: about {rate} of these buy within {days} days (all leads {overall})",
    )


def _price(facts: LeadFacts, raises: bool) -> Text | None:
    price = facts.yuan("price")
    high = facts.yuan("budget_high") if facts.yuan("budget_high") is not None else facts.yuan("budget")
    if high is None:
        return None if raises else Text(zh="没有预算信息：询问预算", en="no budget is stated: ask for it")
    if price is None:
        return Text(
            zh=f"预算 {high:,.0f} 元：推荐预算内的车", en=f"budget {high:,.0f} yuan: propose vehicles within it"
        )
    if (price <= high) != raises:
        return None
    if price <= high:
        return Text(
            zh=f"价格 {price:,.0f} 元，在预算 {high:,.0f} 元之内：可直接谈方案",
            en=f"the price of {price:,.0f} yuan is within the budget of {high:,.0f} yuan: discuss the offer",
        )
    return Text(
        zh=f"价格 {price:,.0f} 元，超出预算 {price - high:,.0f} 元：推荐金融方案或低价车型",
        en=f"the price of {price:,.0f} yuan is {price - high:,.0f} yuan above the budget: offer finance or a cheaper "
        "vehicle",
    )


def _distance(facts: LeadFacts, raises: bool) -> Text | None:
    km = facts.number("distance_km")
    if km is None:
        return (
            None
            if raises
            else Text(zh="不知道住址：询问方便的门店", en="the home is not known: ask which store is near")
        )
    if raises:
        return Text(zh=f"距门店 {km:.0f} 公里：邀请到店", en=f"lives {km:.0f} km from the store: invite to the store")
    return Text(
        zh=f"距门店 {km:.0f} 公里：可提供上门试驾", en=f"lives {km:.0f} km from the store: offer a test drive at home"
    )


def _history(facts: LeadFacts, raises: bool) -> Text | None:
    purchases, days = facts.count("purchases"), facts.number("days_since_purchase")
    if purchases and days is not None:
        since = duration(days * DAY_HOURS)
        return Text(
            zh=f"在本店买过 {purchases} 辆车，最近一次在 {since.zh}前：谈置换",
            en=f"bought {count_text(purchases, 'vehicle')} here, the last {since.en} ago: offer a trade-in",
        )
    others, days = facts.count("other_leads"), facts.number("days_since_other_lead")
    if others and days is not None:
        since = duration(days * DAY_HOURS)
        return Text(
            zh=f"此前咨询过 {others} 次，最近一次在 {since.zh}前：接着上次谈",
            en=f"enquired {'once' if others == 1 else f'{others} times'} before, the last time {since.en} ago: "
            "go on from there",
        )
    return None if raises else Text(zh="首次咨询，没有购车记录：介绍门店", en="first enquiry here: introduce the store")


def _form(facts: LeadFacts, raises: bool) -> Text | None:
    """Name the details that the customer did not state; what the dealership fills in does not count."""
    details = [name for name in facts.form if name not in FILLED_IN_HERE]
    labels = [facts.signature.column_label(name) for name in details if facts.row.get(name) is None]
    if bool(labels) == raises or not details:
        return None
    if not labels:
        return Text(zh="客户填写了全部信息", en="the customer filled in every detail")
    more = len(labels) - MAX_DETAILS
    zh, en = "、".join(t.zh for t in labels[:MAX_DETAILS]), ", ".join(t.en for t in labels[:MAX_DETAILS])
    return Text(
        zh=f"客户未说明{zh}{f'等 {len(labels)} 项' if more > 0 else ''}：补问",
        en=f"not stated: {en}{f' and {more} more' if more > 0 else ''}: ask",
    )


_SENTENCES: dict[str, Callable[[LeadFacts, bool], Text | None]] = {
    "RECENT_ACTIVITY": _activity,
    "COMPARING": _comparing,
    "PRICE_LIST": _price_list,
    "TEST_DRIVE": _test_drive,
    "CONTACT": _contact,
    "WAITING": _waiting,
    "SOURCE": _source,
    "VEHICLE": _vehicle,
    "PRICE": _price,
    "DISTANCE": _distance,
    "HISTORY": _history,
    "FORM": _form,
}
