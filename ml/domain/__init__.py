"""Pure arithmetic: NumPy and SciPy in, numbers out."""
