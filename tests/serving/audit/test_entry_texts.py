"""Every kind of entry is a sentence in both languages."""

from __future__ import annotations

from pathlib import Path

from serving.audit.entry_texts import entry_texts, person
from serving.audit.logged_entries import Selection, logged_entries
from tests.serving.audit.content import ALL_TIME, sample_log


def test_what_was_decided_why_and_what_followed(tmp_path: Path) -> None:
    entries = list(logged_entries(sample_log(tmp_path), Selection(ALL_TIME), end=99))
    texts = [entry_texts(entry, ALL_TIME) for entry in entries]
    decline = [text.en for text in texts[1]]
    assert decline == [
        "Entry 2, 2026-01-10 12:00:00: decision by a model (credit_risk 1): declined.",
        "Probability of default 2.00%, score 600; approved up to 3.00%, declined above 5.00%.",
        "Reason: Your credit bureau score is low.",
        "personal fields are stored, encrypted",
    ]
    assert texts[1][0].zh == "第 2 条，2026-01-10 12:00:00：模型决策（credit_risk 1）：预审拒绝。"
    assert "Offer standard (o-1), valid until 2026-02-20." in [text.en for text in texts[4]]
    assert texts[4][0].en.endswith("offers made, approved.")
    assert texts[5][0].en.endswith("officer's decision in its place: approved by k_desk; reason: INCOME_PROVED.")
    assert texts[7][0].zh.endswith("查阅个人信息（li.wei）；理由：complaint 17。")
    assert texts[8][0].en.endswith("personal parts removed by zhao; reason: retention.")


def test_a_person_comes_before_the_key() -> None:
    assert person({"who": "", "key_id": "k_1"}) == "k_1" and person({}) is None
