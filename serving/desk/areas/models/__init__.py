"""Pages of the models: what can be trusted, why, and the change of a champion."""

from serving.desk.areas.models import changes, drift, overview, versions
from serving.desk.page import Page

PAGES: tuple[Page, ...] = (*overview.PAGES, *versions.PAGES, *drift.PAGES, *changes.PAGES)
