"""The two engines that features run on: Polars in this process, PySpark when events outgrow one machine."""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import ConfigError

ENGINES = ("polars", "spark")
JAVA = (17, 21)


def to_engine(frames: Mapping[str, pl.LazyFrame], engine: str = "polars") -> dict[str, nw.LazyFrame[Any]]:
    """Hand raw tables to an engine.

    Spark reads them from Parquet files written for it, as it would read a group's own; they live until the process
    ends.

    Parameters
    ----------
    frames : mapping of str to LazyFrame
        Raw tables.
    engine : {'polars', 'spark'}
        Where the features will be computed.

    Raises
    ------
    ConfigError
        The engine is unknown, or what Spark needs is not installed.

    Examples
    --------
    >>> tables = to_engine({"leads": pl.LazyFrame({"lead_id": ["a"]})})
    >>> collect(tables["leads"]).to_dicts()
    [{'lead_id': 'a'}]
    """
    if engine == "polars":
        return {name: nw.from_native(frame) for name, frame in frames.items()}
    if engine != "spark":
        raise ConfigError(f"engine: must be one of {', '.join(ENGINES)}, got '{engine}'")
    session = spark_session()
    folder = Path(tempfile.mkdtemp(prefix="chehang-spark-"))
    # Raw tables hold personal data: they must not outlive the process.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tables: dict[str, nw.LazyFrame[Any]] = {}
    for name, frame in frames.items():
        path = folder / f"{name}.parquet"
        frame.sink_parquet(path)
        tables[name] = scan_parquet(path, session)
    return tables


def scan_parquet(path: Path, session: Any | None = None) -> nw.LazyFrame[Any]:
    """Open Parquet files lazily: on Polars, or on Spark where a session is given."""
    if session is None:
        return nw.from_native(pl.scan_parquet(path))
    frame: nw.LazyFrame[Any] = nw.from_native(session.read.parquet(str(path)))
    return frame


def collect(frame: nw.LazyFrame[Any]) -> pl.DataFrame:
    """Compute a lazy frame and return it as Polars, whatever engine it is on.

    Rows come in no particular order: sort by the key where order matters.
    """
    native = nw.to_native(frame)
    if isinstance(native, pl.LazyFrame):
        return native.collect(engine="streaming")
    arrow = native.toArrow()
    result = pl.from_arrow(arrow)
    assert isinstance(result, pl.DataFrame)
    return result


def spark_session(*, master: str = "local[*]") -> Any:
    """Start (or return) a Spark session set up so that its results equal those of Polars.

    Parameters
    ----------
    master : str
        Spark's master URL; `local[*]` uses all cores of this machine.

    Raises
    ------
    ConfigError
        PySpark or a Java it can run on is missing; says what to install.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError("engine spark: PySpark is not installed; pip install 'chehang[spark]'")
    _check_java()
    from pyspark.sql import SparkSession

    settings = {
        "spark.sql.session.timeZone": "UTC",
        # Overflow is an error as in a contract, not a wrapped number; column names differ by case as in Polars.
        "spark.sql.ansi.enabled": "true",
        "spark.sql.caseSensitive": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": tempfile.gettempdir(),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "16",
        }
    builder = SparkSession.builder.master(master).appName("chehang")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _check_java() -> None:
    """Look where Spark's launcher looks: JAVA_HOME, then the path."""
    wanted = " or ".join(str(v) for v in JAVA)
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on the path"
        raise ConfigError(f"engine spark: no Java {where}; install Java {wanted} (Debian: openjdk-17-jre-headless)")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found.group(1)) not in JAVA:
        version = found.group(1) if found else "unknown"
        raise ConfigError(
            f"engine spark: Java {wanted} is needed, {java} is version {version}; "
            "install one of them and point JAVA_HOME at it (Debian: openjdk-17-jre-headless)"
        )
