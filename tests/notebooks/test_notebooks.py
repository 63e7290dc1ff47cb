"""The notebooks run from nothing, show their pictures, define nothing, and are committed without outputs."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FEWEST_PICTURES = 4
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])


def test_there_is_a_tour() -> None:
    assert "00_tour" in {p.stem for p in NOTEBOOKS}


@each
def test_a_notebook_defines_nothing_and_is_clean(path: Path) -> None:
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert [(c.outputs, c.execution_count) for c in cells] == [([], None)] * len(cells)
    plain = TransformerManager().transform_cell
    nodes = [n for c in cells for n in ast.walk(ast.parse(plain(c.source)))]
    assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


@each
def test_what_a_notebook_imports_of_the_product_is_there(path: Path) -> None:
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    plain = TransformerManager().transform_cell
    imports = [n for c in cells for n in ast.walk(ast.parse(plain(c.source))) if isinstance(n, ast.ImportFrom)]
    own = [n for n in imports if n.module and n.module.split(".")[0] in ("features", "ml", "training", "serving")]
    assert own
    for node in own:
        module = import_module(node.module or "")
        names = [a.name for a in node.names]
        assert [n for n in names if not hasattr(module, n) and not find_spec(f"{node.module}.{n}")] == [], node.module


@pytest.mark.slow
@each
def test_a_notebook_runs_and_shows_its_pictures(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CHEHANG_HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert len([o for o in outputs if "image/png" in o.get("data", {})]) >= FEWEST_PICTURES
    assert (tmp_path / "mlflow.db").exists()
