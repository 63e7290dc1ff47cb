"""Leads: today's calls, assignments, contacts, given-up leads, channels, expected and actual sales."""

from __future__ import annotations

from serving.work.leads import assignments, channels, contacts, expected, lead, queue, reactivation, staff
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (
    *queue.ROUTES,
    *staff.ROUTES,
    *assignments.ROUTES,
    *reactivation.ROUTES,
    *channels.ROUTES,
    *expected.ROUTES,
    *contacts.ROUTES,
    *lead.ROUTES,
)
