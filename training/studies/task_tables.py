"""Read the tables of a task: all required tables, and the optional tables that the sources name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from features.sources import ExtraFeatures, RawTables, SourcesConfig, load_sources, read_tables
from ml.home import home
from training.config import TaskConfig
from training.progress import Progress


def read_task_tables(
    config: TaskConfig,
    *,
    extra: Mapping[str, ExtraFeatures],
    sources: SourcesConfig | None = None,
    joins: Sequence[str] = (),
    progress: Progress | None = None,
) -> RawTables:
    """Read and validate the tables of a task.

    Invalid rows are written to `quarantine/<task>` in the home folder.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("credit_risk")``, for example. If its data has no time, the first table is read
        without its time column.
    extra : mapping of str to ExtraFeatures
        Columns outside the contract to read, by table, such as `{"applications": config.extra_features}`, or made by
        `features.sources.ExtraFeatures(numeric=[...], categorical=[...])`; may be empty.
    sources : SourcesConfig, optional
        Sources to read in place of the configured ones, as returned by `features.sources.load_sources` or
        `training.answer_files.replace_source`.
    joins : sequence of str
        References on which the configuration joins, such as `sales.vehicle_id`, in addition to those of the task.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    RawTables
        `frames` (LazyFrame of the valid rows, by table), `reports` (row counts and fingerprint, by table) and
        `key_matches` (numbers of rows with and without a partner in another table).

    Raises
    ------
    ConfigError
        The sources lack a required table, or a column mapping is invalid.
    DataError
        A table cannot be read or lacks a required column, or too many of its keys have no partner; the message names
        table and column.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> raw = read_task_tables(load_config("credit_risk"), extra={})  # doctest: +SKIP
    >>> raw.frames["applications"].collect()  # doctest: +SKIP
    """
    task = config.definition
    sources = sources or load_sources(config.sources)
    return read_tables(
        sources,
        (*task.tables, *(name for name in task.optional_tables if name in sources.tables)),
        extra=extra,
        quarantine_folder=home() / "quarantine" / task.name,
        undated=(task.tables[0],) if config.timeless else (),
        joins=(*task.entry.joins, *joins),
        targets=task.entry.targets,
        progress=progress,
    )
