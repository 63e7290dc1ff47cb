"""The two engines of feature computation: Polars in this process, and PySpark for more events than fit one machine."""

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
JAVA_VERSIONS = (17, 21)


def to_engine(frames: Mapping[str, pl.LazyFrame], engine: str = "polars") -> dict[str, nw.LazyFrame[Any]]:
    """Return raw tables as Narwhals frames of an engine.

    For Spark, the tables are written to temporary Parquet files, which are deleted at the end of the process.

    Parameters
    ----------
    frames : mapping of str to polars.LazyFrame
        Raw tables by name, such as ``features.sources.read_tables(...).frames``.
    engine : {'polars', 'spark'}
        Engine that computes the features.

    Returns
    -------
    dict of str to narwhals.LazyFrame
        The same tables by name; compute a frame with `collect`.

    Raises
    ------
    ConfigError
        The engine is unknown, or PySpark or Java is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> list(to_engine({"leads": pl.LazyFrame({"lead_id": ["a"]})}))
    ['leads']
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
    """Scan a Parquet file or folder lazily and return a Narwhals frame; compute it with `collect`.

    Parameters
    ----------
    path : Path
        Path of the file, or of a folder of Parquet files.
    session : SparkSession, optional
        As returned by `features.engines.spark_session`; without it Polars scans the file.

    Returns
    -------
    narwhals.LazyFrame
        The columns of the file.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.DataFrame({"lead_id": ["a"]}).write_parquet(Path(folder, "leads.parquet"))
    ...     collect(scan_parquet(Path(folder, "leads.parquet"))).to_dicts()
    [{'lead_id': 'a'}]
    """
    if session is None:
        return nw.from_native(pl.scan_parquet(path))
    frame: nw.LazyFrame[Any] = nw.from_native(session.read.parquet(str(path)))
    return frame


def collect(frame: nw.LazyFrame[Any]) -> pl.DataFrame:
    """Compute a lazy frame of either engine and return it as a Polars DataFrame.

    Rows are in no particular order; sort them by their key if the order matters.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        A value of the result of `features.engines.to_engine`, or made from one by a function of `features`.

    Returns
    -------
    polars.DataFrame

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import to_engine
    >>> collect(to_engine({"leads": pl.LazyFrame({"lead_id": ["a"]})})["leads"]).to_dicts()
    [{'lead_id': 'a'}]
    """
    native = nw.to_native(frame)
    if isinstance(native, pl.LazyFrame):
        return native.collect(engine="streaming")
    rows = pl.from_arrow(native.toArrow())
    assert isinstance(rows, pl.DataFrame)
    return rows


def spark_session(*, master: str = "local[*]") -> Any:
    """Return the Spark session, started if there is none, with settings that give the same results as Polars.

    Parameters
    ----------
    master : str
        Master URL of Spark; `local[*]` uses all cores of this machine.

    Returns
    -------
    SparkSession

    Raises
    ------
    ConfigError
        PySpark, or Java in a supported version, is not installed.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError("engine spark: PySpark is not installed; run pip install 'chehang[spark]'")
    _check_java()
    from pyspark.sql import SparkSession

    settings = {
        "spark.sql.session.timeZone": "UTC",
        # Overflow is an error instead of a wrong number, and column names are case-sensitive, as in Polars.
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
    """Check the Java that Spark's launcher will use: that of JAVA_HOME, or else of PATH."""
    supported = " or ".join(str(v) for v in JAVA_VERSIONS)
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on PATH"
        raise ConfigError(f"engine spark: no Java {where}; install Java {supported} (Debian: openjdk-17-jre-headless)")
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', output)
    if match is None or int(match.group(1)) not in JAVA_VERSIONS:
        version = match.group(1) if match else "unknown"
        raise ConfigError(
            f"engine spark: Java {supported} is needed, {java} is version {version}; "
            "install one of these versions and set JAVA_HOME to it (Debian: openjdk-17-jre-headless)"
        )
