"""What holds for every file of the product; which way imports point is import-linter's business."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.registry import TASKS
from tests.conftest import ROOT

PACKAGES = ("features", "ml", "training", "serving", "chehang")
LONGEST = 420
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common"}
UNSAFE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
# Written in parts, so that this file holds none of them.
FOLDERS = ("home", "root", "Users", "work")
HOSTS = (("py" + "pi", "org"), ("files", "python" + "hosted"))
BANNED = re.compile("|".join([*map(r"\.".join, HOSTS), r"(?<![\w.~])" + f"/(?:{'|'.join(FOLDERS)})" + r"/\w"]))
PROSE = (".py", ".md", ".yaml", ".yml", ".toml", ".html", ".ipynb", ".lock", ".txt")
NAMED = {"LICENSE", "Makefile", "MLproject", "run"}

PRODUCT = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))
CODE = [*PRODUCT, *sorted((ROOT / "benchmarks").rglob("*.py"))]


def _names(paths: list[Path]) -> list[str]:
    return [p.relative_to(ROOT).as_posix() for p in paths]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_no_file_is_long() -> None:
    lengths = {
        name: len(p.read_text(encoding="utf-8").splitlines()) for p, name in zip(CODE, _names(CODE), strict=True)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [n for p, n in zip(CODE, _names(CODE), strict=True) if EMPTY_NAMES & {p.stem, p.parent.name}] == []


def test_nothing_is_read_or_written_in_a_format_that_runs_code() -> None:
    imports = [
        (name, module)
        for path, name in zip(CODE, _names(CODE), strict=True)
        for node in ast.walk(_tree(path))
        for module in _imported(node)
        if module.split(".")[0] in UNSAFE
    ]
    assert imports == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [a.name for a in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_everything_public_of_the_product_has_a_docstring() -> None:
    bare = [
        f"{name}: {where}"
        for path, name in zip(PRODUCT, _names(PRODUCT), strict=True)
        for where, node in _public(_tree(path))
        if not ast.get_docstring(node) and not _says_it_all(node)
    ]
    assert bare == []


def test_a_property_that_repeats_a_name_needs_no_docstring() -> None:
    text = """class A:
    @property
    def rows(self): return self.table.rows
    @property
    def names(self): return self._names
    @property
    def mean(self): return sum(self.rows) / len(self.rows)
    def take(self): return 1"""
    (owner,) = ast.parse(text).body
    assert isinstance(owner, ast.ClassDef)
    assert [_says_it_all(node) for node in owner.body] == [True, True, False, False]


def _says_it_all(node: ast.AST) -> bool:
    """Whether a docstring would only repeat the name: a property that returns an attribute of its own name."""
    if not isinstance(node, ast.FunctionDef):
        return False
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    work = [s for s in node.body if not isinstance(s, ast.Assert)]
    value = work[0].value if isinstance(work[0], ast.Return) else None
    repeats = isinstance(value, ast.Attribute) and value.attr.lstrip("_") == node.name
    return bool(decorators & {"property", "cached_property"}) and repeats


def _public(
    module: ast.Module,
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The module, and its public classes, functions and methods; overloads and dunders speak for themselves."""
    yield "module", module
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def test_no_text_names_a_package_host_or_a_folder_of_someones_machine() -> None:
    folders = ("", "configs", "docs", "notebooks", ".ci", "tests", "benchmarks", *PACKAGES)
    paths = {p for f in folders for p in ((ROOT / f).rglob("*") if f else ROOT.glob("*"))}
    texts = sorted(p for p in paths if p.is_file() and (p.suffix in PROSE or p.name in NAMED))
    assert len(texts) > len(PRODUCT)
    banned_words = {
        n: m.group()
        for p, n in zip(texts, _names(texts), strict=True)
        if (m := BANNED.search(p.read_text(encoding="utf-8")))
    }
    assert banned_words == {}


@pytest.mark.parametrize("task", list(TASKS))
def test_a_task_has_the_same_name_in_every_layer(task: str) -> None:
    assert TASKS[task].name == task
    assert (ROOT / "configs" / f"{task}.yaml").is_file()
    assert (ROOT / "ml" / task).is_dir() or (ROOT / "ml" / f"{task}.py").is_file()


def test_the_contracts_on_imports_name_every_task() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c["layers"] for c in contracts if c.get("containers") == ["ml"])
    placed = [name.strip() for layer in layers for name in layer.split("|")]
    assert [task for task in TASKS if placed.count(task) != 1] == []
