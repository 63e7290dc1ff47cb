"""Runs of one task: the nightly forecast, the weekly alarms, customer value and services due."""
