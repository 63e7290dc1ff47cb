"""Routes of events and stock."""

from __future__ import annotations

from starlette.routing import Route

from serving.feedback.events_app import EventsApp
from serving.feedback.pushes import ChangeCounters
from serving.feedback.stock_app import StockApp, change_stock, put_stock
from serving.feedback.store import FeedbackStore
from serving.settings import Settings


def feedback_routes(settings: Settings, counters: ChangeCounters) -> list[Route]:
    """Return `POST /v1/events`, `PUT /v1/stock` and `POST /v1/stock/changes`.

    Parameters
    ----------
    settings : Settings
        As returned by `serving.settings.load_settings`; `feedback_store` and `configs` are used.
    counters : ChangeCounters
        Its counter `stock` is increased by every push.

    Examples
    --------
    >>> from serving.feedback.pushes import LocalCounters
    >>> [route.path for route in feedback_routes(Settings(), LocalCounters())]
    ['/v1/events', '/v1/stock', '/v1/stock/changes']
    """
    store = FeedbackStore(settings.feedback_store)
    return [
        Route("/v1/events", EventsApp(store), methods=["POST"]),
        Route("/v1/stock", StockApp(store, counters, settings.configs, put_stock), methods=["PUT"]),
        Route("/v1/stock/changes", StockApp(store, counters, settings.configs, change_stock), methods=["POST"]),
    ]
