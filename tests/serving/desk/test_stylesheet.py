"""The stylesheet and the templates know the same classes, and nothing is written past the tokens."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from serving.desk import catalogue

DESK = Path(catalogue.__file__).parent
CSS = (DESK / "static" / "desk.css").read_text(encoding="utf-8")
PRINT_CSS = (DESK / "static" / "print.css").read_text(encoding="utf-8")  # of forms, which have no other sheet
SAMPLES = Path(__file__).parent / "parts"
BY_HTMX = {"htmx-request"}
WORD = re.compile(r"[a-zA-Z][\w-]*")


def _rules() -> str:
    return re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)


def _selectors() -> set[str]:
    """Return the classes that have a rule."""
    preludes = re.findall(r"[^{}]+(?=\{)", _rules() + re.sub(r"/\*.*?\*/", "", PRINT_CSS, flags=re.DOTALL))
    return {name for prelude in preludes for name in re.findall(r"\.([a-zA-Z][\w-]*)", prelude)}


def class_names(template: str) -> set[str]:
    """Return the classes of a template: words of class attributes outside of expressions, and texts inside of them."""
    names: set[str] = set()
    for value in re.findall(r'\bclass="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"', template):
        plain = re.sub(r"\{\{.*?\}\}", "\0", re.sub(r"\{%.*?%\}", "", value))
        # A word that an expression continues, such as `tone-{{ x }}`, is not a whole class.
        names |= {w for w in plain.split() if WORD.fullmatch(w)}
        for expression in re.findall(r"\{\{(.*?)\}\}", value):
            choices = re.sub(r"(==|!=|\bin\b)\s*(\(.*?\)|'[^']*'|\"[^\"]*\")", "", expression)
            choices = re.sub(r"['\"][^'\"]*['\"]\s*:", "", choices)  # keys of a mapping
            names |= {w for text in re.findall(r"['\"]([^'\"]*)['\"]", choices) for w in WORD.findall(text)}
    return names


def chart_classes() -> set[str]:
    """Return the words of the texts of the charts' code: they write classes."""
    words: set[str] = set()
    for path in (DESK / "charts").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words |= set(WORD.findall(node.value))
    return words


@cache
def _templates() -> dict[str, str]:
    paths = sorted((DESK / "templates").rglob("*.html"))
    return {p.relative_to(DESK / "templates").as_posix(): p.read_text(encoding="utf-8") for p in paths}


def test_every_class_of_a_template_has_a_rule() -> None:
    rules = _selectors()
    lacking = {name: sorted(class_names(text) - rules) for name, text in _templates().items()}
    assert {name: classes for name, classes in lacking.items() if classes} == {}


def test_every_rule_is_used() -> None:
    samples = [p.read_text(encoding="utf-8") for p in SAMPLES.glob("*.html")]
    words = {w for text in [*_templates().values(), *samples] for w in WORD.findall(text)}
    words |= {w for path in (DESK / "areas").rglob("*.py") for w in WORD.findall(path.read_text(encoding="utf-8"))}
    tones = {f"{kind}-{tone}" for kind in ("fill", "on") for tone in ("good", "wait", "bad", "none", "accent")}
    assert _selectors() - words - chart_classes() - tones - BY_HTMX == set()


def test_templates_need_no_exception_of_the_content_policy() -> None:
    unsafe = re.compile(r"<[^>]*\s(style|on[a-z]+)=|<script(?![^>]*\bsrc=)|<style|javascript:|href=\"#\"", re.DOTALL)
    bare = {name: re.sub(r"\{%.*?%\}|\{#.*?#\}", "", text, flags=re.DOTALL) for name, text in _templates().items()}
    assert {name: m.group() for name, text in bare.items() if (m := unsafe.search(text))} == {}


def test_colours_stand_in_the_tokens_alone() -> None:
    rules = _rules()
    tokens = rules[rules.index(":root") : rules.index("}")]
    names = set(re.findall(r"(--[\w-]+):", tokens))
    assert set(re.findall(r"var\((--[\w-]+)\)", rules)) == names
    rest = re.sub(r"@media print \{.*?\n\}", "", rules.replace(tokens, ""), flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rest) == []


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    tokens = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", CSS))
    light, dark = sorted((_luminance(tokens[a]), _luminance(tokens[b])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_words_have_contrast_on_their_grounds() -> None:
    grounds = ("--paper", "--surface", "--hover", "--accent-weak", "--none-weak")
    pairs = [(ink, ground) for ink in ("--ink", "--ink-2", "--ink-3") for ground in grounds]
    pairs += [(f"--{t}", ground) for t in ("good", "wait", "bad", "accent") for ground in ("--surface", "--paper")]
    pairs += [(f"--{t}", f"--{t}-weak") for t in ("good", "wait", "bad", "accent")]
    pairs += [("--good", "--good-fill"), ("--wait", "--wait-fill"), ("--on-accent", "--accent"), ("--accent", "--band")]
    assert {pair: round(_contrast(*pair), 2) for pair in pairs if _contrast(*pair) < 4.5} == {}


def test_controls_and_marks_have_contrast() -> None:
    pairs = [(mark, "--surface") for mark in ("--control", "--mark", "--dot", "--accent")] + [("--control", "--paper")]
    assert {pair: round(_contrast(*pair), 2) for pair in pairs if _contrast(*pair) < 3} == {}


def test_classes_of_expressions_are_read() -> None:
    template = """<p class="a {{ 'b' if x == 'no' else 'c d' }}{% if y %} e{% endif %} f-{{ z }}">"""
    assert class_names(template) == {"a", "b", "c", "d", "e"}
