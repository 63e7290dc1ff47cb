"""The figures of the dashboard, what each role should look at today, and the search."""

from serving.work.overview import routes
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (*routes.ROUTES,)
