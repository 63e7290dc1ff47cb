"""Words of pages stand in the catalogue, in both languages, and every one of them is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from serving.desk import catalogue
from serving.desk.catalogue import read_catalogue

DESK = Path(catalogue.__file__).parent
TEMPLATES = sorted((DESK / "templates").rglob("*.html"))
CODE = sorted(DESK.rglob("*.py"))
SAMPLES = sorted((Path(__file__).parent / "parts").glob("*.html"))
NAMES = {"Chehang", "English"}  # names of the product and of a language in itself
SPOKEN = {"aria-label", "placeholder", "title", "alt", "content", "value", "data-asks", "label"}
KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
CHINESE = re.compile(r"[\u3400-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")
TEXTS = read_catalogue().texts


class _Words(HTMLParser):
    """Collects the words that a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.words += [value or "" for name, value in attrs if name in SPOKEN]


def literal_words(template: str) -> list[str]:
    """Return words that stand in a template itself, and those in texts of its expressions."""
    template = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    expressions = re.findall(r"\{\{.*?\}\}|\{%.*?%\}", template, flags=re.DOTALL)
    parser = _Words()
    parser.feed(re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", template, flags=re.DOTALL))
    # A macro may write an attribute by itself, which looks like a text.
    parser.words = [re.sub(r"[a-z-]+=\"[^\"]*\"", "", text) for text in parser.words]
    visible = [w for text in parser.words for w in re.findall(r"[^\W\d_]{2,}|[\u3400-\u9fff]", text) if w not in NAMES]
    texts = [t for e in expressions for pair in re.findall(r'"([^"]*)"|\'([^\']*)\'', e) for t in pair if t]
    return visible + [t for t in texts if CHINESE.search(t) or SENTENCE.search(t)]


def test_templates_hold_no_words_of_their_own() -> None:
    words = {p.relative_to(DESK).as_posix(): literal_words(p.read_text(encoding="utf-8")) for p in TEMPLATES}
    assert {name: literals for name, literals in words.items() if literals} == {}


def test_pages_hold_no_chinese_words_in_their_code() -> None:
    literals = [
        f"{path.relative_to(DESK).as_posix()}:{node.lineno}: {node.value}"
        for path in CODE
        if path.parts[len(DESK.parts)] not in ("charts", "formats.py", "tables", "catalogue.py")
        for node in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if CHINESE.search(node.value)
    ]
    assert literals == []


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module that are not docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def test_every_key_that_a_template_names_has_a_text() -> None:
    missing = {
        f"{path.relative_to(DESK).as_posix()}: {key}"
        for path in TEMPLATES
        for key, more in re.findall(r"\bt\(\s*[\"']([^\"']+)[\"']\s*(~?)", path.read_text(encoding="utf-8"))
        if not more and key not in TEXTS
    }
    assert missing == set()


def test_every_key_that_a_page_names_has_a_text() -> None:
    missing = {
        f"{path.relative_to(DESK).as_posix()}: {key}"
        for path in CODE
        for key in _keys(ast.parse(path.read_text(encoding="utf-8")))
        if key not in TEXTS
    }
    assert missing == set()


def _keys(tree: ast.Module) -> Iterator[str]:
    """Yield the keys of texts that code names: of `text(...)`, of notices, and of columns and states of tables."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        arguments = {"text": node.args[:1], "Choice": node.args[:1], "TableColumn": node.args[1:2]}.get(name, [])
        named = {"TableColumn": ("heading", "unit"), "Choice": ("key",)}.get(name, ("notice",))
        values = [*arguments, *(k.value for k in node.keywords if k.arg in named)]
        yield from (
            v.value
            for v in values
            if isinstance(v, ast.Constant) and isinstance(v.value, str) and KEY.fullmatch(v.value)
        )


def test_every_text_is_used() -> None:
    literals: set[str] = set()
    for path in [*TEMPLATES, *CODE, *SAMPLES]:
        source = path.read_text(encoding="utf-8")
        literals |= set(re.findall(r"[\"']([a-z][a-z0-9_]*\.[a-z0-9_.]*)", source))
    beginnings = tuple(text for text in literals if text.endswith((".", "_")) and text.rstrip("._") not in _stems())
    unused = {key for key in TEXTS if key not in literals and not key.startswith(beginnings)}
    assert unused == set()


def _stems() -> set[str]:
    return {key.split(".")[0] for key in TEXTS}


def test_chinese_texts_are_chinese_and_english_ones_english() -> None:
    no_chinese = {k for k, t in TEXTS.items() if re.search(r"[a-z]{3,}", t.zh) and not CHINESE.search(t.zh)}
    chinese = {k for k, t in TEXTS.items() if CHINESE.search(t.en)}
    assert no_chinese - {"parts.table.excel"} == set()
    assert chinese - {"frame.chinese", "frame.brand"} == set()


def test_chinese_texts_have_full_width_punctuation() -> None:
    half = re.compile(
        r"[\u3400-\u9fff][,;:?!](?!\w*//)|[\u3400-\u9fff]\(|\d -\d|\d %|[\u3400-\u9fff]\.(?=[\u3400-\u9fff]|$)"
    )
    assert {k: t.zh for k, t in TEXTS.items() if half.search(t.zh)} == {}


def test_english_texts_have_no_iso_dates_and_no_space_before_percent() -> None:
    assert {k: t.en for k, t in TEXTS.items() if re.search(r"\d{4}-\d\d-\d\d|\d %", t.en)} == {}


def test_literal_words_are_noticed() -> None:
    assert literal_words('<p aria-label="Close">{{ x }} Hello</p>{{ "你好" }}{# a note #}') == [
        "Close",
        "Hello",
        "你好",
    ]
    assert literal_words('<b class="num">{{ t("a.b") }}：</b> Chehang') == []
