"""Nothing in the product is there for tests alone: product code uses each function, class, method, constant and field.

The check reads the files without importing them. A function or a class counts as reached where its own module uses it,
where another module imports it, or where its module is named by a text (endpoints are listed by path) and something has
its name. The function of a command has the name of its module, and `tests/chehang/test_startup.py` says that each is
listed. A method counts as reached where any code has an attribute of its name, so one that shares its name with a
method in use is not found. What only unreached code uses is unreached too. A constant is a name that a module assigns
at its top level. A field of a dataclass counts as read where any code reads an attribute of its name or has it as a
text, where a response model has a field of its name, or where a module that names the class converts whole instances
(`asdict`). A dataclass with a base is an estimator, whose parameters scikit-learn reads.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from keyword import iskeyword

from tests.conftest import ROOT

PACKAGES = ("chehang", "features", "ml", "serving", "training")
# Called by name: click, logging, scikit-learn, MLflow, BentoML, uvicorn, PyYAML and Alembic.
API = "chehang"  # what notebooks and other people's code import
ENTRY_POINTS = {
    "format_commands",
    "resolve_command",
    "set_params",
    "_load_pyfunc",
    "Chehang",
    "to_asgi",
    "emit",
    "fetch_flow_collection_start",
    *("connection_made", "connection_lost", "data_received", "create_server"),  # the event loop
    *("on_message_begin", "on_headers_complete", "on_body", "send_400_response", "loop_factory"),  # uvicorn
    "_unsupported_upgrade_warning",  # uvicorn
    "upgrade",
    "revision",
    "down_revision",
    "read_entries",  # until chehang decisions export is here
}
VALIDATORS = {"field_validator", "model_validator", "field_serializer", "model_serializer"}
CONVERTERS = {"asdict", "astuple", "fields", "vars"}


@dataclass(frozen=True)
class Definition:
    """A function, a class, a method or a constant, and the lines that define it."""

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
            if name in self.texts:
                yield "", 0
            return
        yield from self._imports(module, name, packages)
        if module in self.texts:
            yield from self.attributes.get(name, ())
            if name in self.texts or module.endswith(f".{name}"):
                yield "", 0

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
        d: set(uses.of(d, packages))
        for module, tree in trees.items()
        for d in [*_definitions(module, tree, ()), *(() if module == API else _constants(module, tree))]
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


def _constants(module: str, tree: ast.Module) -> Iterator[Definition]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for name in (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)):
            if isinstance(name.ctx, ast.Store) and not name.id.startswith("__") and name.id not in ENTRY_POINTS:
                yield Definition(module, (name.id,), node.lineno, node.end_lineno or node.lineno)


def unread_fields(trees: dict[str, ast.Module]) -> set[str]:
    """Fields of dataclasses, as module, class and field, that no code reads by name or converts with its instance."""
    nodes = {module: list(ast.walk(tree)) for module, tree in trees.items()}
    everything = [node for each in nodes.values() for node in each]
    read = {n.attr for n in everything if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    read |= {n.value for n in everything if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    read |= {name for n in everything if isinstance(n, ast.ClassDef) and n.bases for name in _annotated(n)}
    converted: set[str] = set()
    for each in nodes.values():
        names = {n.id for n in each if isinstance(n, ast.Name)} | {n.name for n in each if isinstance(n, ast.ClassDef)}
        converted |= names if names & CONVERTERS else set()
    return {
        f"{module}.{owner.name}.{name}"
        for module, each in nodes.items()
        for owner in each
        if isinstance(owner, ast.ClassDef) and not owner.bases and owner.name not in converted
        if any("dataclass" in ast.unparse(decorator) for decorator in owner.decorator_list)
        for name in _annotated(owner)
        if name not in read
    }


def _annotated(owner: ast.ClassDef) -> Iterator[str]:
    return (s.target.id for s in owner.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name))


@cache
def _product() -> tuple[dict[str, ast.Module], set[str]]:
    trees, packages = {}, set()
    for path in (p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[module] = ast.parse(path.read_text(encoding="utf-8"))
        if parts[-1] == "__init__":
            packages.add(module)
    trees["serving.desk.templates"] = _templates()
    return trees, packages


def _templates() -> ast.Module:
    """Return what the templates of the pages use, as if a module did: charts, and attributes of their values."""
    lines = ["from serving.desk import charts"]
    for path in sorted((ROOT / "serving" / "desk" / "templates").rglob("*.html")):
        expressions = re.findall(r"\{\{(.*?)\}\}|\{%(.*?)%\}", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        code = " ".join(text for pair in expressions for text in pair)
        lines += [f"from serving.desk.charts import {name}" for name in re.findall(r"\bcharts\.(\w+)", code)]
        lines += [f"value.{name}" for name in re.findall(r"\.([a-z_]\w*)", code) if not iskeyword(name)]
    return ast.parse("\n".join(dict.fromkeys(lines)))


def test_product_code_uses_each_definition_and_constant_of_the_product() -> None:
    assert unreached(*_product()) == set()


def test_product_code_reads_each_field_of_its_dataclasses() -> None:
    assert unread_fields(_product()[0]) == set()


def test_what_only_unreached_code_uses_is_unreached() -> None:
    a = "from p import c\ndef f(): return g()\ndef g(): return 1\nc()\n"
    b = "def c(): return 1\ndef d(): return 2\nclass E:\n    def h(self): return d()\nE\n"
    trees = {"p": ast.parse("from p.b import c, d\n"), "p.a": ast.parse(a), "p.b": ast.parse(b)}
    assert unreached(trees, {"p"}) == {"p.a.f", "p.a.g", "p.b.E.h", "p.b.d"}


def test_constants_that_no_other_line_uses_are_unreached() -> None:
    a = "A, _B = 1, 2\nC: int = 3\nD = C\nE = 4\nF = 5\nprint(_B)\n"
    trees = {"p.a": ast.parse(a), "p.b": ast.parse("from p import a\nfrom p.a import E\nprint(a.F, E)\n")}
    assert unreached(trees, set()) == {"p.a.A", "p.a.C", "p.a.D"}


def test_fields_are_read_by_name_by_text_or_with_the_whole_instance() -> None:
    a = "@dataclass\nclass A:\n    x: int\n    y: int\n    z: int\n    w: int\n"
    b = "@dataclass(frozen=True)\nclass B:\n    v: int\n"
    use = "def f(a): a.w = 1; return a.x, getattr(a, 'y')\n"
    trees = {"p.a": ast.parse(a + use), "p.b": ast.parse(b), "p.c": ast.parse("def g(b: B): return asdict(b)\n")}
    assert unread_fields(trees) == {"p.a.A.z", "p.a.A.w"}
