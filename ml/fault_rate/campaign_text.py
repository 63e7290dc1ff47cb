"""The verdict on an inspection campaign with its reason, in Chinese and English."""

from __future__ import annotations

from features.plurals import count_text
from ml.bilingual import Text
from ml.fault_rate.campaign import AT_SERVICE, CALL_IN, CampaignOption, InspectionPlan
from ml.fault_rate.wording import about, horizon, months, yuan


def verdict_text(plan: InspectionPlan) -> Text:
    """Return the verdict on a campaign, what it costs and saves, and what speaks for it beside the cost.

    Parameters
    ----------
    plan : InspectionPlan
        As returned by `ml.fault_rate.campaign.plan_inspection`.
    """
    if plan.vehicles.is_empty():
        return Text(zh="没有受影响的在用车辆。", en="No affected vehicle is in service.")
    if plan.verdict == "inspect_all":
        return _joined(_inspect_all(plan), _effect(plan, conditional=False))
    if plan.verdict is None:
        return _joined(_without_cost(plan), _effect(plan, conditional=True))
    if plan.verdict == "not_worth_on_cost":
        return _joined(_not_worth(plan), _effect(plan, conditional=True), _would_pay(plan), *_uncounted(plan))
    return _joined(
        _list(plan), _money(plan.best, plan), _effect(plan, conditional=False), *_others(plan), *_uncounted(plan)
    )


def headline(plan: InspectionPlan) -> Text:
    """Return the verdict in a few words, such as "call in now 61 of 236 affected vehicles".

    Parameters
    ----------
    plan : InspectionPlan
        As returned by `ml.fault_rate.campaign.plan_inspection`.
    """
    total, number = plan.vehicles.height, plan.inspected
    of_zh, of_en = f"{total:,} 辆受影响车辆", count_text(total, "affected vehicle")
    if plan.verdict == "inspect_all":
        return Text(
            zh=f"{of_zh}全部回厂检查", en="inspect the affected vehicle" if total == 1 else f"inspect all {of_en}"
        )
    if plan.verdict is None:
        return Text(
            zh=f"{of_zh}，故障成本未知，无法判断是否划算", en=f"{of_en}: without a fault cost there is no verdict"
        )
    if plan.verdict == "not_worth_on_cost":
        return Text(zh="仅从成本看不划算", en="not worth it on cost alone")
    waiting = number - plan.called_in
    if plan.called_in and waiting:
        return Text(
            zh=f"{of_zh}中，现在邀约 {plan.called_in:,} 辆，{waiting:,} 辆在下次保养时检查",
            en=f"of {of_en}, call in {plan.called_in:,} now and inspect {waiting:,} at the next service",
        )
    part_zh, part_en = f"{of_zh}中的 {number:,} 辆", f"{number:,} of {of_en}"
    if number == total:
        part_zh, part_en = f"全部 {of_zh}", "the affected vehicle" if total == 1 else f"all {of_en}"
    if plan.called_in:
        return Text(zh=f"现在邀约：{part_zh}", en=f"call in now {part_en}")
    return Text(zh=f"{part_zh}在下次保养时检查", en=f"inspect {part_en} at the next service")


def _joined(*sentences: Text) -> Text:
    return Text(zh="".join(s.zh for s in sentences), en=" ".join(s.en for s in sentences))


