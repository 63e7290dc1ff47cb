"""All endpoints of the daily work."""

from __future__ import annotations

from serving.work import inventory, journal, overview
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (*journal.ROUTES, *inventory.ROUTES, *overview.ROUTES)
