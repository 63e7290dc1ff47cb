"""The wheel carries what the product runs on, and says what is missing outside a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("features", "ml", "training", "serving", "chehang")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, by the build backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, "dist"], cwd=folder, check=True, capture_output=True, timeout=120)
    return next((folder / "dist").glob("chehang-*.whl"))


def test_the_wheel_holds_the_code_the_pages_the_licence_and_nothing_else(wheel: Path) -> None:
    own = {
        p.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for p in (ROOT / name).rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    own |= {f"chehang/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "configs").rglob("*.yaml")}
    assert {
        "serving/desk/static/htmx.min.js",
        "serving/desk/templates/frame/page.html",
        "serving/desk/texts/frame.yaml",
        "chehang/configs/loans/rules.yaml",
    } < own
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {n for n in packed if ".dist-info/" not in n} == own
    assert any(n.endswith("licenses/LICENSE") for n in packed)


def test_outside_a_checkout_the_installed_configurations_are_used(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "CHEHANG_HOME": str(tmp_path / "home")}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
        )

    assert str(tmp_path) in run("-c", "import training; print(training.__file__)").stdout
    assert run("-m", "chehang", "--version").stdout == f"chehang {version('chehang')}\n"
    done = run("-m", "chehang", "train", "credit_risk")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"reading {tmp_path / 'site' / 'chehang' / 'configs' / 'credit_risk.yaml'}" in done.stderr
    assert str(tmp_path / "home" / "sample" / "tables") in done.stderr, "the data lies under CHEHANG_HOME"
    settings = run("-c", "from serving.settings import load_settings as load; print(load().configs)")
    assert settings.stdout.strip() == str(tmp_path / "site" / "chehang" / "configs")
    (elsewhere / "configs").mkdir()
    done = run("-m", "chehang", "train", "credit_risk")
    assert done.returncode == 1
    assert "configs/credit_risk.yaml: no such file; configurations are read from" in done.stderr
