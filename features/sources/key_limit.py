"""The error of a table too many of whose keys have no partner."""

from __future__ import annotations

import math
from collections.abc import Sequence

from features.errors import DataError
from features.sources.config import SourcesConfig
from features.sources.key_matches import KeyMatch


def unmatched_error(matches: Sequence[KeyMatch], config: SourcesConfig) -> DataError | None:
    """Return the error of the references with too many rows without a partner, or None if there are none.

    Rows whose partner is quarantined or left out by a filter do not count, because both have limits and counts of their
    own.

    Parameters
    ----------
    matches : sequence of KeyMatch
        As returned by `features.sources.key_matches.match_keys`; those that the caller does not join on are skipped.
    config : SourcesConfig
        As returned by ``features.sources.load_sources(path)``: `max_unmatched_share` of the table or of the file.

    Returns
    -------
    DataError or None
        The message has the numbers, examples, the hint, and the remedies; the caller raises it.

    Examples
    --------
    >>> from features.sources import SourcesConfig
    >>> names = {"table": "events", "column": "vehicle_id", "source_column": "car", "partner": None, "joined": True}
    >>> names |= {"other_table": "vehicles", "other_column": "vehicle_id"}
    >>> match = KeyMatch(**names, rows=10, unmatched_rows=3, keys=10, unmatched_keys=3)
    >>> config = SourcesConfig(tables={"events": {"csv": "events.csv"}})
    >>> print(unmatched_error([match], config))  # doctest: +NORMALIZE_WHITESPACE
    events.vehicle_id (`car`): 3 of 10 rows (30.0%; 3 of 10 keys) have no partner in vehicles, and max_unmatched_share
    is 20.0%. Correct the mapping at tables.events.columns.vehicle_id or tables.vehicles.columns.vehicle_id in sources,
    or set `max_unmatched_share: 0.3` at tables.events
    """
    problems = []
    for match in matches:
        share = max_unmatched_share(config, match.table)
        if match.unexplained_share > share and (match.joined or _is_misspelt(match, matches)):
            raised = math.ceil(round(match.unexplained_share * 100, 6)) / 100
            hint = "" if match.hint is None else f" {match.hint[0].upper()}{match.hint[1:]}."
            # Where no row has a partner, a larger share would only move the error to the join.
            remedy = f", or set `max_unmatched_share: {raised:g}` at tables.{match.table}" if raised < 1 else ""
            problems.append(
                f"{match.counts}, and max_unmatched_share is {share:.1%}.{hint} Correct the mapping at "
                f"tables.{match.table}.columns.{match.column} or tables.{match.other_table}.columns."
                f"{match.other_column} in {config.file}{remedy}"
            )
    return DataError(". ".join(problems)) if problems else None


def _is_misspelt(match: KeyMatch, matches: Sequence[KeyMatch]) -> bool:
    """Return whether no row has the partner that it may lack, although another spelling of the keys gives it one."""
    if match.partner is None or match.unmatched_rows < match.rows or match.hint is None:
        return False
    return not any(m.joined and {m.table, m.other_table} == {match.table, match.other_table} for m in matches)


def max_unmatched_share(config: SourcesConfig, table: str) -> float:
    """Return the largest accepted share of a table's rows without a partner, from 0 to 1.

    Parameters
    ----------
    config : SourcesConfig
        As returned by ``features.sources.load_sources(path)``.
    table : str
        Name of the raw table.

    Returns
    -------
    float
        That of the table's entry, or else that of the file.

    Examples
    --------
    >>> from features.sources import SourcesConfig
    >>> config = SourcesConfig(tables={"events": {"csv": "events.csv", "max_unmatched_share": 0.5}})
    >>> max_unmatched_share(config, "events"), max_unmatched_share(config, "leads")
    (0.5, 0.2)
    """
    source = config.tables.get(table)
    own = None if source is None else source.max_unmatched_share
    return config.max_unmatched_share if own is None else own
