"""Tables of a task: a missing required table is an error; an optional table is read if the sources name it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from tests.small.lead_scoring import lead_scoring_tables, write_lead_scoring
from training.config import TaskConfig, load_config
from training.studies.task_tables import read_task_tables


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskConfig:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    return load_config("lead_scoring", write_lead_scoring(tmp_path, lead_scoring_tables(leads=300)))


def _without(config: TaskConfig, *names: str) -> None:
    """Remove tables from the sources."""
    content = yaml.safe_load(config.sources.read_text())
    for name in names:
        del content["tables"][name]
    config.sources.write_text(yaml.safe_dump(content))


def test_optional_tables_are_read_where_the_sources_name_them(config: TaskConfig) -> None:
    assert list(read_task_tables(config, extra={}).frames) == ["leads", "events"]
    _without(config, "events")
    assert list(read_task_tables(config, extra={}).frames) == ["leads"]


def test_a_missing_required_table_is_refused_by_name(config: TaskConfig) -> None:
    _without(config, "leads")
    with pytest.raises(ConfigError, match="the table `leads` is needed and has no entry"):
        read_task_tables(config, extra={})
