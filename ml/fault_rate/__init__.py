"""`fault_rate`: which component of which model fails more than it should, and since when that could be known."""
