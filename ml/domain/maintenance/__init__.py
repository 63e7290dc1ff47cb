"""Maintenance: when the next routine service of a vehicle falls due, and how punctual vehicles are."""
