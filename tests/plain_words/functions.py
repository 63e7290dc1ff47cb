"""Public functions and methods: import, signature and docstring."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

SIZES = {("ml",): 20, ("features", "training"): 20, ("serving",): 10}
# What a framework calls by itself, and what the command line shows as help, is nobody's call.
UNCALLED = {"training/commands", "serving/commands"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def draw(rng: random.Random) -> list[str]:
    """Return twenty functions of `ml`, twenty of `features` and `training`, ten of `serving`."""
    return [text for packages, size in SIZES.items() for text in rng.sample(sorted(_texts(packages)), size)]


def _texts(packages: tuple[str, ...]) -> Iterator[str]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT)
            if name.parent.as_posix() not in UNCALLED and not path.stem.startswith("_"):
                yield from texts_of(path.read_text(encoding="utf-8"), module=_module(name))


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def texts_of(source: str, *, module: str) -> Iterator[str]:
    """Yield each public function and method of a module's source as a reader sees it.

    Examples
    --------
    >>> source = '''def area(width: float, height: float) -> float:
    ...     "Return the area in square metres."
    ...     return width * height
    ... '''
    >>> print(next(texts_of(source, module="shapes")))
    from shapes import area
    <BLANKLINE>
    def area(width: float, height: float) -> float:
        Return the area in square metres.
    """
    for node in ast.parse(source).body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield f"from {module} import {node.name}\n\n{_shown(node)}"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, Function) and not method.name.startswith("_") and not _is_property(method):
                    owner = f"from {module} import {node.name}\n\n{_class(node)}"
                    yield f"{owner}\n\n    The method:\n\n{_shown(method, margin=4)}"


def _class(node: ast.ClassDef) -> str:
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    init = next((f"\n    def __init__({ast.unparse(m.args)})" for m in node.body if _named(m, "__init__")), "")
    fields = "".join(f"\n    {ast.unparse(f)}" for f in node.body if isinstance(f, ast.AnnAssign))
    return f"class {node.name}{bases}:\n{_indented(ast.get_docstring(node) or '', 4)}{init}{fields}"


def _shown(node: Function, margin: int = 0) -> str:
    decorators = "".join(f"@{ast.unparse(d)}\n" for d in node.decorator_list)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    head = f"{decorators}def {node.name}({ast.unparse(node.args)}){returns}:"
    return f"{_indented(head, margin)}\n{_indented(ast.get_docstring(node) or '', margin + 4)}"


def _is_property(node: Function) -> bool:
    return any("property" in ast.unparse(d) for d in node.decorator_list)


def _named(node: ast.stmt, name: str) -> bool:
    return isinstance(node, Function) and node.name == name


def _indented(text: str, margin: int) -> str:
    return "\n".join(" " * margin + line if line else "" for line in text.splitlines())
