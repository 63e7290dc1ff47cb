"""The two engines that features run on: Polars in this process, PySpark when events outgrow one machine."""

from __future__ import annotations

import importlib.util
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
    """Compute a lazy frame and return it as Polars, whatever engine it is on."""
    native = nw.to_native(frame)
    if isinstance(native, pl.LazyFrame):
        return native.collect(engine="streaming")
    arrow = native.toArrow()
    result = pl.from_arrow(arrow)
    assert isinstance(result, pl.DataFrame)
    return result


def spark_session(*, master: str = "local[*]") -> Any:
    """Start (or return) a Spark session set up so that its results equal those of Polars.

    Raises
    ------
    ConfigError
        PySpark or a Java it can run on is missing; says what to install.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError("engine spark: PySpark is not installed; pip install 'chehang[spark]'")
    _check_java()
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("chehang")
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4" if master.startswith("local") else "200",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": tempfile.gettempdir(),
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _check_java() -> None:
    wanted = " or ".join(str(v) for v in JAVA)
    if shutil.which("java") is None:
        raise ConfigError(f"engine spark: no Java found; install Java {wanted} (Debian: openjdk-17-jre-headless)")
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found.group(1)) not in JAVA:
        version = found.group(1) if found else "unknown"
        raise ConfigError(f"engine spark: Java {wanted} is needed, found version {version}; install one of them")
