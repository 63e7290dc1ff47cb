"""A command opens an existing log and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.audit.opening import open_log
from tests.serving.decisions.tampering import mixed_log


def test_the_log_of_the_settings_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no decision log"):
        open_log(None)
    assert list(tmp_path.iterdir()) == []
    mixed_log(tmp_path)
    assert open_log(None).url.database == str(tmp_path / "decisions.db")
