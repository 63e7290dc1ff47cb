"""The caller: what a key may do."""

from __future__ import annotations

from typing import Any

import pytest

from serving.doors.caller import Caller


def test_nobody_can_add_to_what_a_caller_may_do() -> None:
    desk: Any = Caller("k_1", "desk", "sales", frozenset({"lead_scoring"}), None)
    with pytest.raises(AttributeError):
        desk.scopes = frozenset({"credit_risk"})
