"""What an entry of the decision log says, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml.bilingual import Text
from serving.audit.logged_entries import LoggedEntry
from serving.audit.periods import Period

BANDS = {
    "approve": Text(zh="预审通过", en="approved"),
    "refer": Text(zh="转人工审核", en="referred to an officer"),
    "decline": Text(zh="预审拒绝", en="declined"),
    "offers": Text(zh="给出方案", en="offers made"),
    "no_offers": Text(zh="无可用方案", en="no offers"),
}
KINDS = {
    "decision": Text(zh="模型决策", en="decision by a model"),
    "override": Text(zh="人工改判", en="officer's decision in its place"),
    "access": Text(zh="查阅个人信息", en="personal fields read"),
    "purge": Text(zh="清除个人信息", en="personal parts removed"),
}
PERSONAL_STATES = {
    "stored": Text(zh="个人信息已加密保存", en="personal fields are stored, encrypted"),
    "purged": Text(zh="个人信息已按保存期限清除", en="personal fields were removed by a purge"),
    "not_stored": Text(zh="未配置密钥，个人信息未保存", en="personal fields were not stored: the service had no key"),
    "none": Text(zh="无个人信息", en="no personal fields"),
}


def entry_texts(logged: LoggedEntry, period: Period) -> list[Text]:
    """Return sentences about an entry: what happened and when, by whom or which model, and the reasons.

    Parameters
    ----------
    logged : LoggedEntry
        As yielded by `logged_entries`.
    period : Period
        Its time zone is that of the times.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> from serving.decisions.entries import Entry
    >>> entry = Entry(5, 0, "access", "d1", "", None, "", "")
    >>> logged = LoggedEntry(entry, {"who": "li.wei", "why": "complaint"}, False)
    >>> entry_texts(logged, Period(ZoneInfo("UTC")))[0].en
    'Entry 5, 1970-01-01 00:00:00: personal fields read by li.wei; reason: complaint.'
    """
    entry, content = logged.entry, logged.content
    kind = KINDS.get(entry.kind, Text(zh=entry.kind, en=entry.kind))
    when = period.shown(entry.at)
    zh, en = f"第 {entry.sequence} 条，{when}：{kind.zh}", f"Entry {entry.sequence}, {when}: {kind.en}"
    if entry.kind == "decision":
        outcome = _outcome(content)
        models = ", ".join(logged.models) or "?"
        texts = [Text(zh=f"{zh}（{models}）：{outcome.zh}。", en=f"{en} ({models}): {outcome.en}.")]
        return [*texts, *_figures(content), *_reasons(content), PERSONAL_STATES[logged.personal_state]]
    who = person(content)
    why = cause(content)
    if entry.kind == "override":
        outcome = _outcome(content)
        zh, en = f"{zh}：{outcome.zh}", f"{en}: {outcome.en}"
    zh, en = f"{zh}（{who}）" if who else zh, f"{en} by {who}" if who else en
    return [Text(zh=f"{zh}；理由：{why}。", en=f"{en}; reason: {why}.") if why else Text(zh=f"{zh}。", en=f"{en}.")]


def person(content: Mapping[str, Any]) -> str | None:
    """Return who an entry names: the person, else the key.

    >>> person({"who": "li.wei", "key_id": "k_1"}), person({"key_id": "k_1"}), person({})
    ('li.wei', 'k_1', None)
    """
    value = content.get("who") or content.get("key_id")
    return value if isinstance(value, str) else None


def cause(content: Mapping[str, Any]) -> str | None:
    """Return why an entry was written: the reason that a person stated, or its code.

    >>> cause({"why": "complaint"}), cause({"reason_code": "GUARANTOR"}), cause({})
    ('complaint', 'GUARANTOR', None)
    """
    values = (content.get(name) for name in ("why", "reason", "reason_code"))
    return next((value for value in values if isinstance(value, str) and value), None)


def _outcome(content: Mapping[str, Any]) -> Text:
    names = [content[name] for name in ("outcome", "band") if isinstance(content.get(name), str)]
    texts = [BANDS.get(name, Text(zh=name or "?", en=name or "?")) for name in names]
    if not texts:
        return Text(zh="未知", en="unknown")
    return Text(zh="，".join(text.zh for text in texts), en=", ".join(text.en for text in texts))


def _figures(content: Mapping[str, Any]) -> Iterator[Text]:
    numbers = [content.get(n) for n in ("probability_of_default", "score", "approve_at_most", "decline_above")]
    if all(isinstance(number, int | float) for number in numbers):
        probability, score, approve, decline = numbers
        yield Text(
            zh=f"违约概率 {probability:.2%}，评分 {score}；通过上限 {approve:.2%}，拒绝下限 {decline:.2%}。",
            en=f"Probability of default {probability:.2%}, score {score}; approved up to {approve:.2%}, declined above "
            f"{decline:.2%}.",
        )
    for offer in content.get("offers") or ():
        if isinstance(offer, Mapping):
            name, until, identity = offer.get("product"), offer.get("valid_until"), offer.get("offer_id")
            yield Text(
                zh=f"方案 {name}（{identity}），有效至 {until}。", en=f"Offer {name} ({identity}), valid until {until}."
            )


def _reasons(content: Mapping[str, Any]) -> Iterator[Text]:
    for reason in content.get("reasons") or ():
        if isinstance(reason, Mapping) and reason.get("zh") and reason.get("en"):
            yield Text(zh=f"原因：{reason['zh']}", en=f"Reason: {reason['en']}")
