"""Pages of the storefront preview: what a visitor would see and why, and the rules of the house."""

from __future__ import annotations

from serving.desk.areas.storefront import preview, rules
from serving.desk.page import Page

PAGES: tuple[Page, ...] = (*preview.PAGES, *rules.PAGES)
