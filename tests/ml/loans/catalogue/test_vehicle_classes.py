"""Vehicle classes by condition, use and energy type."""

from __future__ import annotations

import pytest

from features.errors import DataError
from ml.loans.catalogue.vehicle_classes import vehicle_class


@pytest.mark.parametrize(
    ("vehicle", "kind"),
    [
        (("new", "private", "combustion"), "private_combustion"),
        (("new", "private", "hybrid"), "private_combustion"),
        (("new", "private", "plug_in_hybrid"), "private_new_energy"),
        (("new", "commercial", "battery_electric"), "commercial_new_energy"),
        (("new", "commercial", "combustion"), "commercial_combustion"),
        (("used", "private", "battery_electric"), "used"),
    ],
)
def test_vehicle_classes(vehicle: tuple[str, str, str], kind: str) -> None:
    assert vehicle_class(*vehicle) == kind


def test_an_unknown_energy_type_is_refused() -> None:
    with pytest.raises(DataError, match=r"energy_type must be one of combustion, .*, got 'steam'"):
        vehicle_class("new", "private", "steam")
