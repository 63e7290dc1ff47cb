"""Maintenance: when the next routine service of a vehicle falls due."""
