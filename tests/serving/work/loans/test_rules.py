"""Settings of the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.work.loans.rules import DeskRules, load_desk_rules
from tests.conftest import ROOT


def test_the_file_of_the_project_has_the_defaults(tmp_path: Path) -> None:
    assert load_desk_rules(ROOT / "configs") == load_desk_rules(tmp_path) == DeskRules()


@pytest.mark.parametrize("text", ["promise_minutes: 0", "promise: 60", "terms: []"])
def test_a_wrong_setting_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "desk.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=text.partition(":")[0]):
        load_desk_rules(tmp_path)
