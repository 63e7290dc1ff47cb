"""Sections of the audit report: decisions by group, overrides, reasons, reads and purges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.bilingual import Text
from ml.domain.statistics.proportions import proportion
from ml.report.columns import Column, Interval, axis, column
from ml.report.sections import Section, Table, TimeSeries
from serving.audit.entry_texts import BANDS as BAND_TEXTS
from serving.audit.entry_texts import PERSONAL_STATES
from serving.audit.figures import Figures, Group
from serving.audit.periods import Period

_RATE = column("approval_rate", "通过率", "approval rate", "share", interval=Interval())
_GROUP_COLUMNS = (
    column("decisions", "决策数", "decisions", "count"),
    column("approve", "预审通过", "approved", "count"),
    column("refer", "转人工", "referred", "count"),
    column("decline", "预审拒绝", "declined", "count"),
    column("other", "无分档", "without a band", "count"),
    _RATE,
    column("overridden", "人工改判", "overridden", "count"),
    column("reversed", "与模型相反", "against the model", "count"),
)
_TITLES = {
    "endpoint": Text(zh="接口", en="endpoint"),
    "store": Text(zh="门店", en="store"),
    "model": Text(zh="模型版本", en="model version"),
    "key": Text(zh="密钥", en="key"),
}
_WHEN = column("at", "时间", "when")
_WHY = column("why", "理由", "reason")
_ENTRY = column("entry", "序号", "entry", "count")
_DECISION = column("decision", "决策编号", "decision")


def figure_sections(figures: Figures, period: Period, names: Mapping[str, str]) -> list[Section]:
    """Return the sections of a period's figures.

    Parameters
    ----------
    figures : Figures
        As returned by `figures_of`.
    period : Period
        Its time zone is that of the times.
    names : mapping of str to str
        Names of API keys by id.

    Returns
    -------
    list of Section
        `overview`, `by_month` (from two months on), `by_endpoint`, `by_store`, `by_model`, `by_key`, `overrides`,
        `overrides_by_officer`, `reasons`, `accesses`, `accesses_by_person` and `purges`.
    """
    tables = [_by_group(figures, name, title, names) for name, title in _TITLES.items()]
    months = [] if len(figures.groups["month"]) < 2 else [_by_month(figures)]
    who = column("who", "人员或密钥", "person or key", words=_key_words(names))
    reads = _reads(figures, period, who)
    return [_overview(figures), *months, *tables, *_overrides(figures, who), _reasons(figures), *reads]


def _key_words(names: Mapping[str, str]) -> dict[str, Text]:
    return {key: Text(zh=f"{text}（{key}）", en=f"{text} ({key})") for key, text in names.items()}


def group_row(group: Group) -> dict[str, Any]:
    """Return the columns of a group: numbers by band, approval rate with its 95 % interval, and overrides.

    >>> from collections import Counter
    >>> row = group_row(Group(4, Counter(approve=3, decline=1), overridden=1, reversed=1))
    >>> row["approval_rate"], row["refer"], row["reversed"]
    (0.75, 0, 1)
    """
    rate = proportion(group.bands["approve"], group.decisions) if group.decisions else None
    return {
        "decisions": group.decisions,
        **{band: group.bands[band] for band in ("approve", "refer", "decline")},
        "other": group.other,
        "approval_rate": None if rate is None else rate.value,
        "low": None if rate is None else rate.low,
        "high": None if rate is None else rate.high,
        "overridden": group.overridden,
        "reversed": group.reversed,
    }


def _overview(figures: Figures) -> Table:
    columns = (column("value", "范围", "scope"), *_GROUP_COLUMNS)
    states = {name: figures.personal[name] for name in PERSONAL_STATES if figures.personal[name]}
    parts_zh = "；".join(f"{PERSONAL_STATES[name].zh} {count:,}" for name, count in states.items())
    parts_en = "; ".join(f"{PERSONAL_STATES[name].en}: {count:,}" for name, count in states.items())
    explored = f"{figures.explored:,}"
    return Table(
        name="overview",
        title=Text(zh="决策总览", en="Decisions"),
        summary=Text(
            zh="计数单位是决策，不是申请人：同一申请询问两次计两次。试算（preview）不计入。以小于 1 的概率作出的决策："
            f"{explored}。"
            f"{parts_zh}",
            en="Decisions are counted, not applicants: an application that was asked twice counts twice. Previews are "
            f"not logged. Decisions taken with a probability below 1: {explored}. {parts_en}",
        ),
        columns=columns,
        rows=({"value": "all", **group_row(figures.total)},),
    )


def _by_month(figures: Figures) -> TimeSeries:
    months = sorted(figures.groups["month"].items())
    columns = (column("month", "月份", "month"), *_GROUP_COLUMNS)
    return TimeSeries(
        name="by_month",
        title=Text(zh="按月", en="By month"),
        columns=columns,
        y=axis("通过率", "approval rate", "share"),
        drawn=("approval_rate",),
        rows=tuple({"month": month, **group_row(group)} for month, group in months),
    )


def _by_group(figures: Figures, name: str, title: Text, names: Mapping[str, str]) -> Table:
    groups = sorted(figures.groups[name].items(), key=lambda item: -item[1].decisions)
    first = column(name, title.zh, title.en, words=_key_words(names) if name == "key" else None)
    return Table(
        name=f"by_{name}",
        title=Text(zh=f"按{title.zh}", en=f"By {title.en}"),
        columns=(first, *_GROUP_COLUMNS),
        rows=tuple({name: value, **group_row(group)} for value, group in groups),
    )


def _overrides(figures: Figures, who: Column) -> list[Section]:
    total, overridden, against = figures.total.decisions, figures.total.overridden, figures.total.reversed
    decided = figures.total.bands["approve"] + figures.total.bands["decline"]
    share = f"{overridden / total:.1%}" if total else "–"
    against_share = f"{against / decided:.1%}" if decided else "–"
    earlier = figures.overrides_of_earlier
    band = column("band", "模型", "model", words=BAND_TEXTS)
    outcome = column("outcome", "人工最终决定", "officer's last decision", words=BAND_TEXTS)
    matrix = Table(
        name="overrides",
        title=Text(zh="人工改判", en="Overrides"),
        summary=Text(
            zh=f"本期 {total:,} 项决策中 {overridden:,} 项（{share}）有人工决定，截至日志末尾；其中 {against:,} 项与模"
            "型的通过或拒绝"
            f"相反（占 {decided:,} 项通过或拒绝决策的 {against_share}）。另有 {earlier:,} 条改判针对其他时期的决策。",
            en=f"{overridden:,} of {total:,} decisions of the period ({share}) have an officer's decision by the end "
            "of the "
            f"log; {against:,} of them reverse an approval or a rejection of the model ({against_share} of "
            f"{decided:,}). "
            f"{earlier:,} further overrides of the period concern decisions of other periods.",
        ),
        columns=(band, outcome, column("decisions", "决策数", "decisions", "count")),
        rows=tuple(
            {"band": pair[0], "outcome": pair[1], "decisions": count}
            for pair, count in sorted(figures.transitions.items())
        ),
    )
    officers = Table(
        name="overrides_by_officer",
        title=Text(zh="按人员统计改判", en="Overrides by officer"),
        columns=(
            who,
            column("overrides", "改判条数", "override entries", "count"),
            column("decisions", "最终决定数", "decisions with the last word", "count"),
            column("reversed", "与模型相反", "against the model", "count"),
        ),
        rows=tuple(
            {"who": name_or_key, **{name: counts[name] for name in ("overrides", "decisions", "reversed")}}
            for name_or_key, counts in sorted(figures.officers.items(), key=lambda item: -item[1]["overrides"])
        ),
    )
    return [matrix, officers]


def _reasons(figures: Figures) -> Table:
    explained = figures.explained
    return Table(
        name="reasons",
        title=Text(zh="最常给出的原因", en="Reasons most given"),
        summary=Text(
            zh=f"占有原因的 {explained:,} 项决策的比例；{figures.total.decisions - explained:,} 项没有原因。",
            en=f"Shares of the {explained:,} decisions with reasons; {figures.total.decisions - explained:,} have "
            "none.",
        ),
        columns=(
            column("code", "原因", "reason", words=figures.reason_texts),
            column("decisions", "决策数", "decisions", "count"),
            column("share", "占比", "share", "share"),
        ),
        rows=tuple(
            {"code": code, "decisions": count, "share": count / explained}
            for code, count in figures.reasons.most_common()
        ),
    )


def _reads(figures: Figures, period: Period, who: Column) -> list[Section]:
    by_person: dict[str, int] = {}
    for access in figures.accesses:
        by_person[access.who or "–"] = by_person.get(access.who or "–", 0) + 1
    accesses = Table(
        name="accesses",
        title=Text(zh="个人信息查阅记录", en="Reads of personal fields"),
        columns=(_ENTRY, _WHEN, who, _WHY, _DECISION, column("fields", "字段", "fields")),
        rows=tuple(
            {"entry": a.sequence, "at": period.shown(a.at), "who": a.who, "why": a.why, "decision": a.decision_id}
            | {"fields": a.fields}
            for a in figures.accesses
        ),
    )
    persons = Table(
        name="accesses_by_person",
        title=Text(zh="按人员统计查阅", en="Reads by person"),
        columns=(who, column("reads", "查阅次数", "reads", "count")),
        rows=tuple({"who": reader, "reads": n} for reader, n in sorted(by_person.items(), key=lambda item: -item[1])),
    )
    ends: tuple[Column, ...] = (
        column("first", "起始序号", "first entry", "count"),
        column("last", "终止序号", "last entry", "count"),
    )
    purges = Table(
        name="purges",
        title=Text(zh="个人信息清除记录", en="Purges of personal parts"),
        columns=(_ENTRY, _WHEN, who, _WHY, *ends, column("parts", "清除份数", "parts removed", "count")),
        rows=tuple(
            {"entry": p.sequence, "at": period.shown(p.at), "who": p.who, "why": p.why}
            | {"first": p.first, "last": p.last, "parts": p.parts}
            for p in figures.purges
        ),
    )
    return [persons, accesses, purges]
