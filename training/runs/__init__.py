"""Scheduled runs: nightly demand forecast, weekly fault alarms, customer value, services due and signals."""
