"""All pages of the desk, and the areas of its navigation."""

from __future__ import annotations

from typing import NamedTuple

from serving.desk.areas import (
    dashboard,
    faults,
    home,
    interface,
    leads,
    loan_form,
    loan_prints,
    loan_values,
    loans,
    models,
    more,
    search,
    stock,
    storefront,
)
from serving.desk.page import Page


class Area(NamedTuple):
    """An entry of the navigation.

    Attributes
    ----------
    name : str
        Key of the text `frame.area.<name>`, and of the icon.
    path : str
        Address.
    scope : str
        Scope that shows it.
    is_tab : bool
        Whether it has a place of its own on the phone; the others are behind "more".
    """

    name: str
    path: str
    scope: str
    is_tab: bool


AREAS = (
    Area("home", "/desk", "desk", True),
    Area("loans", "/desk/loans", "credit_risk", True),
    Area("leads", "/desk/leads", "lead_scoring", True),
    Area("storefront", "/desk/storefront", "recommendation", False),
    Area("stock", "/desk/stock", "demand_forecast", False),
    Area("faults", "/desk/faults", "fault_rate", True),
    Area("models", "/desk/models", "models:read", False),
)
PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *dashboard.PAGES,
    *search.PAGES,
    *more.PAGES,
    *interface.PAGES,
    *models.PAGES,
    *stock.PAGES,
    *storefront.PAGES,
    *leads.PAGES,
    *faults.PAGES,
    *loan_form.PAGES,
    *loans.PAGES,
    *loan_prints.PAGES,
    *loan_values.PAGES,
)
