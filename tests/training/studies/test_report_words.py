"""Names of the values that reports show."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ml.bilingual import Text
from ml.labels import Labels
from training.studies import report_words
from training.studies.report_words import MISSING, day_text, feature_words, value_words

WORDS = (
    report_words.PARTS, report_words.BANDS, report_words.BASELINES, report_words.PANEL, report_words.LISTS,
    report_words.RETRIEVER_FEATURES, report_words.GROUPS,
)  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_names_are_words_in_both_languages(words: dict[str, Text]) -> None:
    for code, text in words.items():
        assert not re.search("[\u4e00-\u9fff]", text.en) and "_" not in text.en + text.zh, code
        assert re.search("[\u4e00-\u9fff]", text.zh), code


def test_a_dealership_s_own_names_come_first_and_a_missing_value_has_a_name() -> None:
    own = {"values": {"channel": {"app": {"zh": "手机应用", "en": "phone app"}}}}
    words = value_words("channel", ["app", "walk_in", MISSING], Labels.model_validate(own))
    assert [words[v].en for v in ("app", "walk_in", MISSING)] == ["phone app", "walk-in", "missing"]
    assert feature_words(["views_7d"], Labels())["views_7d"].zh != "views_7d"


def test_dates_are_written_as_people_write_them() -> None:
    assert (day_text(date(2025, 2, 22)).en, day_text(date(2025, 2, 22)).zh) == ("22 February 2025", "2025年2月22日")
