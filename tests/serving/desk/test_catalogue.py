"""The catalogue of texts: languages, fields, plurals and keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import Markup

from features.errors import ConfigError
from ml.bilingual import Text
from serving.desk.catalogue import Catalogue, read_catalogue

TEXTS = Catalogue({"a.leads": Text(zh="{name}有 {n} 条", en="{name} has {n} {n|lead|leads}")})


@pytest.mark.parametrize(("n", "words"), [(0, "0 leads"), (1, "1 lead"), (2, "2 leads"), (1200, "1,200 leads")])
def test_the_noun_agrees_with_its_number(n: int, words: str) -> None:
    assert TEXTS.text("a.leads", "en", n=n, name="S1") == f"S1 has {words}"


def test_markup_stays_and_all_else_is_escaped() -> None:
    text = TEXTS.text("a.leads", "en", n="<b>", name=Markup("<a>S1</a>"))
    assert isinstance(text, Markup)
    assert text == "<a>S1</a> has &lt;b&gt; leads"


def test_a_missing_text_a_missing_value_and_a_bare_float_are_errors() -> None:
    with pytest.raises(KeyError, match=r"texts/a\.yaml"):
        TEXTS.text("a.other", "zh")
    with pytest.raises(KeyError, match="needs a value for `n`"):
        TEXTS.text("a.leads", "zh", name="S1")
    with pytest.raises(TypeError, match="format it first"):
        TEXTS.text("a.leads", "zh", name="S1", n=0.123)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: {zh: 线索}", "en"),
        ('title: {zh: "{n} 条", en: "leads"}', "the same"),
        ("Title: {zh: 线索, en: Leads}", "lower-case"),
        ('title: {zh: "", en: Leads}', "title"),
    ],
)
def test_a_wrong_file_is_an_error_at_the_start(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "leads.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_catalogue(tmp_path)


def test_the_texts_of_the_package_are_complete() -> None:
    assert all(t.zh and t.en for t in read_catalogue().texts.values())
