"""Public functions and methods: import, signature with the modules of its types, and docstring."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

SIZES = {("ml",): 20, ("features", "training"): 20, ("serving",): 10}
# What a framework calls by itself, and what the command line shows as help, is nobody's call.
UNCALLED = {"training/commands", "serving/commands"}
PACKAGES = ("features.", "ml.", "training.", "serving.", "chehang.")
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
    tree = ast.parse(source)
    origins = _origins(tree, module)
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield f"from {module} import {node.name}\n{_types([node], origins)}\n{_shown(node)}"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, Function) and not method.name.startswith("_") and not _is_property(method):
                    init = [m for m in node.body if _named(m, "__init__") or isinstance(m, ast.AnnAssign)]
                    types = _types([*init, method], origins, but=node.name)
                    owner = f"from {module} import {node.name}\n{types}\n{_class(node)}"
                    yield f"{owner}\n\n    The method:\n\n{_shown(method, margin=4)}"


def _origins(tree: ast.Module, module: str) -> dict[str, str]:
    """Return the module of each name that a module imports from the product or defines as a class."""
    imports = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and f"{n.module}.".startswith(PACKAGES))
    origins = {alias.asname or alias.name: str(n.module) for n in imports for alias in n.names}
    return origins | {n.name: module for n in tree.body if isinstance(n, ast.ClassDef)}


def _types(nodes: list[ast.stmt], origins: dict[str, str], but: str = "") -> str:
    """Return a line that names the module of each type of the product, as a page of documentation links them."""
    annotations: list[ast.expr | None] = []
    for node in nodes:
        if isinstance(node, Function):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            annotations += [node.returns, *(arg.annotation for arg in every)]
        elif isinstance(node, ast.AnnAssign):
            annotations.append(node.annotation)
    names = {n.id for a in annotations if a for n in ast.walk(a) if isinstance(n, ast.Name)} - {but}
    linked = ", ".join(f"{name} ({origins[name]})" for name in sorted(names & set(origins)))
    return f"# types: {linked}\n" if linked else ""


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
