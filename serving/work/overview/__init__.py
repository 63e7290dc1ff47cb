"""The figures of the dashboard, what each role should look at today, and the search."""

from serving.work.overview import routes, search, today, vehicle_card
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (*routes.ROUTES, *today.ROUTES, *search.ROUTES, *vehicle_card.ROUTES)
