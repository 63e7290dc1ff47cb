"""Fault statistics: exposure, sequential evidence, build ranges, reporting delay, detection power, inspections."""
