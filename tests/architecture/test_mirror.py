"""Every module is imported by a test in the folder that mirrors its own, so that a failure points at the place."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = tuple(name for name in ("chehang", "features", "ml", "training", "serving") if (ROOT / name).is_dir())
TESTS = ROOT / "tests"
ALIASES = {"features.arrays", "ml.domain.arrays", "training.progress"}  # names of types: nothing that runs


def _modules() -> dict[str, Path]:
    """Every module by its name; an `__init__` or `__main__` counts only if it defines something itself."""
    modules = {}
    for path in sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__" and not _defines(path):
            continue
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def _defines(path: Path) -> bool:
    """Whether a file has a function or a class of its own: more than a docstring, re-exports and literals."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in body)


def _imports(path: Path) -> set[str]:
    """Names that a file imports: `a.b` of `import a.b`, and `a.b` and `a.b.c` of `from a.b import c`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_every_module_is_imported_by_a_test_in_the_folder_that_mirrors_its_own() -> None:
    modules = _modules()
    assert len(modules) > 200
    imports: dict[Path, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        imports.setdefault(path.parent, set()).update(_imports(path))
    folders = {name: TESTS / path.parent.relative_to(ROOT) for name, path in modules.items()}
    missing = {name for name, folder in folders.items() if name not in imports.get(folder, ())} - ALIASES
    assert missing == set(), "write a test of it in the folder that mirrors its own"
