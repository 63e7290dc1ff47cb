"""Endpoints of the storefront preview: who looks, the page that they would see, and the rules of the house."""

from __future__ import annotations

from serving.work.routing import WorkRoute
from serving.work.storefront import preview, rules, vehicles, visitors

ROUTES: tuple[WorkRoute, ...] = (*preview.ROUTES, *rules.ROUTES, *vehicles.ROUTES, *visitors.ROUTES)
