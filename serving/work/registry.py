"""All endpoints of the daily work."""

from __future__ import annotations

from serving.work import alarms, inventory, journal, leads, loans, models, overview, storefront
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (
    *alarms.ROUTES,
    *inventory.ROUTES,
    *journal.ROUTES,
    *leads.ROUTES,
    *loans.ROUTES,
    *models.ROUTES,
    *overview.ROUTES,
    *storefront.ROUTES,
)
