"""Extra features that have the name of a contract column: features are computed without that contract column."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from features.errors import ConfigError
from training.config import TaskConfig

OWN = " (own)"


def own_names(config: TaskConfig) -> tuple[str, ...]:
    """Return the names of the extra features that replace contract columns of the task's first table.

    Examples
    --------
    >>> from training.config import load_config
    >>> own_names(load_config("credit_risk", settings=["extra_features={numeric: [visits, annual_rate]}"]))
    ('annual_rate',)
    """
    extra = config.extra_features
    return tuple(n for n in (*extra.numeric, *extra.categorical) if n in config.definition.table.columns)


def hide_own(frames: Mapping[str, pl.LazyFrame], table: str, names: Collection[str]) -> dict[str, pl.LazyFrame]:
    """Rename extra features that replace contract columns, so that no feature is computed from them.

    Parameters
    ----------
    frames : mapping of str to LazyFrame
        Raw tables by name.
    table : str
        The task's first table.
    names : collection of str
        As returned by `own_names`.

    Returns
    -------
    dict of str to LazyFrame
        The frames; that of `table` has other names for these columns until `restore_own`.

    Examples
    --------
    >>> import polars as pl
    >>> frames = hide_own({"leads": pl.LazyFrame({"price": [1.0]})}, "leads", ["price"])
    >>> frames["leads"].collect_schema().names(), restore_own(frames["leads"].collect(), ["price"]).columns
    (['price (own)'], ['price'])
    """
    return {**frames, table: frames[table].rename({n: f"{n}{OWN}" for n in names})} if names else dict(frames)


def restore_own(columns: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return computed features with the extra features under their own names, in place of computed ones.

    Parameters
    ----------
    columns : DataFrame
        Features computed from the result of `hide_own`.
    names : collection of str
        As returned by `own_names`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import polars as pl
    >>> restore_own(pl.DataFrame({"age": [1.0], "age (own)": [7.0]}), ["age"]).rows(named=True)
    [{'age': 7.0}]
    """
    hidden = {f"{n}{OWN}": n for n in names if f"{n}{OWN}" in columns.columns}
    return columns.drop([n for n in hidden.values() if n in columns.columns]).rename(hidden)


def refuse_own(config: TaskConfig, computed: Collection[str]) -> None:
    """Raise an error if an extra feature has the name of a contract column that the task computes with.

    Parameters
    ----------
    config : TaskConfig
        As returned by `training.config.load_config`.
    computed : collection of str
        Contract columns of the table with the extra features.

    Raises
    ------
    ConfigError
        The message has another name for the feature, and the entries of sources.yaml.

    Examples
    --------
    >>> from training.config import load_config
    >>> refuse_own(load_config("demand_forecast"), ("price", "quantity"))
    """
    extra = config.extra_features
    for name in (*extra.numeric, *extra.categorical):
        if name in computed:
            raise ConfigError(
                f"extra_features: {config.definition.name} computes with the contract's column `{name}`: list "
                f"`own_{name}` in its place, and map it with `columns: {{own_{name}: {{from: {name}}}, {name}: null}}`"
            )
