"""The tables of a task as its sources name them: all that it needs, and the optional ones that there are."""

from __future__ import annotations

from collections.abc import Mapping

from features.sources import ExtraFeatures, RawTables, SourcesConfig, load_sources, read_tables
from ml.home import home
from training.config import TaskConfig
from training.progress import Progress


def read_task_tables(
    config: TaskConfig,
    *,
    extra: Mapping[str, ExtraFeatures],
    sources: SourcesConfig | None = None,
    progress: Progress | None = None,
) -> RawTables:
    """Read and check the tables that a task needs, and its optional tables that the sources name.

    Parameters
    ----------
    config : TaskConfig
        Configuration of the task. Where it has no time, the first table is read without its instant.
    extra : mapping of str to ExtraFeatures
        Columns beyond the contract, by table.
    sources : SourcesConfig, optional
        Sources in place of the configured ones.

    Raises
    ------
    ConfigError
        The sources do not name a table that the task needs, or map a column that cannot be.
    DataError
        A table cannot be read, or lacks a required column; see `features.sources.read_tables`.
    """
    task = config.definition
    sources = sources or load_sources(config.sources)
    return read_tables(
        sources,
        (*task.tables, *(name for name in task.optional_tables if name in sources.tables)),
        extra=extra,
        quarantine_folder=home() / "quarantine" / task.name,
        undated=(task.tables[0],) if config.timeless else (),
        progress=progress,
    )