def _sentence(text: Text) -> Text:
    return Text(zh=f"{text.zh}。", en=f"{_capital(text.en)}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _inspect_all(plan: InspectionPlan) -> Text:
    name, head, visits = plan.rules.component_name(plan.component), headline(plan), about(plan.best.visits)
    return Text(
        zh=f"{head.zh}：{name.zh}属于安全部件，不以成本决定，按风险高低安排。预计邀约一次后{visits.zh} 辆会来。",
        en=f"{_capital(head.en)}, in order of risk: the component ({name.en}) concerns safety, so that cost does not "
        f"decide. {_capital(visits.en)} are expected to come when invited once.",
    )


def _without_cost(plan: InspectionPlan) -> Text:
    return Text(
        zh="维修一次故障的成本未知，无法判断检查是否划算：请设置 fault_cost，或在工单中提供费用。",
        en="No cost of a fault is known, so that there is no verdict: set fault_cost, or map the cost of the records.",
    )


def _list(plan: InspectionPlan) -> Text:
    text, left, visits = _sentence(headline(plan)), plan.vehicles.height - plan.inspected, about(plan.best.visits)
    zh, en = f"{text.zh}预计{visits.zh} 辆会来。", f"{text.en} {_capital(visits.en)} of them are expected to come."
    if left:
        zh += f"其余 {left:,} 辆检查的花费高于可省下的费用，不列入。"
        en += f" For the other {left:,}, an inspection costs more than it saves."
    return Text(zh=zh, en=en)


def _money(option: CampaignOption, plan: InspectionPlan) -> Text:
    cost, benefit, net, low, high = (
        yuan(v or 0.0) for v in (option.cost, option.benefit, option.net, option.net_low, option.net_high)
    )
    time = horizon(plan.rules.repair_years)
    paid_zh, paid_en = "", ""
    if option.break_even_months is not None:
        after = months(option.break_even_months)
        paid_zh, paid_en = f"，约 {after.zh}后回本", f", and has paid for itself after about {after.en}"
    return Text(
        zh=f"约需 {cost.zh}，{time.zh}可省约 {benefit.zh}：净值约 {net.zh}（90% 区间 {low.zh}～{high.zh}）{paid_zh}。",
        en=f"It costs about {cost.en} and saves about {benefit.en} over {time.en}: about {net.en} net (90% interval "
        f"{low.en} to {high.en}){paid_en}.",
    )


def _effect(plan: InspectionPlan, *, conditional: bool) -> Text:
    """Return the faults avoided, the complaints and the customers: what speaks for the campaign beside its cost."""
    best, time, rules = plan.best, horizon(plan.rules.repair_years), plan.rules
    avoided, faults = about(best.avoided), max(round(plan.faults), 1)
    condition, verb = ("若全部检查，", "would avoid") if conditional else ("", "avoids")
    zh = f"{condition}全部受影响车辆{time.zh}预计发生 {faults:,} 次故障，可避免其中{avoided.zh} 次"
    en = f"it {verb} {avoided.en} of the {count_text(faults, 'fault')} expected of all affected vehicles over {time.en}"
    complaints, customers = best.avoided * rules.complaint_probability, best.avoided * rules.customer_loss_probability
    if complaints >= 0.95:
        zh += f"，少{about(complaints).zh} 起投诉"
        en += f"; about {count_text(round(complaints), 'complaint', 'complaints')} fewer"
    if customers >= 0.95:
        zh += f"，留住{about(customers).zh} 位原本会流失的客户"
        en += f"; about {count_text(round(customers), 'customer stays', 'customers stay')} who would have left"
    return _sentence(Text(zh=zh, en=en))


def _not_worth(plan: InspectionPlan) -> Text:
    best, time = plan.best, horizon(plan.rules.repair_years)
    cost, benefit = yuan(best.cost or 0.0), yuan(best.benefit or 0.0)
    number = plan.vehicles.height
    all_en = "the one affected vehicle" if number == 1 else f"all {number:,} affected vehicles"
    return Text(
        zh=f"仅从成本看不划算：检查全部 {number:,} 辆受影响车辆约需 {cost.zh}，{time.zh}只省约 {benefit.zh}，"
        "没有一辆车能收回检查费用。",
        en=f"Not worth it on cost alone: to inspect {all_en} costs about {cost.en} and saves only about {benefit.en} "
        f"over {time.en}; not one of the inspections pays for itself.",
    )


def _would_pay(plan: InspectionPlan) -> Text:
    """Return the goodwill, and the price of an inspection, at which the campaign would pay."""
    if plan.first_value is None or plan.all_value is None or plan.value.total is None:
        return Text(
            zh="这些车辆的故障率没有高于基准，检查不会减少故障。",
            en="The fault rate of these vehicles is not above its baseline, so that inspections avoid no faults.",
        )
    rest = plan.value.total - (plan.value.goodwill or 0.0)
    first, whole, today = (
        yuan(v) for v in (plan.first_value - rest, plan.all_value - rest, plan.value.goodwill or 0.0)
    )
    zh = f"若避免一次故障的商誉价值达到 {first.zh}（现设 {today.zh}），第一辆车开始划算；"
    zh += f"达到 {whole.zh}，全部车辆合计划算"
    en = f"it would pay for the first vehicle from a goodwill of {first.en} a fault ({today.en} configured), and for "
    en += f"all vehicles together from {whole.en}"
    if plan.best.break_even_cost is not None:
        price = yuan(plan.best.break_even_cost)
        zh += f"；或一次检查的费用不超过 {price.zh}"
        en += f"; or if an inspection cost no more than {price.en}"
    return _sentence(Text(zh=zh, en=en))


def _others(plan: InspectionPlan) -> list[Text]:
    """Return what the same vehicles would earn if all were inspected at one moment that is not the verdict's."""
    names = {
        CALL_IN: ("现在全部邀约", "calling all of them in now"),
        AT_SERVICE: ("全部等到下次保养时检查", "inspecting all of them at their next service"),
    }
    time, texts = horizon(plan.rules.repair_years), []
    for option in plan.options[:-1]:
        if option.net is None or option.net == plan.best.net:
            continue
        zh, en = names[option.name]
        net, sign = yuan(abs(option.net)), option.net >= 0
        texts.append(
            Text(
                zh=f"同样的车辆若{zh}，{time.zh}{'净省' if sign else '净亏'}约 {net.zh}。",
                en=f"Over {time.en}, {en} instead would {'earn' if sign else 'lose'} about {net.en}.",
            )
        )
    return texts


def _uncounted(plan: InspectionPlan) -> list[Text]:
    """Return a sentence for each amount that is not counted, because it is not configured or cannot be estimated."""
    texts = []
    if keys := plan.value.uncounted:
        texts.append(
            Text(
                zh=f"未计入：{'、'.join(keys)}（未设置）。",
                en=f"Not counted, because not configured: {', '.join(keys)}.",
            )
        )
    if plan.leaving == "unknown":
        texts.append(
            Text(
                zh="车队离网记录不足，按无车辆离网计算，所省费用为上限；请设置 leaving_rate。",
                en="The fleet table has too few exits: no vehicle is assumed to leave, so that the saving is an upper "
                "limit; set leaving_rate.",
            )
        )
    if len(plan.options) == 2:
        texts.append(
            Text(
                zh="工单中没有足够的保养记录，未比较下次保养时检查。",
                en="The records have too few routine visits to compare an inspection at the next service.",
            )
        )
    return texts
