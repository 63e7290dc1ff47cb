"""Variables are nouns of what they hold: no participle that says only how a value came about."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

PARTICIPLES = {"found", "told", "asked", "said", "given", "wanted", "kept", "seen", "taken", "held", "known"}
FOLDERS = ("features", "ml", "training", "serving", "chehang", "benchmarks", "notebooks", "tests")


def test_no_name_of_the_product_is_a_participle() -> None:
    paths = [ROOT / "demo.py", *(p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*")))]
    participles = [
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in paths
        if path.suffix in (".py", ".ipynb")
        for name in _names(ast.parse(_source(path)))
        if name.strip("_").lower() in PARTICIPLES
    ]
    assert participles == []


def test_names_of_every_kind_are_read() -> None:
    source = """
class Held:
    told: int
    def kept(self, asked, *given, **wanted): self.seen = 1
for known in (said := []): [_found for _found in ()]
with open("") as taken: pass
try: pass
except OSError as held: pass
import a as TOLD
"""
    assert set(_names(ast.parse(source))) == {
        *("Held", "told", "kept", "self", "asked", "given", "wanted", "seen", "known", "said", "_found", "taken"),
        *("held", "TOLD"),
    }


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module binds: variables, parameters, attributes, functions, classes and aliases."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name


def _source(path: Path) -> str:
    """Return Python code; of a notebook, that of its code cells without the lines that are commands of IPython."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    return "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith(("%", "!")))
