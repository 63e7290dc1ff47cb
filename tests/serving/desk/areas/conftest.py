"""The small sales desk of the tests of leads, for their pages."""

from __future__ import annotations

from tests.serving.work.leads.conftest import make_work

__all__ = ["make_work"]
