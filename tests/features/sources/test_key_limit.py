"""The largest accepted share of rows without a partner, and the error past it."""

from __future__ import annotations

import pytest

from features.sources.config import SourcesConfig
from features.sources.key_limit import max_unmatched_share, unmatched_error
from features.sources.key_matches import KeyMatch


def match(unmatched: int, **counts: int) -> KeyMatch:
    names = {"table": "leads", "column": "customer_id", "source_column": "c", "partner": None, "joined": True}
    names |= {"other_table": "customers", "other_column": "customer_id"}
    return KeyMatch(**names, rows=1_000, unmatched_rows=unmatched, keys=1_000, unmatched_keys=unmatched, **counts)


@pytest.mark.parametrize(("unmatched", "remedy"), [(201, "0.21"), (300, "0.3"), (990, "0.99")])
def test_the_remedy_is_the_smallest_share_that_lets_the_table_pass(unmatched: int, remedy: str) -> None:
    error = unmatched_error([match(unmatched)], SourcesConfig())
    assert f"set `max_unmatched_share: {remedy}` at tables.leads" in str(error)
    raised = SourcesConfig(tables={"leads": {"csv": "l.csv", "max_unmatched_share": float(remedy)}})
    assert unmatched_error([match(unmatched)], raised) is None


def test_no_share_is_proposed_where_no_row_has_a_partner() -> None:
    message = str(unmatched_error([match(1_000)], SourcesConfig()))
    assert message.endswith("tables.customers.columns.customer_id in sources")


def test_a_share_equal_to_the_limit_passes_and_explained_rows_do_not_count() -> None:
    assert unmatched_error([match(200)], SourcesConfig()) is None
    assert unmatched_error([match(500, quarantined_rows=200, filtered_rows=100)], SourcesConfig()) is None


def test_one_error_names_every_reference_above_the_limit() -> None:
    assert str(unmatched_error([match(300), match(400)], SourcesConfig())).count("have no partner") == 2


def test_the_entry_of_a_table_takes_precedence_over_the_file() -> None:
    config = SourcesConfig(max_unmatched_share=0.5, tables={"leads": {"csv": "l.csv", "max_unmatched_share": 0}})
    assert max_unmatched_share(config, "leads") == 0
    assert max_unmatched_share(config, "events") == 0.5
