"""Sections of the audit report on what the figures rest on: verification, fairness and promotions of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml.bilingual import Text
from ml.champions import Move
from ml.domain.statistics.rate_ratio import FOUR_FIFTHS
from ml.report.columns import Interval, axis, column
from ml.report.sections import Bars, Paragraph, Section, Table
from serving.audit.entry_texts import PERSONAL_STATES
from serving.audit.fairness import MIN_GROUP, Fairness
from serving.audit.periods import Period
from serving.decisions.verification import Verification

_FAULTS = {
    "altered": Text(zh="被篡改", en="altered"),
    "missing": Text(zh="缺失", en="missing"),
    "shortened": Text(zh="末尾被截断", en="shortened"),
    "reordered": Text(zh="顺序被更改", en="reordered"),
    "personal_altered": Text(zh="个人信息部分被篡改", en="personal part altered"),
    "personal_missing": Text(zh="个人信息部分缺失", en="personal part missing"),
}


def verification_section(verification: Verification, period: Period) -> Table:
    """Return the result of the verification of the whole log, with its faults.

    Parameters
    ----------
    verification : Verification
        As returned by `verify_log`.
    period : Period
        Its time zone is that of the times.
    """
    v = verification
    unread = sum(v.unread_parts.values())
    span = "–" if v.first_at is None or v.last_at is None else f"{period.shown(v.first_at)} – {period.shown(v.last_at)}"
    state = Text(zh="日志完整", en="The log is whole")
    if not v.is_whole:
        first = v.faults[0].sequence
        state = Text(
            zh=f"日志已损坏：共 {v.fault_count:,} 处，首处在第 {first:,} 条",
            en=f"The log is broken: {v.fault_count:,} faults, first at entry {first:,}",
        )
    return Table(
        name="verification",
        title=Text(zh="日志校验", en="Verification of the log"),
        summary=Text(
            zh=f"{state.zh}。共 {v.entries:,} 条，{span}，末条 {v.last or '–'}。个人信息：保存 {v.parts:,} 份，核对摘要"
            " "
            f"{v.verified_parts:,} 份，因缺少密钥未核对 {unread:,} 份，已清除 {v.purged_parts:,} 份。",
            en=f"{state.en}. {v.entries:,} entries, {span}, the last one is {v.last or '–'}. Personal parts: "
            f"{v.parts:,} "
            f"stored, {v.verified_parts:,} compared with their digest, {unread:,} not compared for want of their key, "
            f"{v.purged_parts:,} purged.",
        ),
        columns=(
            column("entry", "序号", "entry", "count"),
            column("kind", "问题", "fault", words=_FAULTS),
            column("message", "说明", "what is wrong"),
        ),
        rows=tuple({"entry": f.sequence, "kind": f.kind, "message": f.message} for f in v.faults),
    )


def fairness_sections(fairness: Fairness | None) -> list[Section]:
    """Return the ratio of approval rates by protected attribute, and the rates of the groups of each.

    Parameters
    ----------
    fairness : Fairness or None
        As returned by `fairness_of`; None if the inputs were not read.
    """
    title = Text(zh="公平性", en="Fairness")
    if fairness is None:
        text = Text(
            zh="未计算：受保护属性在加密的个人信息中。设置 CHEHANG_LOG_KEYS，并以 --personal --who --why 运行后可计算，"
            "查阅会被记录。",
            en="Not computed: protected attributes are among the encrypted personal fields. Set CHEHANG_LOG_KEYS and "
            "pass "
            "--personal --who --why; the read is recorded.",
        )
        return [Paragraph(name="fairness", title=title, text=text)]
    missing = {name: count for name, count in fairness.unread.items() if count}
    zh = "；".join(f"{PERSONAL_STATES[name].zh} {count:,}" for name, count in missing.items()) or "无缺失"
    en = "; ".join(f"{PERSONAL_STATES[name].en}: {count:,}" for name, count in missing.items()) or "none is missing"
    rows = []
    for attribute in sorted(fairness.groups):
        ratio = fairness.ratio(attribute)
        row = {"attribute": attribute, "decisions": fairness.present(attribute)}
        if ratio is not None:
            high = ratio.interval.high
            row |= {"lowest": ratio.lowest, "highest": ratio.highest, "ratio": ratio.interval.value}
            row |= {"low": ratio.interval.low, "high": high, "met": ratio.passes, "certain": ratio.is_certain}
        rows.append(row)
    table = Table(
        name="fairness",
        title=title,
        summary=Text(
            zh=f"{fairness.decisions:,} 项有分档的决策中，{fairness.readable:,} 项的输入可读；其余：{zh}。比值为最低与"
            "最高预审通过率之比，"
            f"只计 {MIN_GROUP} 项以上的组，五分之四规则要求不低于 {FOUR_FIFTHS}。区间按固定的两组计算；组多而小时，"
            "比值偏低可能出于偶然。比值说明差异，不说明原因。",
            en=f"Inputs of {fairness.readable:,} of {fairness.decisions:,} decisions with a band were read; the "
            f"others: {en}. "
            f"The ratio is the lowest approval rate over the highest, of groups with {MIN_GROUP} decisions or more; "
            "the "
            f"four-fifths rule asks for {FOUR_FIFTHS}. The interval is that of two fixed groups; of many small groups "
            "the ratio may be low by chance. It shows a difference, not its cause.",
        ),
        columns=(
            column("attribute", "属性", "attribute"),
            column("decisions", "有该属性的决策", "decisions with the attribute", "count"),
            column("lowest", "通过率最低", "lowest rate"),
            column("highest", "通过率最高", "highest rate"),
            column("ratio", "比值", "ratio", "number", interval=Interval()),
            column("met", "符合五分之四规则", "four-fifths rule met", "flag"),
            column("certain", "区间不含 0.8", "interval excludes 0.8", "flag"),
        ),
        rows=tuple(rows),
    )
    return [table, *(_rates(fairness, attribute) for attribute in sorted(fairness.groups))]


def _rates(fairness: Fairness, attribute: str) -> Bars:
    rows = []
    for value, (approved, trials) in sorted(fairness.groups[attribute].items()):
        rate = fairness.rate(attribute, value)
        rows.append({"value": value, "decisions": trials, "approved": approved, "approval_rate": rate.value})
        rows[-1] |= {"low": rate.low, "high": rate.high}
    return Bars(
        name=f"fairness_{attribute}",
        title=Text(zh=f"通过率：{attribute}", en=f"Approval rates: {attribute}"),
        columns=(
            column("value", "取值", "value"),
            column("decisions", "决策数", "decisions", "count"),
            column("approved", "预审通过", "approved", "count"),
            column("approval_rate", "通过率", "approval rate", "share", interval=Interval()),
        ),
        y=axis("通过率", "approval rate", "share"),
        drawn=("approval_rate",),
        rows=tuple(rows),
    )


def promotion_section(moves: Mapping[str, Sequence[Move]], period: Period) -> Table:
    """Return every promotion and rollback of the models, whenever it was: a decision may rest on an earlier one.

    Parameters
    ----------
    moves : mapping of str to sequence of Move
        As returned by `ml.champions.history`, by model.
    period : Period
        Its time zone is that of the times.
    """
    rows = [
        {
            "model": model,
            "at": period.shown(int(move.when.timestamp() * 1_000_000)),
            "action": move.action,
            "version": move.version,
            "previous": move.previous,
            "who": move.who,
            "why": move.why,
            "forced": move.forced,
        }
        for model, entries in moves.items()
        for move in entries
    ]
    actions = {"promote": Text(zh="发布", en="promotion"), "rollback": Text(zh="回退", en="rollback")}
    return Table(
        name="promotions",
        title=Text(zh="模型发布与回退", en="Promotions and rollbacks of models"),
        columns=(
            column("model", "模型", "model"),
            column("at", "时间", "when"),
            column("action", "动作", "action", words=actions),
            column("version", "版本", "version", "count"),
            column("previous", "原版本", "previous version", "count"),
            column("who", "人员", "who"),
            column("why", "理由", "reason"),
            column("forced", "未经门禁", "without a passed gate", "flag"),
        ),
        rows=tuple(rows),
    )
