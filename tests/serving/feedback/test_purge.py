"""The limit of a purge is exact."""

from __future__ import annotations

from pathlib import Path

from serving.feedback.purge import purge_events
from serving.stores import open_store
from tests.serving.feedback.requests import AT_US, application, post, shown, view


def test_nothing_is_younger_than_its_limit(tmp_path: Path) -> None:
    assert post(application(tmp_path), view(1), view(2, at="2024-03-01T09:00:00+08:00"), shown(3)).json()["stored"] == 3
    engine = open_store(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    assert purge_events(engine, before=AT_US, dry_run=True) == {"events": 1, "exposures": 0}
    assert purge_events(engine, before=AT_US, dry_run=False) == {"events": 1, "exposures": 0}
    assert purge_events(engine, before=AT_US + 1, dry_run=False) == {"events": 1, "exposures": 2}
    engine.dispose()
