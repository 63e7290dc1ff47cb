"""Faults: exposure, sequential evidence, build ranges, reporting delay, power and inspection campaigns."""
