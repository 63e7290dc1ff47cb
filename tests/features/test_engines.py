"""Identical features on both engines, and the errors of a Spark that cannot start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.engines import collect, scan_parquet, spark_session, to_engine
from features.errors import ConfigError
from features.lead_scoring import HISTORIES, build
from features.tables import CHANNELS, EVENT_TYPES

KEY = ["lead_id", "as_of"]
FEATURES = {name for history in HISTORIES for name in history.aggregations}


def crowded(rng: np.random.Generator, *, events: int = 800) -> dict[str, pl.DataFrame]:
    """Few customers and instants, for many ties; nulls wherever the contract allows them."""

    def draw(values: list[Any], n: int) -> pl.Series:
        return pl.Series(values).gather(rng.integers(0, len(values), n))

    customers = ["c1", "c2", "c3", "甲", "é", None]
    leads = 30
    created = pl.Series(rng.integers(380, 400, leads) * DAY)
    return {
        "events": pl.DataFrame(
            {
                "event_id": rng.permutation(events).astype(str),
                "event_at": rng.integers(20, 404, events) * DAY,
                "event_type": draw([*EVENT_TYPES, None], events),
                "customer_id": draw(customers, events),
                "session_id": draw(["s1", "s2", "s3", None], events),
                "vehicle_id": draw(["v1", "v2", "v3", None], events),
                "model": draw(["M1", "M2", None], events),
                "channel": draw([*CHANNELS, None], events),
                "dwell_seconds": draw([None, *rng.exponential(40.0, 50).tolist()], events),
            }
        ),
        "leads": pl.DataFrame(
            {
                "lead_id": [f"l{i}" for i in range(leads)],
                "created_at": created,
                "customer_id": draw(customers, leads),
                "channel": draw([*CHANNELS, None], leads),
                "price": draw([9_000_000, 12_345_678, None], leads),
                "distance_km": draw([0.1, 7.7, None], leads),
            }
        ),
        "sales": pl.DataFrame(
            {
                "sale_id": [f"o{i}" for i in range(20)],
                "sold_at": rng.integers(300, 404, 20) * DAY,
                "customer_id": draw(customers, 20),
                "price": draw([9_000_000, 12_345_678, None], 20),
            }
        ),
    }


def moments(leads: pl.DataFrame) -> pl.DataFrame:
    """Each lead at its creation, two days later, and one day before."""
    return pl.concat([leads.select("lead_id", as_of=pl.col("created_at") + days * DAY) for days in (0, 2, -1)])


def lead_features(raw: dict[str, pl.DataFrame], spine: pl.DataFrame, engine: str) -> pl.DataFrame:
    frames = to_engine({"spine": spine.lazy(), **{n: f.lazy() for n, f in raw.items()}}, engine)
    return collect(build(frames.pop("spine"), frames)).sort(KEY)


@pytest.mark.spark
def test_lead_features_are_identical_to_the_last_bit(spark: Any) -> None:
    raw = crowded(np.random.default_rng(3))
    spine = moments(raw["leads"])
    on_polars, on_spark = (lead_features(raw, spine, engine) for engine in ("polars", "spark"))
    assert on_polars.height == spine.height
    assert on_polars["events_90d"].max() > 10  # type: ignore[operator]
    assert set(on_polars.columns) >= FEATURES
    assert on_spark.schema == on_polars.schema
    assert on_spark.equals(on_polars)


@pytest.mark.spark
def test_empty_tables_have_the_same_columns_on_both(spark: Any) -> None:
    raw = crowded(np.random.default_rng(4), events=0)
    spine = moments(raw["leads"])
    for rows in (spine, spine.clear()):
        on_polars, on_spark = (lead_features(raw, rows, engine) for engine in ("polars", "spark"))
        assert on_spark.schema == on_polars.schema
        assert on_spark.equals(on_polars)


@pytest.mark.spark
def test_spark_reads_parquet_itself(spark: Any, tmp_path: Path) -> None:
    pl.DataFrame({"a": [3, 1]}).write_parquet(tmp_path / "a.parquet")
    assert collect(scan_parquet(tmp_path / "a.parquet", spark)).sort("a")["a"].to_list() == [1, 3]


def test_polars_reads_parquet_lazily(tmp_path: Path) -> None:
    pl.DataFrame({"a": [3, 1]}).write_parquet(tmp_path / "a.parquet")
    assert collect(scan_parquet(tmp_path / "a.parquet"))["a"].to_list() == [3, 1]


def test_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="engine: must be one of polars, spark, got 'dask'"):
        to_engine({}, "dask")


def test_polars_needs_no_pyspark_and_the_error_of_spark_has_the_command_to_install_it() -> None:
    code = (
        "import sys; sys.modules['pyspark'] = None\n"
        "import polars as pl\n"
        "from features.engines import collect, spark_session, to_engine\n"
        "from features.lead_scoring import build\n"
        "leads = pl.LazyFrame({'lead_id': ['l1'], 'created_at': [1], 'customer_id': ['c1']})\n"
        "tables = to_engine({'leads': leads, 'spine': leads.select('lead_id', as_of='created_at')})\n"
        "print(collect(build(tables.pop('spine'), tables))['other_leads'].item())\n"
        "spark_session()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"
    assert done.stderr.endswith("engine spark: PySpark is not installed; run pip install 'chehang[spark]'\n")


def _java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return folder


def test_the_error_without_java_has_the_versions_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no Java on PATH; install Java 17 or 21"):
        spark_session()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="no Java in JAVA_HOME"):
        spark_session()


@pytest.mark.parametrize("version", ["1.8.0_402", "25.0.1"])
def test_a_java_that_spark_does_not_run_on_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(_java(tmp_path, version)))
    with pytest.raises(ConfigError, match=rf"Java 17 or 21 is needed, .*version {version.split('.')[0]}; install"):
        spark_session()
