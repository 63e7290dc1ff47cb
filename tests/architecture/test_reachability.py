"""Nothing in the product is there for tests alone: product code imports or names each function, class and method.

The check reads the files without importing them. A function or a class counts as reached where its own module uses it,
where another module imports it, or where its module is named by a text (endpoints are listed by path) and something has
its name. The function of a command has the name of its module, and `tests/chehang/test_startup.py` says that each is
listed. A method counts as reached where any code has an attribute of its name, so one that shares its name with a
method in use is not found. What only unreached code uses is unreached too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conftest import ROOT

PACKAGES = ("chehang", "features", "ml", "serving", "training")
# Called by name: click, scikit-learn, MLflow, BentoML and PyYAML.
API = "chehang"  # what notebooks and other people's code import
ENTRY_POINTS = {
    "format_commands",
    "resolve_command",
    "set_params",
    "_load_pyfunc",
    "Chehang",
    "to_asgi",
    "fetch_flow_collection_start",
}
VALIDATORS = {"field_validator", "model_validator", "field_serializer", "model_serializer"}


@dataclass(frozen=True)
class Definition:
    """A function, a class or a method, and the lines that define it."""

    module: str
    path: tuple[str, ...]
    first: int
    last: int

    def holds(self, module: str, line: int) -> bool:
        """Whether a line belongs to the definition."""
        return module == self.module and self.first <= line <= self.last


@dataclass
class Uses:
    """Where product code uses which name, as (module, line)."""

    names: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    imports: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)
    attributes: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)

    def read(self, module: str, tree: ast.Module) -> None:
        """Add the uses of one module."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.names.setdefault((module, node.id), []).append(node.lineno)
            elif isinstance(node, ast.Attribute):
                self.attributes.setdefault(node.attr, []).append((module, node.lineno))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.imports.setdefault((str(node.module), alias.name), []).append((module, node.lineno))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts.add(node.value)

    def of(self, definition: Definition, packages: set[str]) -> Iterator[tuple[str, int]]:
        """Where a definition is used; a package that imports it only to offer it counts where others import it."""
        module, name = definition.module, definition.path[-1]
        yield from ((module, line) for line in self.names.get((module, name), ()))
        if len(definition.path) > 1:
            yield from self.attributes.get(name, ())
            yield from (("", 0) for text in self.texts if text == name)
            return
        yield from self._imports(module, name, packages)
        if module in self.texts:
            yield from self.attributes.get(name, ())
            yield from (("", 0) for text in self.texts if name in (text, module.rpartition(".")[2]))

    def _imports(self, module: str, name: str, packages: set[str]) -> Iterator[tuple[str, int]]:
        for importer, line in self.imports.get((module, name), ()):
            if importer in packages and (importer, name) not in self.names:
                yield from self._imports(importer, name, packages)
            else:
                yield importer, line
        package, _, stem = module.rpartition(".")
        for importer, _ in self.imports.get((package, stem), ()):
            yield from (use for use in self.attributes.get(name, ()) if use[0] == importer)


def unreached(trees: dict[str, ast.Module], packages: set[str]) -> set[str]:
    """Names of the definitions that no other code of the modules uses, directly or through each other."""
    uses = Uses()
    for module, tree in trees.items():
        uses.read(module, tree)
    open_questions = {
        d: set(uses.of(d, packages)) for module, tree in trees.items() for d in _definitions(module, tree, ())
    }
    dead: list[Definition] = []
    while more := [
        d
        for d, where in open_questions.items()
        if all(d.holds(*use) or any(other.holds(*use) for other in dead) for use in where)
    ]:
        dead += more
        for d in more:
            del open_questions[d]
    return {f"{d.module}.{'.'.join(d.path)}" for d in dead}


def _definitions(module: str, node: ast.AST, owner: tuple[str, ...]) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        decorators = {n.id for d in child.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name)}
        dunder = child.name.startswith("__") and child.name.endswith("__")
        called = child.name in ENTRY_POINTS or (module == API and not child.name.startswith("_"))
        called |= module.endswith(f".commands.{child.name}")
        if not dunder and not called and not decorators & VALIDATORS:
            first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
            yield Definition(module, (*owner, child.name), first, child.end_lineno or first)
        if isinstance(child, ast.ClassDef):
            yield from _definitions(module, child, (*owner, child.name))


def test_each_definition_of_the_product_is_used_by_product_code() -> None:
    trees, packages = {}, set()
    for path in (p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[module] = ast.parse(path.read_text(encoding="utf-8"))
        if parts[-1] == "__init__":
            packages.add(module)
    assert unreached(trees, packages) == set()


def test_what_only_unreached_code_uses_is_unreached() -> None:
    a = "from p import c\ndef f(): return g()\ndef g(): return 1\nc()\n"
    b = "def c(): return 1\ndef d(): return 2\nclass E:\n    def h(self): return d()\nE\n"
    trees = {"p": ast.parse("from p.b import c, d\n"), "p.a": ast.parse(a), "p.b": ast.parse(b)}
    assert unreached(trees, {"p"}) == {"p.a.f", "p.a.g", "p.b.E.h", "p.b.d"}
