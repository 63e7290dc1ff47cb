"""Explain a logged decision again, to the person concerned, in Chinese and English (article 24 of the PIPL)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

BEIJING = timezone(timedelta(hours=8))
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
OUTCOMES = {
    "approve": ("通过", "approved"),
    "refer": ("转人工审核", "referred to an officer"),
    "decline": ("拒绝", "declined"),
    "offers": ("可以办理，并向您展示了贷款方案", "loans can be offered to you"),
    "no_offers": ("没有可以办理的贷款方案", "no loan can be offered"),
}
RULES = {  # that exclude loans, as in `violations` of loan offers
    "risk_band": ("该风险没有对应的利率", "no rate exists for this risk"),
    "credit_decision": ("信用评估未通过", "the credit assessment"),
    "amount": ("贷款金额", "the loan amount"),
    "loan_to_value": ("贷款成数或最低首付", "loan-to-value or minimum down payment"),
    "extras": ("附加项目", "financed extras"),
    "payment_to_income": ("月供占收入的比例", "payments in proportion to income"),
    "term": ("贷款期限", "the term"),
    "age_at_maturity": ("到期时的年龄", "age at maturity"),
    "balloon": ("尾款比例", "the balloon"),
    "annualised_cost": ("年化成本上限", "the ceiling on the annualised cost"),
    "expected_profit": ("贷款机构的收益要求", "the lender's required return"),
}
OVERRIDE_REASONS = {
    "INCOME_PROVED": ("您补充的材料证明了更高的收入。", "Further documents prove a higher income."),
    "RECORD_EXPLAINED": ("您的征信记录中的问题已有合理说明。", "The entries of your credit record were explained."),
    "GUARANTOR": ("有担保人或共同借款人为贷款提供保障。", "A guarantor or a co-borrower secures the loan."),
    "MORE_DOWN_PAYMENT": ("您提高了首付。", "You make a higher down payment."),
    "DOCUMENTS_MISSING": ("申请所需的材料不齐全。", "Documents that the application needs are missing."),
    "DOCUMENTS_DIFFER": ("提交的材料与申请信息不一致。", "The documents differ from the application."),
    "LENDER_RULE": ("贷款机构的规定不允许这笔贷款。", "A rule of the lender does not allow this loan."),
    "WITHDRAWN": ("您撤回了申请。", "You withdrew the application."),
}
_RIGHTS = (
    "您有权要求我们对自动化决策的结果予以说明，也有权拒绝仅通过自动化决策的方式作出的决定。如需人工复核，请联系受理门店。",
    "You have the right to an explanation of an automated decision, and to refuse one that was made by automated means "
    "alone. To have it reviewed by a person, contact the store.",
)


class Override(NamedTuple):
    """An officer's decision, with the text for the customer.

    Attributes
    ----------
    at : int
        Microseconds since 1970, UTC.
    outcome : str
        `approve`, `refer` or `decline`.
    zh, en : str or None
        The reason for the customer; None if it was removed with the personal part.
    """

    at: int
    outcome: str
    zh: str | None
    en: str | None


def explain(
    content: Mapping[str, Any], at: int, reasons: Sequence[Mapping[str, Any]] | None, overrides: Sequence[Override]
) -> dict[str, list[str]]:
    """Return what was decided, by which model, why, and what was offered until when, as sentences.

    Parameters
    ----------
    content : mapping
        Content of the entry of the decision.
    at : int
        Time of the entry in microseconds since 1970, UTC; sentences have the day in Beijing.
    reasons : sequence of mapping or None
        Adverse reasons with texts `zh` and `en`; None if they are neither logged nor reproducible.
    overrides : sequence of Override
        Decisions of officers, the oldest first.

    Returns
    -------
    dict
        Sentences by language, `zh` and `en`.

    Examples
    --------
    >>> content = {"outcome": "decline", "models": {"credit_risk": {"version": 3, "promotion": None}}}
    >>> explain(content, 1_772_000_000_000_000, None, [])["en"][0]
    'On 25 February 2026 your application was assessed automatically. Result: declined.'
    """
    texts = [_result(content, at), _models(content), _figures(content), *_reasons(content, reasons)]
    texts += [*_offers(content), *_overrides(overrides), _RIGHTS]
    pairs = [text for text in texts if text is not None]
    return {"zh": [zh for zh, _ in pairs], "en": [en for _, en in pairs]}


def _day(at: datetime) -> tuple[str, str]:
    day = at.astimezone(BEIJING)
    return f"{day.year} 年 {day.month} 月 {day.day} 日", f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e6, UTC)


def _result(content: Mapping[str, Any], at: int) -> tuple[str, str]:
    zh_day, en_day = _day(_moment(at))
    zh, en = OUTCOMES.get(content["outcome"], (content["outcome"],) * 2)
    return (
        f"{zh_day}，系统对您的申请作了自动评估。结果：{zh}。",
        f"On {en_day} your application was assessed automatically. Result: {en}.",
    )


def _models(content: Mapping[str, Any]) -> tuple[str, str] | None:
    zh, en = [], []
    for name, model in content["models"].items():
        zh_since = en_since = ""
        if (promotion := model["promotion"]) is not None:
            days = _day(datetime.fromisoformat(promotion["when"]))
            zh_since, en_since = f"（{days[0]}启用）", f" (in use since {days[1]})"
        zh.append(f"{name} 第 {model['version']} 版{zh_since}")
        en.append(f"{name} version {model['version']}{en_since}")
    return (f"使用的模型：{'、'.join(zh)}。", f"Models used: {', '.join(en)}.") if zh else None


def _figures(content: Mapping[str, Any]) -> tuple[str, str] | None:
    if content.get("score") is None:
        return None
    risk, low, high = (
        f"{100 * content[n]:.2f} %" for n in ("probability_of_default", "approve_at_most", "decline_above")
    )
    return (
        f"评分 {content['score']} 分，估计的违约概率 {risk}；不超过 {low} 的通过，超过 {high} 的拒绝，其余转人工审核。",
        f"Score {content['score']}, estimated probability of default {risk}; up to {low} is approved, above {high} is "
        "declined, and what lies between is referred to an officer.",
    )


def _reasons(content: Mapping[str, Any], reasons: Sequence[Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    rules = content.get("violations") if content.get("outcome") == "no_offers" else None
    texts = []
    if rules:
        zh, en = zip(*(RULES.get(rule, (rule, rule)) for rule in rules), strict=True)
        texts.append((f"不符合的规定：{'、'.join(zh)}。", f"Rules that exclude the loans: {', '.join(en)}."))
    if reasons is None:
        text = "申请时没有要求列出原因，现在也无法再计算；门店可以向您说明。"
        return [*texts, (text, "Reasons were not requested and can no longer be computed; the store can explain them.")]
    if reasons:
        head = ("对结果不利的主要因素，从最重要的开始：", "The main factors against you, the most important first:")
        texts += [head, *((f"· {reason['zh']}", f"· {reason['en']}") for reason in reasons)]
    return texts


def _offers(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    texts = []
    for offer in content.get("offers") or ():
        down, loan, payment = (f"{offer[name]:,.2f}" for name in ("down_payment", "amount", "monthly_payment"))
        names, identity, months = offer["product_name"], offer["offer_id"], offer["term_months"]
        texts.append(
            (
                f"方案“{names['zh']}”（编号 {identity}）：首付 {down} 元，贷款 {loan} 元，{months} 期，"
                f"月供 {payment} 元；有效期至 {offer['valid_until']}。",
                f'Offer "{names["en"]}" ({identity}): down payment {down} yuan, loan {loan} yuan, {months} months, '
                f"{payment} yuan a month; valid until {offer['valid_until']}.",
            )
        )
    return texts


def _overrides(overrides: Sequence[Override]) -> list[tuple[str, str]]:
    texts = []
    for number, override in enumerate(overrides, start=1):
        zh_day, en_day = _day(_moment(override.at))
        zh, en = OUTCOMES[override.outcome]
        again = ("再次复核", "reviewed it again") if number > 1 else ("复核", "reviewed it")
        zh_reason = override.zh or "理由的文字已按保存期限删除。"
        en_reason = override.en or "The text of the reason was deleted at the end of its retention."
        texts.append(
            (
                f"{zh_day}，工作人员{again[0]}了该结果，决定：{zh}。理由：{zh_reason}",
                f"On {en_day} an officer {again[1]} and decided: {en}. Reason: {en_reason}",
            )
        )
    return texts
