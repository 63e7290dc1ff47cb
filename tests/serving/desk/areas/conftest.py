"""The small sales desk and the small loan desk of the tests of their endpoints, for their pages."""

from __future__ import annotations

from tests.serving.work.leads.conftest import make_work
from tests.serving.work.loans.conftest import make_desk

__all__ = ["make_desk", "make_work"]
