"""`recommendation`: which vehicles in stock should this visitor see, and why."""
