"""Champions and their challengers: reports, drift, and who promoted what."""

from serving.work.models.routes import ROUTES

__all__ = ["ROUTES"]
