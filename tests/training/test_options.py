"""Options and output that commands share."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from features.errors import ConfigError
from tests.conftest import ROOT
from training.options import loaded_config, parsed_instant


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31", "2026-01-31T09:00"])
def test_an_instant_needs_a_utc_offset(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--as-of: must be a date and time with a UTC offset, .* got '{text}'"):
        parsed_instant(text)
    assert parsed_instant(None) is None
    assert parsed_instant("2026-01-31T09:00+08:00") == datetime(2026, 1, 31, 1, tzinfo=UTC)


def test_settings_reach_the_configuration() -> None:
    path = ROOT / "configs" / "credit_risk.yaml"
    assert loaded_config("credit_risk", path, None, ["bootstraps=31"], progress=lambda text: None).bootstraps == 31
