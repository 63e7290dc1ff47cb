"""All endpoints of the daily work."""

from __future__ import annotations

from serving.work import alarms, inventory, journal, models, overview
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (*alarms.ROUTES, *journal.ROUTES, *inventory.ROUTES, *overview.ROUTES, *models.ROUTES)
