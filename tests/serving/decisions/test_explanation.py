"""Sentences for the person concerned: the result, its model, reasons, offers and reviews, in both languages."""

from __future__ import annotations

from typing import Any

from serving.decisions.explanation import OUTCOMES, OVERRIDE_REASONS, Override, explain

AT = 1_772_323_200_000_000  # 2026-03-01 00:00 UTC, 08:00 in Beijing
MODELS = {"credit_risk": {"version": 3, "promotion": {"when": "2026-01-31T20:00:00Z", "who": "wang"}}}
CONTENT: dict[str, Any] = {
    "outcome": "decline",
    "models": MODELS,
    "score": 488,
    "probability_of_default": 0.48942,
    "approve_at_most": 0.0325,
    "decline_above": 0.0462,
}
OFFER = {
    "product_name": {"zh": "标准贷款", "en": "Standard loan"},
    "offer_id": "ab12",
    "down_payment": 50_000.0,
    "amount": 100_000.0,
    "term_months": 60,
    "monthly_payment": 1_837.14,
    "valid_until": "2026-03-08",
}


def test_a_decline_has_figures_cut_offs_and_reasons() -> None:
    text = explain(CONTENT, AT, [{"zh": "负债偏高。", "en": "High debts."}], [])
    assert text["en"][:5] == [
        "On 1 March 2026 your application was assessed automatically. Result: declined.",
        "Models used: credit_risk version 3 (in use since 1 February 2026).",
        "Score 488, estimated probability of default 48.94 %; up to 3.25 % is approved, above 4.62 % is declined, and "
        "what lies between is referred to an officer.",
        "The main factors against you, the most important first:",
        "· High debts.",
    ]
    assert text["zh"][0] == "2026 年 3 月 1 日，系统对您的申请作了自动评估。结果：拒绝。"
    assert text["zh"][4] == "· 负债偏高。" and len(text["zh"]) == len(text["en"])
    assert "article" not in text["en"][0] and "by a person" in text["en"][-1]
    assert "wang" not in str(text)  # who promoted the model is in the log, not in the letter


def test_what_cannot_be_said_any_more_is_said_so() -> None:
    english = explain(CONTENT, AT, None, [Override(AT, "approve", None, None)])["en"]
    assert "Reasons were not requested and can no longer be computed; the store can explain them." in english
    assert any("The text of the reason was deleted at the end of its retention." in line for line in english)


def test_offers_have_their_id_and_last_day_and_no_offer_its_rules() -> None:
    english = explain({"outcome": "offers", "models": {}, "offers": [OFFER]}, AT, [], [])["en"]
    assert english[1] == (
        'Offer "Standard loan" (ab12): down payment 50,000.00 yuan, loan 100,000.00 yuan, 60 months, 1,837.14 yuan a '
        "month; valid until 2026-03-08."
    )
    none = explain(
        {"outcome": "no_offers", "models": {}, "offers": [], "violations": {"term": 3, "new_rule": 1}}, AT, [], []
    )
    assert "Rules that exclude the loans: the term, new_rule." in none["en"]
    assert "不符合的规定：贷款期限、new_rule。" in none["zh"]


def test_every_outcome_and_reason_exists_in_both_languages() -> None:
    for zh, en in (*OUTCOMES.values(), *OVERRIDE_REASONS.values()):
        assert zh and en and not zh.isascii() and en.isascii()
