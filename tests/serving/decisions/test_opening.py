"""At the start: keys of the log are required where other machines reach the service."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from serving.decisions.opening import check_log_keys


def test_a_laptop_may_run_without_keys_and_is_informed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHEHANG_LOG_KEYS", raising=False)
    notice = check_log_keys("127.0.0.1", is_loopback=True)
    assert notice is not None and "does not store inputs" in notice
    with pytest.raises(ConfigError, match=r"must be set to listen on 0\.0\.0\.0.*openssl rand -base64 32"):
        check_log_keys("0.0.0.0", is_loopback=False)


def test_keys_are_checked_before_the_workers_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_LOG_KEYS", "a:" + "A" * 43 + "=")
    assert check_log_keys("0.0.0.0", is_loopback=False) is None
    monkeypatch.setenv("CHEHANG_LOG_KEYS", "a:short")
    with pytest.raises(ConfigError, match="base64 of 32 bytes"):
        check_log_keys("127.0.0.1", is_loopback=True)
