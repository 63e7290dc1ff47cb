"""Load, fit, evaluate and compare, for each kind of learning problem: rows, rankings, panels and surveillance."""
